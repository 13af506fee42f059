"""How cost grows: with rows, campaigns, attribution and parallelism, one at a time from the same starting point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from adclick_cli import defaults
from adclick_cli.bench import backlog, place
from adclick_cli.bench.measures import Goal, Measure, Measured, measure
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.submit import inside
from adclick_cli.parameters import Duration
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

SUITE = "scaling"
ROWS = (1, 3, 10)
CAMPAIGNS = (10, 1_000, 100_000)
ATTRIBUTION_MIN = (1, 10, 60)
PARALLELISM = (1, 2, 4)
LINEAR = 1.25
"""What an event may cost at a point, as a multiple of the starting point's, and count as linear: the noise of a run."""


@dataclass(frozen=True)
class Point:
    """One measurement.

    Attributes:
        axis: what is varied; empty for the starting point.
        times: the backlog, as a multiple of the starting point's.
        campaigns: how many.
        attribution: the attribution time.
        parallelism: of the job.
    """

    axis: str = ""
    times: int = 1
    campaigns: int = defaults.CAMPAIGNS
    attribution: Duration = Duration.parse(defaults.ATTRIBUTION, "attribution")
    parallelism: int = defaults.PARALLELISM

    @property
    def told(self) -> str:
        """In words."""
        return (
            f"{self.times}x rows, {self.campaigns:,} campaigns, attribution {self.attribution},"
            f" parallelism {self.parallelism}"
        )


def points() -> list[Point]:
    """The starting point, then each axis away from it."""
    start = Point()
    minutes = [Duration(number * 60_000) for number in ATTRIBUTION_MIN]
    away = [
        *(replace(start, axis="rows", times=times) for times in ROWS),
        *(replace(start, axis="campaigns", campaigns=number) for number in CAMPAIGNS),
        *(replace(start, axis="attribution", attribution=span) for span in minutes),
        *(replace(start, axis="parallelism", parallelism=number) for number in PARALLELISM),
    ]
    return [start, *(point for point in away if replace(point, axis="") != start)]


def run(settings: Settings, events: int, rate: float, rounds: int, report: Report) -> Measured:
    """What an event costs at each point: the TaskManager's processor time, else the job's time.

    Args:
        settings: of the cluster that is up.
        events: impressions of the starting point's backlog.
        rate: impressions a second of event time.
        rounds: how often each point is run, all points in turn; one more is run first and left out.
        report: told what is done.

    Raises:
        FlinkError: a job of adclick runs already, or a run fails.
        AdclickError: the topics hold another backlog.
    """
    rest = FlinkRest(settings.flink_rest)
    place.require_idle(rest)
    costs: dict[Point, list[float]] = {point: [] for point in points()}
    seconds: dict[Point, list[float]] = {point: [] for point in points()}
    peaks: dict[Point, list[float]] = {point: [] for point in points()}
    for number, point in _turns(rounds):
        own = place.own(settings, f"{place.PREFIX}{point.times}x-{point.campaigns}-")
        held = place.prepare(own, events * point.times, rate, point.campaigns, report)
        pipeline = inside(own, own.pipeline(bounded=True))
        pipeline = replace(pipeline, attribution=point.attribution, parallelism=point.parallelism)
        meter = place.Meter(settings)
        meter.start()
        took = backlog.run_side(own, rest, pipeline, "final").seconds
        usage = meter.stop()
        report(f"{point.told}: {took:.1f} s" if number else f"Warm: {took:.1f} s")
        if number:
            seconds[point].append(took)
            costs[point].append((took if usage is None else usage.cpu_s) / held * 1e6)
            if usage is not None and usage.peak_mb is not None:
                peaks[point].append(usage.peak_mb)
    own = place.own(settings)
    found = _growth(costs) + [measure(f"{point.told}: time", "s", values) for point, values in seconds.items()]
    found += [measure(f"{point.told}: peak memory", "MiB", values) for point, values in peaks.items() if values]
    return Measured(SUITE, found, {**place.parameters(own, own.pipeline(bounded=True)), "events": events, "rate": rate})


def _turns(rounds: int) -> Iterator[tuple[int, Point]]:
    # The first run of a cluster compiles what all later ones use.
    yield 0, points()[0]
    for number in range(1, rounds + 1):
        for point in points() if number % 2 else reversed(points()):
            yield number, point


def _growth(costs: dict[Point, list[float]]) -> list[Measure]:
    start = measure("", "", costs[points()[0]]).median
    return [
        measure(point.told, "µs/event", values, *([Goal(round(start * LINEAR, 2))] if point.axis else []))
        for point, values in costs.items()
    ]
