"""How soon a result can be read while events flow at the pace of the clock: live rows, final rows, alerts."""

from __future__ import annotations

import json
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from adclick_cli import schema
from adclick_cli.bench import place
from adclick_cli.bench.measures import Goal, Measure, Measured, measure
from adclick_cli.broker import admin
from adclick_cli.broker.consumer import Message
from adclick_cli.broker.stream import Stream
from adclick_cli.broker.whole import read_topic
from adclick_cli.errors import AdclickError, BrokerError
from adclick_cli.events.background import Generator, generating
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs, cancel
from adclick_cli.flink.submit import inside, submit
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.results.times import read_iso
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

SUITE = "freshness"
WINDOW = Duration(10_000)
ATTRIBUTION = Duration(30_000)
EARLY = Duration(15_000)
FACTOR = 1.02
"""Every change of a campaign's CTR that is larger raises an alert: chance alone gives many."""
WARM_S = 15.0
LOG = Path("logs") / "bench-generator.log"
LIVE_GOALS = (Goal(2.0), Goal(4.0, "p99"))
ALERT_GOAL = Goal(25.0, "p99")
FINAL_SLACK_S = 1.0
POLL_S = 0.2

Key = tuple[int, str]
"""A window's start, ms since the epoch, and its campaign."""


@dataclass(frozen=True)
class Seen:
    """A message, and when it could be read.

    Attributes:
        at_ms: when this process had it, ms since the epoch.
        message: the message.
    """

    at_ms: float
    message: Message


class Reader(threading.Thread):
    """Follows topics from now on and notes when each committed message came.

    Args:
        settings: for the broker.
        topics: their names.

    Raises:
        BrokerError: the broker does not answer.
    """

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self._stream = Stream(settings.servers, topics, newest=0)
        self._ended = threading.Event()
        self._away = ""
        self.seen: list[Seen] = []
        self._stream.step()

    def run(self) -> None:
        """Read until `finish`."""
        while not self._ended.is_set() and not self._away:
            step = self._stream.step()
            now = time.time() * 1000
            self.seen += [Seen(now, message) for message in step.messages]
            self._away = step.away

    def finish(self) -> list[Seen]:
        """End it and return what came.

        Raises:
            BrokerError: the broker went away in between.
        """
        self._ended.set()
        self.join()
        self._stream.close()
        if self._away:
            raise BrokerError("the broker went away while it was measured", self._away)
        return self.seen


def run(settings: Settings, rate: float, duration_s: float, report: Report) -> Measured:
    """Submit both jobs on topics of their own, let events flow, and note when each result can be read.

    Windows of 10 s, an attribution time of 30 s, an early lane of 15 s, and the settings' own watermark delay and
    checkpoint interval.

    Args:
        settings: of the cluster that is up.
        rate: impressions a second.
        duration_s: how long they flow, seconds; the first 15 are left out.
        report: told what is done.

    Raises:
        FlinkError: a job of adclick runs already, or does not start.
        AdclickError: too little came to measure.
    """
    rest = FlinkRest(settings.flink_rest)
    place.require_idle(rest)
    own = place.own(settings, f"{place.PREFIX}fresh-")
    pipeline = replace(
        inside(own, own.pipeline()),
        window=WINDOW,
        attribution=ATTRIBUTION,
        early=EARLY,
        method="ratio",
        spike=FACTOR,
        drop=1 / FACTOR,
        min_impressions=0,
    )
    submit(own, pipeline, replace=True, report=report)
    try:
        flowed = _flow(own, pipeline, rate, duration_s, report)
    finally:
        cancel(rest, own.servers, pipeline, active_jobs(rest), report)
    return Measured(
        SUITE,
        _figures(flowed, pipeline),
        {**place.parameters(own, pipeline), "rate": rate, "duration_s": duration_s},
    )


@dataclass(frozen=True)
class Flowed:
    """What came while events flowed.

    Attributes:
        produced: by window and campaign, when each impression was produced, in order, ms since the epoch.
        live, final, early, alerts: rows as they came; early: the early lane's alerts.
        since_ms, until_ms: the time that is measured.
    """

    produced: Mapping[Key, Sequence[float]]
    live: Sequence[Seen]
    final: Sequence[Seen]
    early: Sequence[Seen]
    alerts: Sequence[Seen]
    since_ms: float
    until_ms: float


def _flow(settings: Settings, pipeline: Pipeline, rate: float, duration_s: float, report: Report) -> Flowed:
    topics = pipeline.topics
    before = admin.end_offsets(settings.servers, [topics.impressions])[topics.impressions]
    final = Reader(settings, [topics.ctr, topics.early_alerts, topics.alerts])
    live = Reader(settings, [topics.ctr_live])
    final.start()
    live.start()
    with generating(settings, ("--phase", "normal", "--rate", str(rate)), LOG) as generator:
        report(f"Events flow at {rate:,.0f} impressions a second for {duration_s:.0f} s …")
        begun = time.time()
        _wait(generator, duration_s)
        ended = time.time()
        generator.end()
    came, changes = final.finish(), live.finish()
    return Flowed(
        _produced(settings, topics.impressions, before, pipeline.window.ms),
        changes,
        [one for one in came if one.message.topic == topics.ctr],
        [one for one in came if one.message.topic == topics.early_alerts],
        [one for one in came if one.message.topic == topics.alerts],
        (begun + WARM_S) * 1000,
        ended * 1000,
    )


