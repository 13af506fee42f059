"""Sending made or recorded events: as fast as it goes, or at the pace of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from adclick_cli.broker import admin
from adclick_cli.broker.producer import open_producer
from adclick_cli.events.ending import Ending
from adclick_cli.events.generator import Event, Kind
from adclick_cli.pipeline import Topics
from adclick_cli.runtime import disk
from adclick_cli.runtime.choose import being_started
from adclick_cli.schema import EVENTS, Record
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

LONGEST_NAP_S = 0.05
LOOK_S = 1.0
BURST = 200
"""Events of a burst between two looks at Ctrl-C: looking takes a third of the time that sending an event does."""

WAKE_EVENT_MS = 3_000
WAKE_IMPRESSIONS = 64
WAKE_PAUSE_S = 1.5
"""A burst into a pipeline that stood idle: Flink takes a silent partition out of the watermark, and takes it in again
only when its first message is there. At a thousand times the speed of the clock, a partition that wakes a tenth of a
second after the others is a minute late. So the first events (fewer seconds of event time than the watermark's delay,
enough of them to reach every partition) go first, and the burst follows when they have been read."""


@dataclass
class Report:
    """What was sent.

    Attributes:
        impressions, clicks: messages by topic, bad ones and repeats included.
        first_ms, last_ms: the range of the hand-over times, ms since the epoch; None where nothing was sent.
        seconds: how long it took.
        paused_s: of it, how long a burst waited for sleeping partitions.
        interrupted: whether Ctrl-C ended it.
    """

    impressions: int = 0
    clicks: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    seconds: float = 0.0
    interrupted: bool = False
    paused_s: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Messages a second."""
        return (self.impressions + self.clicks) / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {name: value for name, value in vars(self).items() if name not in ("more", "paused_s")}
        return plain | {"seconds": round(self.seconds, 3), "messages_per_second": round(self.rate)} | self.more


def prepare(
    settings: Settings, wait_s: float, report: Callable[[str], None] = lambda message: None, more: Sequence[Record] = ()
) -> None:
    """Wait for the broker and see that the two event topics are there, and those of `more`.

    Somebody else's broker is waited for. This home's own is waited for only while it is being started.

    Args:
        settings: where they are.
        wait_s: how long to wait, in seconds.
        report: told what is waited for.
        more: more topics.

    Raises:
        BrokerError: no broker answered in time, or none is being started, or its disk is full.
    """
    told = False

    def hope() -> bool:
        nonlocal told
        disk.require_room(settings)
        foreign = settings.bootstrap_servers is not None
        if not foreign and not being_started(settings):
            return False
        if not told:
            starts = "does not answer yet" if foreign else "is being started"
            report(f"The broker at {settings.servers} {starts}: waiting up to {wait_s:.0f} s …")
            told = True
        return True

    servers = settings.servers
    admin.wait_for_broker(servers, wait_s, hope)
    admin.ensure_topics(servers, admin.topic_names(settings.topics(), (*EVENTS, *more)))


def send(
    events: Iterable[Event],
    servers: Servers,
    topics: Topics,
    *,
    speed: float,
    fast: bool | None = None,
    look: Callable[[], None] = lambda: None,
) -> Report:
    """Send events in order; Ctrl-C ends it after a flush.

    Args:
        events: in the order of their hand-over.
        servers: the broker.
        topics: where to.
        speed: 0 sends as fast as it goes; 1 lets event time pass like the clock from the first event on, 2 twice as
            fast, and so on.
        fast: which client; None takes confluent-kafka where it is installed.
        look: called about once a second, also while nothing can be delivered; what it raises ends the sending.

    Raises:
        BrokerError: events could not be delivered.
    """
    report = Report()
    look = _every(LOOK_S, look)
    names = (topics.impressions, topics.clicks)
    producer = open_producer(servers, fast=fast, look=look)
    give, ending, click = producer.send, Ending(), Kind.CLICK
    begun = time.monotonic()

    def wake() -> None:
        producer.flush()
        time.sleep(WAKE_PAUSE_S)
        report.paused_s = WAKE_PAUSE_S

    try:
        with ending.heeded():
            for step in _steps(iter(events), report, begun, speed, wake):
                look()
                with ending:
                    for at_ms, kind, key, value in step:
                        give(names[kind], key, value)
                        report.last_ms = at_ms
                        if kind is click:
                            report.clicks += 1
                        else:
                            report.impressions += 1
    except KeyboardInterrupt:
        report.interrupted = True
    producer.close()
    report.seconds = time.monotonic() - begun
    return report


def _every(seconds: float, what: Callable[[], None]) -> Callable[[], None]:
    """The same, done at most once in so many seconds."""
    due = time.monotonic() + seconds

    def now_and_then() -> None:
        nonlocal due
        if time.monotonic() >= due:
            what()
            due = time.monotonic() + seconds

    return now_and_then


def _steps(
    events: Iterator[Event], report: Report, begun: float, speed: float, wake: Callable[[], None]
) -> Iterator[Sequence[Event]]:
    """Events that are handed over without a look at the clock or at Ctrl-C in between: one by one unless in a burst.

    `report` tells what was sent of the steps before, and is told when the first event is handed over.
    """
    for event in events:
        if report.first_ms is None:
            report.first_ms = event.at_ms
        since_ms = event.at_ms - report.first_ms
        if speed:
            _pace(begun + since_ms / 1000 / speed)
        elif since_ms > WAKE_EVENT_MS and report.impressions >= WAKE_IMPRESSIONS:
            wake()
            yield [event]
            break
        yield [event]
    while step := list(islice(events, BURST)):
        yield step


def _pace(until: float) -> None:
    # Short naps: Ctrl-C is answered at once, and a slow machine catches up by not napping at all.
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LONGEST_NAP_S))
