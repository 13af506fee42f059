"""The rendered SQL on Flink, as `adclick test` runs it: files in, files out, no broker.

All tests share one Java process with one small cluster, and the graphs of all jobs: planning takes most of the time, so
tests that can do with the same parameters have the same parameters.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from adclick_cli.casebook.flink import Engine, event_line
from adclick_cli.casebook.jvm import Jvm, bundled_java
from adclick_cli.casebook.planning import file_columns, of_script
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime import jars
from adclick_cli.settings import load
from adclick_cli.sql import options, render
from adclick_cli.sql.script import statements
from tests.builders import compiled

HOST_TIME_ZONE = "America/St_Johns"
"""Half an hour off the full hour: windows that go by it are no windows of UTC."""

_SINKS = ("ctr", "engagement", "alerts", "ctr_live", "engagement_live")
Event = Mapping[str, Any] | bytes
Row = dict[str, Any]

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
    """The session's cluster, and what runs scripts on it one after the other.

    Attributes:
        jvm: the Java process.
        engine: what runs the jobs of cases; its folder is that of all scripts.
    """

    def __init__(self, jvm: Jvm, folder: Path) -> None:
        self.jvm, self.engine = jvm, Engine(jvm, folder)
        self.folder = self.engine.folder

    def where(self, pipeline: Pipeline) -> options.Transport:
        """The folder as the tables of a script see it."""
        return options.files(self.folder, pipeline)

    def execute(self, script: str) -> None:
        """Run the jobs of `script`, one after the other."""
        for job in of_script(script):
            self.engine.execute(job)

    def tables(self, pipeline: Pipeline, where: options.Transport, *names: str) -> Any:
        """A StreamTableEnvironment with the tables and views of these stages; each job has a cluster of its own."""
        flink = self.jvm.java.org.apache.flink
        settings = {"parallelism.default": "1", "pipeline.auto-watermark-interval": "0 ms"}
        environment = flink.streaming.api.environment.StreamExecutionEnvironment.getExecutionEnvironment(
            self.jvm.configuration(settings)
        )
        made = flink.table.api.bridge.java.StreamTableEnvironment.create(environment)
        made.getConfig().set("table.local-time-zone", "UTC")
        for name in names:
            for statement in statements(render.stage(pipeline, name, where)):
                if statement.text.startswith("CREATE"):
                    made.executeSql(file_columns(statement.text))
        return made

    def explain(self, pipeline: Pipeline) -> str:
        """The plan of the final windows and of the live lane in one job."""
        where = replace(self.where(pipeline), sinks={key: {"connector": "blackhole"} for key in _SINKS})
        tables = self.tables(replace(pipeline, live=True), where, "sources", "join", "sinks", "aggregation")
        both = tables.createStatementSet()
        columns = "window_start, window_end, campaign_id, impression_count, click_count, 0E0"
        for sink, counts in (("ctr_live", "window_counts"), ("ctr_live", "live_counts")):
            both.addInsertSql(f"INSERT INTO {sink} SELECT {columns} FROM {counts}")
        api = self.jvm.java.org.apache.flink.table.api
        details = self.jvm.array(api.ExplainDetail, 0)
        return str(both.explain(api.ExplainFormat.TEXT, details)).split("== Optimized Execution Plan ==")[1]


def write_lines(path: Path, events: Iterable[Event], *, portable: bool = True) -> None:
    """One event a line, in the order of arrival; for the function with its place, unless it is a result row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    messages = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    if portable:
        lines = [message + b"\n" for message in messages]
    else:
        arrived_ms = FAR_FUTURE * 1000
        lines = [event_line("t", 0, number, arrived_ms, message) for number, message in enumerate(messages)]
    path.write_bytes(b"".join(lines))
    os.utime(path, (FAR_FUTURE, FAR_FUTURE))


def read_rows(folder: Path) -> list[Row]:
    """All rows of a folder of JSON lines, sorted."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_"))]
    rows = [json.loads(line) for path in files for line in path.read_text().splitlines()]
    return sorted(rows, key=json.dumps)


RunPipeline = Callable[..., Results]


def pipeline_of(**parameters: Any) -> Pipeline:
    """The pipeline that `run_pipeline` runs with these parameters: by the function unless they say `portable`."""
    plain = Pipeline(bounded=True, live=False, dead_letters=False, parallelism=1, method="ratio", portable=False)
    return replace(plain, **parameters)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedFlink]:
    """The cluster of the session."""
    settings = load()
    with Jvm(bundled_java(), jars.cache(settings), compiled.functions_jar()) as jvm:
        zones = jvm.java.java.util.TimeZone
        zones.setDefault(zones.getTimeZone(HOST_TIME_ZONE))
        made = EmbeddedFlink(jvm, tmp_path_factory.mktemp("flink"))
        yield made
        made.engine.close()


@pytest.fixture
def run_pipeline(embedded: EmbeddedFlink) -> RunPipeline:
    """`run_pipeline(impressions, clicks, **parameters)`: what both jobs make of these events, in this order.

    `extra` holds options of the session besides those of the script.
    """

    def run(impressions: Iterable[Event], clicks: Iterable[Event], *, extra: Any = None, **parameters: Any) -> Results:
        folder = embedded.engine.clear()
        pipeline = pipeline_of(**parameters)
        for topic, events in (("impressions", impressions), ("clicks", clicks)):
            write_lines(folder / topic / "events.json", events, portable=pipeline.portable)
        script = render.script(pipeline, embedded.where(pipeline))
        more = "".join(f"SET '{name}' = '{value}';\n" for name, value in (extra or {}).items())
        embedded.execute(more + script)
        return Results(*(read_rows(folder / one.name) for one in fields(Results)))

    return run
