"""Running the sides of a benchmark in turn, on the same events, through the same cluster."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import psutil

from adclick_cli import __version__, defaults, schema
from adclick_cli.bench.figures import Figures, figures
from adclick_cli.broker import admin
from adclick_cli.broker.consumer import read_topic
from adclick_cli.errors import AdclickError, FlinkError, ParameterError
from adclick_cli.events import generate
from adclick_cli.events.generator import Shares
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.flink.submit import inside, require_finished, run_script
from adclick_cli.flink.tables import connected
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.service import Report
from adclick_cli.security import Servers
from adclick_cli.settings import Settings
from adclick_cli.sql import render

REFERENCE = "reference"
PARSING = "read and parse"
FINAL = "final"
LIVE = "final + live"
SIDES = (PARSING, REFERENCE, FINAL, LIVE)
_SCRIPTS = {PARSING: "parse", REFERENCE: "reference", FINAL: "final", LIVE: "final"}
_WITHOUT_ROWS = frozenset({PARSING})
PREFIX = "bench-"


@dataclass(frozen=True)
class Request:
    """What is measured.

    Attributes:
        events: impressions of the backlog.
        rate: impressions a second of event time.
        rounds: how often each side runs.
        sides: which ones, of `SIDES`.
    """

    events: int
    rate: float
    rounds: int
    sides: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What was measured.

    Attributes:
        suite: its name.
        events: impressions and clicks that every run read.
        rows: CTR rows that every side wrote, the same ones.
        figures: of each side.
        seconds: by side, each round's.
        parameters: of the pipeline and the machine.
    """

    suite: str
    events: int
    rows: int
    figures: list[Figures]
    seconds: dict[str, list[float]]
    parameters: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "suite": self.suite,
            "events": self.events,
            "rows": self.rows,
            "figures": [one.to_json() for one in self.figures],
            "seconds": self.seconds,
            "parameters": self.parameters,
        }


def parse_sides(text: str | None) -> tuple[str, ...]:
    """Sides from names separated by commas; None means all.

    Raises:
        ParameterError: there is no such side.
    """
    if text is None:
        return SIDES
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in SIDES:
            raise ParameterError("sides", name, "There is no such side.", f"Use some of: {', '.join(SIDES)}.")
    return tuple(side for side in SIDES if side in names)


def backlog(settings: Settings, request: Request, report: Report) -> Record:
    """How long each side takes for the same backlog, from its job's start to its end.

    The events lie in topics of their own; they are made once and kept for the next call.

    Raises:
        FlinkError: a job runs already, which would be measured too, or a side fails.
        AdclickError: two sides did not write the same rows.
        BrokerError: the broker does not answer.
    """
    rest = FlinkRest(settings.flink_rest)
    if active_jobs(rest):
        raise FlinkError("jobs of adclick run, and would be measured, too", mend="Run `adclick stop` first.")
    topics = {name: PREFIX + _default(name) for name in Settings.model_fields if name.startswith("topic_")}
    own = settings.model_copy(update=topics)
    events = _prepare(own, request, report)
    pipeline = inside(own, own.pipeline(bounded=True))
    seconds: dict[str, list[float]] = {side: [] for side in request.sides}
    rows: dict[tuple[Any, ...], tuple[Any, ...]] | None = None
    for number in range(1, request.rounds + 1):
        # The other way round each time: whoever runs first after a pause would otherwise always be the same one.
        for side in request.sides if number % 2 else reversed(request.sides):
            before = admin.end_offsets(own.servers, [pipeline.topics.ctr])[pipeline.topics.ctr]
            took = _run(own, rest, replace(pipeline, live=side == LIVE), side)
            seconds[side].append(took)
            report(f"Round {number} of {request.rounds}: {side}: {took:.1f} s")
            if side not in _WITHOUT_ROWS:
                found = _rows(own.servers, pipeline, before)
                if rows is not None and rows != found:
                    raise AdclickError(
                        f"{side} wrote other rows than the side before it", _first_difference(rows, found)
                    )
                rows = found
    return Record(
        "backlog",
        events,
        len(rows or {}),
        figures(events, seconds, REFERENCE, PARSING),
        seconds,
        _parameters(own, pipeline, request),
    )


def _default(name: str) -> str:
    return str(Settings.model_fields[name].default)


def _prepare(settings: Settings, request: Request, report: Report) -> int:
    topics = settings.topics()
    admin.ensure_topics(settings.servers, admin.topic_names(topics, schema.ALL))
    held = admin.message_counts(settings.servers, [topics.impressions])[topics.impressions]
    if held != request.events:
        if held:
            raise AdclickError(
                f"{topics.impressions} holds {held:,} impressions of another benchmark",
                mend=f"Give --events {held}, or begin with `adclick down -v`.",
            )
        made = generate.Request(
            "cycle", defaults.PHASE_CAMPAIGN, None, request.events, None, "2026-01-01T00:00:00Z", Shares(0, 0, 0, 0)
        )
        generate.run(settings.model_copy(update={"rate": request.rate}), made, None, report)
    return request.events + admin.message_counts(settings.servers, [topics.clicks])[topics.clicks]


def _run(settings: Settings, rest: FlinkRest, pipeline: Pipeline, side: str) -> float:
    script = render.bench(pipeline, _SCRIPTS[side], connected(settings, pipeline))
    ids = [job.id for job in run_script(settings, rest, script, "bench")]
    if len(ids) != 1:
        raise FlinkError(f"sql-client started {len(ids)} jobs, not one", mend="Look at `adclick logs jobmanager`.")
    require_finished(rest, ids)
    return float(rest.job(ids[0])["duration"]) / 1000


def _rows(servers: Servers, pipeline: Pipeline, since: dict[int, int]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    found = {}
    for batch in read_topic(servers, pipeline.topics.ctr, start=since):
        for message in batch:
            row = json.loads(message.value or b"{}")
            found[row["window_start"], row["campaign_id"]] = (row["impression_count"], row["click_count"])
    return found


def _first_difference(one: dict[Any, Any], other: dict[Any, Any]) -> str:
    for key in sorted(one.keys() | other.keys()):
        if one.get(key) != other.get(key):
            return f"{key}: {one.get(key)} and {other.get(key)}"
    return ""


def _parameters(settings: Settings, pipeline: Pipeline, request: Request) -> dict[str, Any]:
    return {
        "window": str(pipeline.window),
        "attribution": str(pipeline.attribution),
        "parallelism": pipeline.parallelism,
        "rate": request.rate,
        "partitions": defaults.PARTITIONS,
        "taskmanager_memory_mb": settings.taskmanager_memory_mb,
        "adclick": __version__,
        "flink": defaults.FLINK_VERSION,
        "kafka": defaults.KAFKA_VERSION,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "machine": platform.machine(),
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
