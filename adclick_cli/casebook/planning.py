"""The jobs of a case's script, and their graphs: each distinct job is planned once, ahead of the cases that run it.

A script is what `submit` sends; only the `WITH` of its tables differs. Of its statements a job has those that its
INSERTs need, so cases that differ in what decides alerts share the job that counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adclick_cli.casebook.jvm import Jvm
from adclick_cli.casebook.model import RECORD
from adclick_cli.errors import FlinkError
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import options, render
from adclick_cli.sql.script import Statement, statements

_SESSION = {
    "restart-strategy.type": "disable",
    # Every rise of a watermark is passed on before the next event is read.
    "pipeline.auto-watermark-interval": "0 ms",
    "execution.checkpointing.interval": "1 h",
    "parallelism.default": "1",
    # Longer generated code than that is parsed once more, to be split, which takes as long as planning does.
    "table.generated-code.max-length": "60000",
}
_SET = re.compile(r"SET '([^']+)' = '([^']*)'")
_METADATA = re.compile(r" METADATA FROM '[^']*' VIRTUAL")
_MADE = re.compile(r"CREATE TEMPORARY (?:TABLE|VIEW|FUNCTION) `?(\w+)")
_INTO = re.compile(r"INSERT INTO (\w+)")
_TEXT = re.compile(r"'[^']*'")
_COUNTS = ("ctr_results", "engagement_results")
_TABLES = {"alerts": "anomaly_alerts", "dead_letters": "dead_letters"}
"""The tables of those results that not every case is asked for."""


@dataclass(frozen=True)
class Job:
    """What one job computes; two of the same texts are the same job.

    Attributes:
        texts: its statements, each on one line: settings, tables and views, INSERTs.
        statements: the same as they stand in the script.
    """

    texts: tuple[str, ...]
    statements: tuple[Statement, ...] = field(compare=False)


def jobs(pipeline: Pipeline, records: Collection[str], where: options.Transport) -> list[Job]:
    """The jobs of the script that fill the results of these kinds, and the counts in any case; in running order."""
    wanted = {*_COUNTS, *(table for record, table in _TABLES.items() if record in records)}
    return of_script(
        render.script(replace(pipeline, live=False, dead_letters="dead_letters" in records), where),
        lambda inserts: _groups([one for one in inserts if _target(one) in wanted]),
    )


Groups = Callable[[list[Statement]], Iterable[list[Statement]]]


def of_script(text: str, groups: Groups = lambda inserts: [inserts]) -> list[Job]:
    """The jobs of a script, in running order.

    Args:
        text: the script.
        groups: which of the INSERTs of one statement are one job; all of them, as Flink has it, unless said otherwise.
    """
    settings: list[Statement] = []
    made: dict[str, Statement] = {}
    found = []
    for statement in statements(text):
        if statement.text.startswith("SET"):
            if render.MARK in statement.text:
                # It differs between pipelines that have the same job.
                continue
            settings.append(statement)
        elif match := _MADE.match(statement.text):
            made[match.group(1)] = statement
        else:
            for group in groups(_inserts(statement)):
                parts = (*settings, *_needed(group, made), *group)
                found.append(Job(tuple(one.on_one_line for one in parts), parts))
    return found


def _inserts(statement: Statement) -> list[Statement]:
    """The INSERTs of a statement set; one that stands alone is its own."""
    if not statement.text.startswith("EXECUTE STATEMENT SET"):
        return [statement]
    inner = "\n".join(statement.text.splitlines()[2:-1])
    return [replace(one, line=statement.line + 1 + one.line) for one in statements(inner)]


def _target(insert: Statement) -> str:
    match = _INTO.search(insert.on_one_line)
    return match.group(1) if match else ""


def _groups(inserts: list[Statement]) -> Iterator[list[Statement]]:
    """The counts share a join, so they are one job; alerts and dead letters share nothing but what is read."""
    counts = [one for one in inserts if _target(one) in _COUNTS]
    if counts:
        yield counts
    yield from ([one] for one in inserts if one not in counts)


def _needed(inserts: list[Statement], made: dict[str, Statement]) -> list[Statement]:
    """The tables and views that these read or write, and those that they are made of; as they follow one another."""
    names: set[str] = set()
    todo = list(inserts)
    while todo:
        for name in set(re.findall(r"\w+", _TEXT.sub("", todo.pop().on_one_line))) & made.keys() - names:
            names.add(name)
            todo.append(made[name])
    return [statement for name, statement in made.items() if name in names]


def transport(folder: Path, pipeline: Pipeline, *, stepped: bool = False) -> options.Transport:
    """Files as the engine puts them down."""
    plain = options.files(folder, pipeline)
    sources = dict(plain.sources)
    if stepped:
        for name in (*RECORD, *(f"{record.name}_records" for record in RECORD.values())):
            sources[name] = {**sources[name], "source.monitor-interval": "10 ms"}
    sinks = {**plain.sinks, "dead_letters": options.file(folder / "dead_letters")}
    return options.Transport(sources, sinks, plain.arrival)


class Plans:
    """Graphs of jobs, planned on a thread of its own in the order in which they are first asked for.

    Args:
        jvm: where Flink's planner is.
    """

    def __init__(self, jvm: Jvm) -> None:
        self._jvm = jvm
        self._pool = ThreadPoolExecutor(1, "plans")
        self._graphs: dict[Job, Future[Any]] = {}

    def ask(self, job: Job) -> Future[Any]:
        """The graph of a job, now or later.

        Raises:
            FlinkError: in the future: Flink refused the SQL.
        """
        if job not in self._graphs:
            self._graphs[job] = self._pool.submit(self._plan, job)
        return self._graphs[job]

    def close(self) -> None:
        """Plan nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _plan(self, job: Job) -> Any:
        """The graph of a job, not started."""
        flink = self._jvm.java.org.apache.flink
        environment = flink.streaming.api.environment.StreamExecutionEnvironment.getExecutionEnvironment(
            self._jvm.configuration(_SESSION)
        )
        tables = flink.table.api.bridge.java.StreamTableEnvironment.create(environment)
        operations = self._jvm.java.java.util.ArrayList()
        for statement in job.statements:
            setting = _SET.fullmatch(statement.on_one_line)
            if setting:
                if setting.group(1) not in _SESSION:
                    tables.getConfig().set(setting.group(1), setting.group(2))
            elif statement.text.startswith("CREATE"):
                _java(statement, tables.executeSql, file_columns(statement.text))
            else:
                operations.addAll(_java(statement, tables.getParser().parse, statement.text))
        planned = _java(job.statements[-1], tables.getPlanner().translate, operations)
        executor = flink.table.planner.delegation.DefaultExecutor(environment)
        return executor.createPipeline(planned, tables.getConfig().getConfiguration(), "case")


def file_columns(statement: str) -> str:
    """The statement for a file: where a file holds a message's place, it holds it as columns."""
    return _METADATA.sub("", statement) if options.EVENT_LINES in statement else statement


def _java(statement: Statement, call: Any, *values: Any) -> Any:
    from py4j.protocol import Py4JJavaError

    try:
        return call(*values)
    except Py4JJavaError as error:
        reason, cause = [], error.java_exception
        while cause is not None:
            reason.append(str(cause.getMessage()))
            cause = cause.getCause()
        raise FlinkError(
            f"Flink refused the statement at line {statement.line} of the script", "\n".join(reason)
        ) from None
