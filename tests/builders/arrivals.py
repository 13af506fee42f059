"""Small models of both ways to count that read events one by one: what counts depends on the order of reading.

They follow what Flink does, not the oracle's formulas: a watermark is the minimum over the partitions of a topic, and
the lower one of both topics is that of the pipeline. Times are whole ms. One thing is simpler than in Flink: each row
of a join has a timer of its own there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from adclick_cli.pipeline import Pipeline
from tests.functions.model import Click, Impression, Model, Rules

BEGIN, END = -(10**9), 10**15


class Shown(NamedTuple):
    """An impression."""

    id: str
    ts: int
    device: str


class Clicked(NamedTuple):
    """A click."""

    id: str
    of: str
    ts: int


Event = Shown | Clicked
Order = list[tuple[str, int, Event]]
"""Topic, partition, event, in the order in which they are read."""


@dataclass
class Join:
    """TimeIntervalJoin, LEFT: keeps a right row `back` ms of the watermark, a left one `ahead` ms; a pair must fit."""

    back: int
    ahead: int
    fits: Callable[[Any, Any], bool]
    watermark: int = BEGIN
    left: list[list[Any]] = field(default_factory=list)
    right: list[tuple[Hashable, int, Any]] = field(default_factory=list)

    def put_left(self, key: Hashable, ts: int, row: Any) -> list[tuple[Any, Any]]:
        """A left row comes: its pairs, or itself alone where it need not wait."""
        near = [other for name, at, other in self.right if name == key and ts - self.back <= at <= ts + self.ahead]
        pairs: list[tuple[Any, Any]] = [(row, other) for other in near if self.fits(row, other)]
        if self.watermark < ts + self.ahead:
            self.left.append([key, ts, row, bool(pairs)])
        elif not pairs:
            pairs = [(row, None)]
        return pairs

    def put_right(self, key: Hashable, ts: int, row: Any) -> list[tuple[Any, Any]]:
        """A right row comes: its pairs."""
        pairs = []
        for one in self.left:
            if one[0] == key and one[1] - self.back <= ts <= one[1] + self.ahead and self.fits(one[2], row):
                one[3] = True
                pairs.append((one[2], row))
        if self.watermark < ts + self.back:
            self.right.append((key, ts, row))
        return pairs

    def advance(self, watermark: int) -> list[tuple[Any, Any]]:
        """The watermark rises: the left rows that it takes away without a pair."""
        self.watermark = watermark
        gone = [one for one in self.left if one[1] + self.ahead < watermark]
        self.left = [one for one in self.left if one[1] + self.ahead >= watermark]
        self.right = [one for one in self.right if one[1] + self.back >= watermark]
        return [(one[2], None) for one in gone if not one[3]]


class Watermarks:
    """The watermarks of both topics while events are read.

    Args:
        pipeline: the parameters.
        places: topic and partition of all that hold an event.
    """

    def __init__(self, pipeline: Pipeline, places: Collection[tuple[str, int]]) -> None:
        self._delay = pipeline.watermark_delay.ms
        self._newest: dict[str, dict[int, int]] = {topic: {} for topic, _ in places}
        for topic, partition in places:
            self._newest[topic][partition] = BEGIN
        self._passed = dict.fromkeys(self._newest, BEGIN)

    def read(self, topic: str, partition: int, ts: int, chance: Random | None) -> None:
        """An event was read; `chance` decides which watermarks are passed on, None passes on each."""
        newest = self._newest[topic]
        newest[partition] = max(newest[partition], ts)
        for name in self._newest:
            if chance is None or chance.random() < 0.6:
                self._passed[name] = max(self._passed[name], min(self._newest[name].values()) - self._delay)

    @property
    def lower(self) -> int:
        """The pipeline's watermark."""
        return min(self._passed.values())


Rows = dict[int, tuple[int, int, int]]
"""By window start: impressions, valid clicks, gross clicks."""


def by_function(pipeline: Pipeline, places: Collection[tuple[str, int]], order: Order, chance: Random | None) -> Rows:
    """What the attribution function makes of events in this order."""
    marks = Watermarks(pipeline, places)
    events: list[Impression | Click] = []
    # All impressions are of one user and one ad.
    keys = tuple("ua")[: len(pipeline.dedup_columns)]
    for topic, partition, event in order:
        if isinstance(event, Shown):
            events.append(Impression(event.ts, event.id, (event.device,), keys, seen=marks.lower))
        else:
            events.append(Click(event.ts, event.id, event.of, seen=marks.lower))
        marks.read(topic, partition, event.ts, chance)
    rules = Rules(
        window=pipeline.window.ms,
        attribution=pipeline.attribution.ms,
        skew=pipeline.clock_skew.ms,
        dedup=pipeline.dedup_window.ms,
        unique=pipeline.unique_ids.ms,
        keys=len(keys),
    )
    rows: Rows = {}
    for (start, _), (shown, valid, gross, _sums) in Model(rules, events).final().items():
        before = rows.get(start, (0, 0, 0))
        rows[start] = (before[0] + shown, before[1] + valid, before[2] + gross)
    return rows


def by_join(pipeline: Pipeline, places: Collection[tuple[str, int]], order: Order, chance: Random | None) -> Rows:
    """What plain SQL makes of events in this order: a LEFT interval join, and windows behind it."""
    skew, size, back = pipeline.clock_skew.ms, pipeline.window.ms, pipeline.reach_back.ms + 1
    join = Join(back, pipeline.attribution.ms, lambda shown, clicked: clicked.ts >= shown.ts - skew)
    marks = Watermarks(pipeline, places)
    seen: dict[int, set[tuple[str, str]]] = {}
    clicked: dict[int, set[tuple[str, str]]] = {}

    def count(pairs: list[tuple[Shown, Clicked | None]], closed: int) -> None:
        for shown, click in pairs:
            start = shown.ts // size * size
            if closed >= start + size - 1:
                continue
            seen.setdefault(start, set()).add((shown.device, shown.id))
            if click is not None:
                clicked.setdefault(start, set()).add((shown.device, click.id))

    for topic, partition, event in order:
        if isinstance(event, Shown):
            count(join.put_left(event.id, event.ts, event), join.watermark - back)
        else:
            count(join.put_right(event.of, event.ts, event), join.watermark - back)
        marks.read(topic, partition, event.ts, chance)
        if marks.lower > join.watermark:
            closed = join.watermark - back
            count(join.advance(marks.lower), closed)
    closed = join.watermark - back
    count(join.advance(END), closed)
    clicks = {start: len(clicked.get(start, ())) for start in seen}
    return {start: (len(ids), clicks[start], clicks[start]) for start, ids in seen.items()}
