"""Running the sides of a benchmark in turn, on the same events, through the same cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adclick_cli import defaults
from adclick_cli.bench import place
from adclick_cli.bench.figures import Figures, figures
from adclick_cli.broker import admin
from adclick_cli.broker.whole import read_topic
from adclick_cli.errors import AdclickError, FlinkError, ParameterError
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.submit import inside, require_finished, run_script
from adclick_cli.flink.tables import connected
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.service import Report
from adclick_cli.security import Servers
from adclick_cli.settings import Settings
from adclick_cli.sql import render

SUITE = "backlog"
REFERENCE = "reference"
PARSING = "read and parse"
FINAL = "final"
LIVE = "final + live"
EARLY = "final + live + early"
PORTABLE = "final + live, portable"
SIDES = (PARSING, REFERENCE, PORTABLE, FINAL, LIVE, EARLY)
STOCK = "reference, stock Flink"
"""Not among the sides of a backlog: it needs a TaskManager of its own (`bench.stock`)."""
_SCRIPTS = {
    PARSING: "parse",
    REFERENCE: "reference",
    STOCK: "stock",
    FINAL: "final",
    LIVE: "final",
    EARLY: "final",
    PORTABLE: "final",
}
_EARLY = Duration(15_000)
_WITHOUT_ROWS = frozenset({PARSING})


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
    place.require_idle(FlinkRest(settings.flink_rest))
    own = place.own(settings)
    events = place.prepare(own, request.events, request.rate, defaults.CAMPAIGNS, report)
    pipeline = inside(own, own.pipeline(bounded=True))
    runs = Runs(own, pipeline, request.sides)
    for number in range(1, request.rounds + 1):
        # The other way round each time: whoever runs first after a pause would otherwise always be the same one.
        for side in request.sides if number % 2 else reversed(request.sides):
            report(f"Round {number} of {request.rounds}: {runs.run(side)}")
    return runs.record(SUITE, events, request.rate, REFERENCE)


class Runs:
    """Sides that run one after the other, and what they took; all of them must write the same rows.

    Args:
        settings: with topics of a benchmark's own.
        pipeline: that the sides are compared on.
        sides: which ones, of `SIDES` and `STOCK`.
    """

    def __init__(self, settings: Settings, pipeline: Pipeline, sides: Sequence[str]) -> None:
        self._settings = settings
        self._rest = FlinkRest(settings.flink_rest)
        self._pipeline = pipeline
        self._seconds: dict[str, list[float]] = {side: [] for side in sides}
        self._used: dict[str, list[place.Usage]] = {side: [] for side in sides}
        self._states: dict[str, list[int]] = {side: [] for side in sides}
        self._rows: dict[tuple[Any, ...], tuple[Any, ...]] | None = None

    def run(self, side: str) -> str:
        """Run a side once more; return what it took, in words.

        Raises:
            FlinkError: it fails.
            AdclickError: it wrote other rows than the side before it.
        """
        topic, servers = self._pipeline.topics.ctr, self._settings.servers
        before = admin.end_offsets(servers, [topic])[topic]
        meter = place.Meter(self._settings)
        meter.start()
        took = run_side(self._settings, self._rest, _lanes(self._pipeline, side), _SCRIPTS[side])
        usage = meter.stop()
        self._seconds[side].append(took.seconds)
        if took.state is not None:
            self._states[side].append(took.state)
        if usage is not None:
            self._used[side].append(usage)
        if side not in _WITHOUT_ROWS:
            found = _rows(servers, self._pipeline, before)
            if self._rows is not None and self._rows != found:
                raise AdclickError(
                    f"{side} wrote other rows than the side before it", _first_difference(self._rows, found)
                )
            self._rows = found
        return f"{side}: {took.seconds:.1f} s" + ("" if usage is None else f", {usage.cpu_s:.1f} s of processor time")

    def record(self, suite: str, events: int, rate: float, reference: str) -> Record:
        """What was measured, for `events` that every run read, against one of the sides."""
        return Record(
            suite,
            events,
            len(self._rows or {}),
            figures(events, self._seconds, self._used, self._states, reference, PARSING),
            self._seconds,
            {**place.parameters(self._settings, self._pipeline), "rate": rate},
        )


def _lanes(pipeline: Pipeline, side: str) -> Pipeline:
    return replace(
        pipeline,
        live=side in (LIVE, EARLY, PORTABLE),
        early=_EARLY if side == EARLY else Duration(0),
        # What is read and parsed is what plain SQL reads: Flink's own JSON format is the measure of all sides.
        portable=side in (PARSING, PORTABLE),
        dead_letters=side in (FINAL, LIVE, EARLY) and pipeline.dead_letters,
    )


@dataclass(frozen=True)
class Took:
    """What one run took.

    Attributes:
        seconds: of its job, by Flink's clock.
        state: bytes of its largest checkpoint; None where it ended before the first one.
    """

    seconds: float
    state: int | None


def run_side(settings: Settings, rest: FlinkRest, pipeline: Pipeline, script_name: str) -> Took:
    """Run one script of `render.BENCH_STAGES` to its end.

    Raises:
        FlinkError: it starts no job or several, or the job fails.
    """
    script = render.bench(pipeline, script_name, connected(settings, pipeline))
    ids = [job.id for job in run_script(settings, rest, script, "bench", lambda _: None)]
    if len(ids) != 1:
        raise FlinkError(f"sql-client started {len(ids)} jobs, not one", mend="Look at `adclick logs jobmanager`.")
    require_finished(rest, ids)
    return Took(float(rest.job(ids[0])["duration"]) / 1000, rest.largest_checkpoint(ids[0]))


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
