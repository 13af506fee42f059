"""Running cases: each on Flink and on the oracle, against what it expects and against one another."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adclick_cli.casebook import arrival, oracle, rows
from adclick_cli.casebook.flink import Engine
from adclick_cli.casebook.jvm import Jvm, bundled_java
from adclick_cli.casebook.model import Case
from adclick_cli.casebook.rows import Difference
from adclick_cli.errors import FlinkError, ParameterError
from adclick_cli.runtime import functions, jars, maven
from adclick_cli.runtime.local.layout import flink_package
from adclick_cli.settings import Settings


@dataclass
class Outcome:
    """What became of a case.

    Attributes:
        case: the case.
        seconds: how long it took; planning, which cases share, is in the first one's.
        differences: rows that are not as expected, by engine.
        disagreement: rows that the two engines do not share.
        error: why it could not be run; empty where it could.
        oracle: the oracle's compact rows, by kind.
        flink: Flink's.
    """

    case: Case
    seconds: float = 0.0
    differences: list[Difference] = field(default_factory=list)
    disagreement: list[Difference] = field(default_factory=list)
    error: str = ""
    oracle: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    flink: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether both engines gave what is expected."""
        return not (self.differences or self.disagreement or self.error)


def chosen(cases: Sequence[Case], pattern: str | None) -> list[Case]:
    """The cases whose name holds a match of `pattern` (a regular expression, case ignored).

    Raises:
        ParameterError: the pattern is none, or no case matches.
    """
    try:
        wanted = re.compile(pattern or "", re.IGNORECASE)
    except re.error as error:
        raise ParameterError("k", pattern, str(error), "Give a regular expression, or plain words.") from None
    found = [case for case in cases if wanted.search(case.name)]
    if not found:
        raise ParameterError("k", pattern, "No case has such a name.", "Leave -k out to run them all.")
    return found


def run(cases: Sequence[Case], settings: Settings, report: Callable[[str], None]) -> Iterator[Outcome]:
    """Run cases one after the other, in one Java process.

    Args:
        cases: what to run.
        settings: where Java and the jars are.
        report: told what takes a while.

    Raises:
        FlinkError: the Java process did not start.
        CaseFileError: no rule says what a case asks for.
        CompileError, DownloadError: adclick's Java classes cannot be made.
    """
    # What no rule decides is refused before anything is started.
    arrived = [arrival.arrive(case) for case in cases]
    java = settings.java_home / "bin" / "java" if settings.java_home else bundled_java()
    cache = jars.cache(settings)
    report(f"Starting Flink for {len(cases)} cases …")
    classes = functions.fetched(
        cache, java, flink_package(), lambda: maven.repository(settings.maven_url), cache / "functions.log"
    )
    with (
        tempfile.TemporaryDirectory(prefix="adclick-test-") as folder,
        Jvm(java, cache, classes) as jvm,
        closing(Engine(jvm, Path(folder))) as engine,
    ):
        yield from on(engine, cases, arrived)


def on(engine: Engine, cases: Sequence[Case], arrived: Sequence[arrival.Arrival]) -> Iterator[Outcome]:
    """Run cases one after the other on an engine, and on the oracle beside it.

    Args:
        engine: the cluster.
        cases: the cases.
        arrived: by case, as `arrival.arrive` gives it.
    """
    oracles = ThreadPoolExecutor(1, "oracle")
    expected = [oracles.submit(oracle.run, case, found) for case, found in zip(cases, arrived, strict=True)]
    try:
        graphs = [engine.plan(case, found) for case, found in zip(cases, arrived, strict=True)]
        for case, found, jobs, other in zip(cases, arrived, graphs, expected, strict=True):
            begun = time.monotonic()
            outcome = Outcome(case)
            try:
                outcome.flink = engine.run(case, found, jobs)
            except FlinkError as error:
                outcome.error = str(error)
            else:
                outcome.oracle = other.result()
                _judge(outcome)
            outcome.seconds = time.monotonic() - begun
            yield outcome
    finally:
        oracles.shutdown(cancel_futures=True)


def _judge(outcome: Outcome) -> None:
    # Which events are late is known from their order alone; Flink's rows tell whether it holds.
    outcome.flink["late"] = outcome.oracle["late"]
    for record in ("ctr", "engagement", *outcome.case.expect):
        if record not in ("late", *(one.record for one in outcome.disagreement)):
            outcome.disagreement += rows.disagreement(record, outcome.flink[record], outcome.oracle[record])
    for record, expected in outcome.case.expect.items():
        outcome.differences += rows.against("flink", record, expected, outcome.flink[record])
        outcome.differences += rows.against("oracle", record, expected, outcome.oracle[record])
