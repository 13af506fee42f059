"""A case on Flink: the SQL that `submit` renders, on files instead of topics.

Only the `WITH` of the tables differs, and that a message's place is a column of the file where it is metadata in Kafka.
Plain SQL reads each message as a line of JSON; the function reads its very bytes, in base64 behind their place.
Planning takes most of the time, so a job's graph is kept: cases that have the same job run it one after the other, each
on files of its own in the same folder.

Where an event is behind the watermark, it matters which topic is read first: such a case is read step by step, and a
checkpoint between two steps makes sure that all of the first has gone through every operator.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from itertools import groupby
from pathlib import Path
from typing import Any

from adclick_cli.casebook import contents, rows
from adclick_cli.casebook.arrival import Arrival, Message
from adclick_cli.casebook.jvm import Jvm
from adclick_cli.casebook.model import RECORD, Case
from adclick_cli.casebook.planning import Job, Plans, jobs, transport
from adclick_cli.errors import FlinkError
from adclick_cli.pipeline import Pipeline

DEADLINE_S = 60
POLL_S = 0.02
_RESULTS = ("ctr", "engagement", "alerts", "dead_letters")


class Engine:
    """Runs cases one after the other, on files in one folder; their jobs are planned meanwhile.

    Args:
        jvm: the cluster.
        folder: where the files are put.

    Attributes:
        folder: where each job reads its events and writes its rows.
    """

    def __init__(self, jvm: Jvm, folder: Path) -> None:
        self._jvm, self.folder, self._state = jvm, folder / "files", folder / "state"
        self._plans = Plans(jvm)

    def plan(self, case: Case, found: Arrival) -> list[Future[Any]]:
        """The graphs of the jobs that a case needs, in running order; each is there as soon as it is planned."""
        where = transport(self.folder, case.pipeline, stepped=found.behind)
        return [self._plans.ask(job) for job in jobs(case.pipeline, case.expect, where)]

    def run(self, case: Case, found: Arrival, graphs: Sequence[Future[Any]]) -> dict[str, list[dict[str, Any]]]:
        """Compact rows of those kinds that the case expects anything of.

        Raises:
            FlinkError: Flink refused the SQL, or a job failed.
        """
        first, *more = [graph.result() for graph in graphs]
        self.clear()
        if found.behind:
            self._step_by_step(first, case.pipeline, found)
        else:
            for topic in RECORD:
                part = [one for one in found.fed if one.topic == topic]
                _write(self.folder / topic / "0.json", part, case.pipeline, found)
            self._finish(self._start(first))
        for graph in more:
            self._finish(self._start(graph))
        return {name: [rows.compact(case, name, row) for row in _read(self.folder / name)] for name in _RESULTS}

    def execute(self, job: Job) -> None:
        """Run a job on what is in the folder, to its end.

        Raises:
            FlinkError: Flink refused the SQL, or the job failed.
        """
        self._finish(self._start(self._plans.ask(job).result()))

    def clear(self) -> Path:
        """Empty the folder; returns it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in (*RECORD, *_RESULTS):
            (self.folder / name).mkdir(parents=True)
        return self.folder

    def close(self) -> None:
        """Plan nothing more."""
        self._plans.close()

    def _start(self, graph: Any) -> Any:
        """Submit a job; returns its id."""
        java = self._jvm.java
        job = java.org.apache.flink.api.common.JobID.generate()
        loader = java.java.lang.Thread.currentThread().getContextClassLoader()
        self._jvm.cluster.submitJob(graph.getJobGraph(loader, job)).get()
        return job

    def _finish(self, job: Any) -> None:
        """Wait until a job has ended.

        Raises:
            FlinkError: it failed.
        """
        from py4j.protocol import Py4JJavaError

        seconds = self._jvm.java.java.util.concurrent.TimeUnit.SECONDS
        try:
            result = self._jvm.cluster.requestJobResult(job).get(DEADLINE_S, seconds)
        except Py4JJavaError as error:
            raise _late("a job did not end") from error
        if not result.isSuccess():
            reason = result.getSerializedThrowable()
            why = reason.get().getFullStringifiedStackTrace() if reason.isPresent() else ""
            raise FlinkError(f"a job of the case ended as {result.getApplicationStatus().toString()}", why)

    def _checkpoint(self, job: Any) -> bool:
        """Whether a checkpoint was made: there is none before every operator runs."""
        from py4j.protocol import Py4JJavaError

        try:
            self._jvm.cluster.triggerCheckpoint(job).get()
        except Py4JJavaError:
            if self._jvm.cluster.getJobStatus(job).get().isGloballyTerminalState():
                self._finish(job)
            return False
        return True

    def _await_read(self, sources: _Sources, topic: str, rows: int) -> None:
        _wait(lambda: sources.read(topic) >= rows, "a source did not read its events")

    def _step_by_step(self, graph: Any, pipeline: Pipeline, found: Arrival) -> None:
        job = self._start(graph)
        read = dict.fromkeys(RECORD, 0)
        sources = _Sources(self._jvm.rest, str(job.toString()))
        for number, (topic, group) in enumerate(groupby(found.fed, key=lambda one: one.topic)):
            part = list(group)
            read[topic] += sum(contents.rows(pipeline, one.topic, one.value) for one in part)
            _write(self.folder / topic / f"{number:04d}.json", part, pipeline, found)
            self._await_read(sources, topic, read[topic])
            _wait(lambda: self._checkpoint(job), "no checkpoint was made")
        formats = self._jvm.java.org.apache.flink.core.execution.SavepointFormatType
        # Both topics end here: the last watermark closes every window.
        self._jvm.cluster.stopWithSavepoint(job, self._state.as_uri(), True, formats.NATIVE).get()
        self._finish(job)