def _figures(flowed: Flowed, pipeline: Pipeline) -> list[Measure]:
    since, until = flowed.since_ms, flowed.until_ms
    samples = {
        "live": live_delays(flowed.produced, flowed.live, since, until),
        "final": final_delays(flowed.final, pipeline, since, until),
        "early alert": alert_delays(flowed.early, replace(pipeline, attribution=pipeline.early), since, until),
        "alert": alert_delays(flowed.alerts, pipeline, since, until),
    }
    for name, found in samples.items():
        if not found:
            raise AdclickError(f"no {name} row came that could be measured", mend="Give a longer --duration.")
    return [
        measure("live row: event produced to row readable", "s", samples["live"], *LIVE_GOALS),
        measure("final row: watermark passed to row readable", "s", samples["final"], _final_goal(pipeline)),
        measure("early alert: window end to alert readable", "s", samples["early alert"], ALERT_GOAL),
        measure("final alert: window end to alert readable", "s", samples["alert"]),
    ]


def _final_goal(pipeline: Pipeline) -> Goal:
    return Goal(FINAL_SLACK_S + pipeline.checkpoint_interval.seconds, "most")


def _wait(generator: Generator, duration_s: float) -> None:
    until = time.monotonic() + duration_s
    while time.monotonic() < until:
        generator.require_alive()
        time.sleep(POLL_S)


def _produced(settings: Settings, topic: str, since: dict[int, int], window_ms: int) -> dict[Key, list[float]]:
    """When each impression was produced (the record's timestamp, ms), by window and campaign, in order."""
    found: dict[Key, list[float]] = defaultdict(list)
    for batch in read_topic(settings.servers, topic, start=since):
        for message in batch:
            event: dict[str, Any] = json.loads(message.value or b"{}")
            if event.get("impression_id") != schema.HEARTBEAT_ID:
                at = int(event["event_timestamp"])
                found[at - at % window_ms, event["campaign_id"]].append(message.timestamp_ms)
    for times in found.values():
        times.sort()
    return found


def live_delays(
    produced: Mapping[Key, Sequence[float]], changes: Iterable[Seen], since_ms: float, until_ms: float
) -> list[float]:
    """Seconds from an impression being produced until a live row that counts it can be read.

    The n-th impression of a window and campaign is counted by the first row whose count is at least n.

    Args:
        produced: by window and campaign, when its impressions were produced, in order, ms since the epoch.
        changes: live rows as they came.
        since_ms, until_ms: impressions produced before or after are left out, and those that no row has counted.
    """
    counted: dict[Key, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    for one in changes:
        if one.message.value is None:
            continue
        row = json.loads(one.message.value)
        counts, times = counted[_ms(row["window_start"]), row["campaign_id"]]
        # A row that counts no more than the one before it makes nothing readable.
        if not counts or row["impression_count"] > counts[-1]:
            counts.append(row["impression_count"])
            times.append(one.at_ms)
    delays = []
    for key, made in produced.items():
        counts, times = counted[key]
        for number, at in enumerate(made, start=1):
            place_of = bisect_left(counts, number)
            if since_ms <= at <= until_ms and place_of < len(counts):
                delays.append((times[place_of] - at) / 1000)
    return delays


def final_delays(rows: Iterable[Seen], pipeline: Pipeline, since_ms: float, until_ms: float) -> list[float]:
    """Seconds from the watermark passing a window's end until its final row can be read.

    The watermark passes when an event of that time comes, and events come at the pace of the clock.

    Args:
        rows: final CTR rows as they came.
        pipeline: for attribution and watermark delay.
        since_ms, until_ms: windows whose watermark passes before or after are left out.
    """
    held = pipeline.held_ms + pipeline.watermark_delay.ms
    passed = [(_ms(json.loads(one.message.value or b"")["window_end"]) + held, one.at_ms) for one in rows]
    return [(at - due) / 1000 for due, at in passed if since_ms <= due <= until_ms]


def alert_delays(alerts: Iterable[Seen], pipeline: Pipeline, since_ms: float, until_ms: float) -> list[float]:
    """Seconds from a window's end until its alert can be read; bounds as in `final_delays`."""
    held = pipeline.held_ms + pipeline.watermark_delay.ms
    ended = [(_ms(json.loads(one.message.value or b"")["alert_time"]), one.at_ms) for one in alerts]
    return [(at - end) / 1000 for end, at in ended if since_ms <= end + held <= until_ms]


def _ms(text: str) -> int:
    return round(read_iso(text).timestamp() * 1000)
