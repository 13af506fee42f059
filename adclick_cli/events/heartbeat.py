"""Heartbeats: events that nothing counts, written into silent partitions so that their watermarks move on.

A watermark comes from events alone, so a partition that carries none holds every window open. Flink's own way out, to
leave a partition out once the clock says that it was silent for long, takes slowness for silence: with a backlog before
it, the other partitions run on and the slow one's events are late (docs/decisions/0007). A heartbeat stands in the
partition itself, behind all that was written before it; whoever reads it has read those events.

The time of a heartbeat, with `s` the time of silence after which a partition gets one:

- while any partition carries traffic: the smallest of those partitions' newest event times;
- when none does: the newest event time of all, plus the time since it came, less `s`. Event time goes on at the pace of
  the clock, `s` behind what live traffic would carry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adclick_cli.catalog.model import EventSource, FieldType
from adclick_cli.events import reading, shape
from adclick_cli.pipeline import Pipeline
from adclick_cli.schema import HEARTBEAT_ID

Place = tuple[str, int]
"""Topic and partition."""

BEATS_PER_SILENCE = 5


@dataclass
class _Partition:
    newest_ms: int | None
    seen_s: float
    base_ms: int | None = None
    """Event time at `seen_s`. Our own later heartbeats do not raise it, or each would be added to the one before."""


@dataclass(frozen=True)
class Beat:
    """One heartbeat.

    Attributes:
        places: the partitions that get it.
        at_ms: its event time, ms since the epoch.
    """

    places: tuple[Place, ...]
    at_ms: int


class Silence:
    """Which partitions are silent, and what time it is there. Knows no broker and no clock.

    Args:
        after_s: a partition without an event for so long is silent, seconds.
        going_on_s: how long heartbeats go on when all is silent: until every open window is final.
    """

    def __init__(self, after_s: float, going_on_s: float) -> None:
        self._after_s = after_s
        self._going_on_s = going_on_s
        self._partitions: dict[Place, _Partition] = {}

    def there(self, places: Iterable[Place], now_s: float) -> None:
        """These partitions exist; one that is new counts as one that has just had an event."""
        known = set(places)
        for place in known - self._partitions.keys():
            self._partitions[place] = _Partition(None, now_s)
        for place in self._partitions.keys() - known:
            del self._partitions[place]

    def saw(self, place: Place, event_ms: int, now_s: float, *, beat: bool = False) -> None:
        """An event was found in a partition, or a heartbeat, which is no sign of traffic."""
        partition = self._partitions.setdefault(place, _Partition(None, now_s))
        if partition.newest_ms is None or event_ms > partition.newest_ms:
            partition.newest_ms = event_ms
        if not beat:
            partition.seen_s = now_s
        # Heartbeats that the first look finds were written before, perhaps by another writer: time goes on from there.
        first = all(one.base_ms is None for one in self._partitions.values())
        if first or (now_s == partition.seen_s and event_ms > (partition.base_ms or 0)):
            partition.base_ms = event_ms

    def nobody_looked(self, now_s: float) -> None:
        """The broker was away: nothing is known about the time until now."""
        for partition in self._partitions.values():
            partition.seen_s = now_s
            partition.base_ms = partition.newest_ms

    def due(self, now_s: float) -> Beat | None:
        """The heartbeat that is due now, if one is."""
        silent = {place: one for place, one in self._partitions.items() if now_s - one.seen_s >= self._after_s}
        known = [one for one in self._partitions.values() if one.newest_ms is not None]
        if not silent or not known:
            return None
        busy = [one.newest_ms for place, one in self._partitions.items() if place not in silent]
        at_ms = min((newest for newest in busy if newest is not None), default=None)
        if at_ms is None:
            if busy or now_s - max(one.seen_s for one in known) > self._going_on_s:
                return None
            bases = [one.base_ms - one.seen_s * 1000 for one in known if one.base_ms is not None]
            if not bases:
                return None
            at_ms = int(max(bases) + (now_s - self._after_s) * 1000)
        return Beat(tuple(sorted(silent)), at_ms)


def going_on_s(pipeline: Pipeline, after_s: float) -> float:
    """How long heartbeats go on after the last event, seconds: longer than any window takes to be final."""
    spans = (pipeline.window, pipeline.attribution, pipeline.clock_skew, pipeline.watermark_delay)
    return 2 * (sum(span.seconds for span in spans) + after_s)


@dataclass(frozen=True)
class Events:
    """The events of one topic.

    Attributes:
        source: what they look like.
        schema: what is looked at to tell whether a message holds one.
    """

    source: EventSource
    schema: reading.Schema


def events(pipeline: Pipeline, name: Literal["impressions", "clicks"]) -> Events:
    """The events of a topic as a pipeline reads them."""
    source = pipeline.catalog.source(name)
    # To plain SQL a field that may be missing makes no difference.
    columns = [one for one in pipeline.event_columns(name) if one.required or not pipeline.portable]
    return Events(source, reading.declared(source, columns))


def topics(pipeline: Pipeline) -> dict[str, Events]:
    """The events that each topic holds."""
    return {
        pipeline.topics.impressions: events(pipeline, "impressions"),
        pipeline.topics.clicks: events(pipeline, "clicks"),
    }


def event_time(of: Events, value: bytes | None, arrived_ms: int, max_ahead_ms: int) -> tuple[int, bool] | None:
    """Event time of a message (ms since the epoch) and whether it is a heartbeat; None where it holds no event.

    A message may hold several events: the newest of them counts. What is an event is said in docs/events.md.
    """
    found = reading.events(value, of.schema, arrived_ms + max_ahead_ms)
    identity = of.source.ids[0].name
    return max(((at_ms, one[identity] == HEARTBEAT_ID) for at_ms, one in found), default=None)


def stamp(source: EventSource, value: bytes | None) -> int | None:
    """The number in a message's time field, whatever its unit; None where there is none."""
    try:
        found = json.loads(value or b"")
        for name in source.time:
            found = found[name]
        return int(found)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError):
        return None


def message(source: EventSource, at_ms: int) -> bytes:
    """A heartbeat as it stands in a topic of impressions or clicks: JSON.

    All fields that an event needs are there, also those that no result reads now: a later submission may.

    Args:
        source: what events of the topic look like.
        at_ms: its time, ms since the epoch.
    """
    needed = [one for one in (*source.ids, *source.fields) if one.required]
    # Of columns that read the same place a number suits a text, too, but no text suits a number; ids come first.
    values = [(one.path, _NOTHING[one.type]) for one in sorted(needed, key=lambda one: one.type != "text")]
    values += [(one.path, HEARTBEAT_ID) for one in source.ids]
    return json.dumps(shape.placed([*values, (source.time, shape.time(at_ms, source.time_unit))])).encode()


_NOTHING: Mapping[FieldType, Any] = {"text": HEARTBEAT_ID, "integer": 0, "decimal": 0, "boolean": False}