class _Sources:
    """How many rows each topic's source has given, by Flink's own metrics."""

    def __init__(self, rest: str, job: str) -> None:
        import requests

        self._session, self._job = requests.Session(), f"{rest}/jobs/{job}"
        self._vertices: dict[str, tuple[str, str]] = {}

    def _metric(self, topic: str) -> tuple[str, str] | None:
        table = f"{RECORD[topic].name}_events"
        if topic not in self._vertices:
            for vertex in self._session.get(self._job, timeout=10).json()["vertices"]:
                where = f"{self._job}/vertices/{vertex['id']}/subtasks/0/metrics"
                for metric in self._session.get(where, timeout=10).json():
                    name = metric["id"]
                    if name.startswith("Source__") and table in name and name.endswith(".numRecordsIn"):
                        self._vertices[topic] = (where, name)
        return self._vertices.get(topic)

    def read(self, topic: str) -> int:
        """Rows so far; 0 while nothing is known."""
        metric = self._metric(topic)
        if metric is None:
            return 0
        found = self._session.get(metric[0], params={"get": metric[1]}, timeout=10).json()
        return int(found[0]["value"]) if found else 0


def _wait(done: Any, what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not done():
        if time.monotonic() > end:
            raise _late(what)
        time.sleep(POLL_S)


def _late(what: str) -> FlinkError:
    return FlinkError(what, f"It had {DEADLINE_S} s.", "Run the case again; if it stays so, it is a bug.")


def event_line(topic: str, partition: int, offset: int, arrived_ms: int, value: bytes | None) -> bytes:
    """A message as the format `adclick-event-lines` reads it."""
    data = b"-" if value is None else base64.b64encode(value)
    return f"{topic}\t{partition}\t{offset}\t{arrived_ms}\t".encode() + data + b"\n"


def _write(path: Path, messages: list[Message], pipeline: Pipeline, found: Arrival) -> None:
    """One message a line; the file's time of change is the time of arrival. It appears whole."""
    part = path.parent.parent / f"{path.name}.part"
    if pipeline.portable:
        lines = [one.value + b"\n" for one in messages if one.value is not None]
    else:
        lines = [
            event_line(getattr(pipeline.topics, one.topic), one.partition, one.offset, found.arrived_ms, one.value)
            for one in messages
        ]
    part.write_bytes(b"".join(lines))
    os.utime(part, (found.arrived_ms / 1000, found.arrived_ms / 1000))
    part.replace(path)


def _read(folder: Path) -> list[Mapping[str, Any]]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith((".", "_"))]
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
