"""A small model of the pipeline that reads events one by one: what counts depends on the order in which they are read.

It follows Flink's operators, not the oracle's formulas: a watermark is the minimum over the partitions of a topic, a
join works with the lower one of both topics, and each operator hands its watermark on. Times are whole ms. One
thing is simpler than in Flink: each row of a join has a timer of its own there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from adclick_cli.pipeline import Pipeline

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


class Match(NamedTuple):
    """What a join gives: an impression, alone or with a click, and whether that click is the first one of its key."""

    shown: Shown
    clicked: Clicked | None
    first: bool = True


Event = Shown | Clicked
Order = list[tuple[str, int, Event]]
"""Topic, partition, event, in the order in which they are read."""


@dataclass
class Over:
    """RowTimeRangeBoundedPrecedingFunction: gives each row and whether it is the least within the time before it."""

    range_ms: int
    key: Callable[[Any], Hashable]
    time: Callable[[Any], int]
    rank: Callable[[Any], Any]
    rows: dict[Hashable, list[Any]] = field(default_factory=dict)
    last: dict[Hashable, int] = field(default_factory=dict)
    cleanup: dict[Hashable, int] = field(default_factory=dict)
    timers: set[tuple[int, Hashable]] = field(default_factory=set)

    def put(self, row: Any) -> None:
        """A row comes."""
        key, ts = self.key(row), self.time(row)
        if ts <= self.last.get(key, BEGIN):
            return
        self.rows.setdefault(key, []).append(row)
        self.timers.add((ts, key))
        if self.cleanup.get(key, BEGIN) < ts + self.range_ms + 1:
            self.cleanup[key] = ts + self.range_ms * 3 // 2 + 1
            self.timers.add((self.cleanup[key], key))

    def advance(self, watermark: int) -> list[tuple[Any, bool]]:
        """The watermark rises: the rows that it passes."""
        found = []
        for timer in sorted(one for one in self.timers if one[0] <= watermark):
            self.timers.remove(timer)
            at, key = timer
            if self.cleanup.get(key, END) <= at:
                for state in (self.rows, self.last, self.cleanup):
                    state.pop(key, None)
                continue
            near = [one for one in self.rows.get(key, []) if at - self.range_ms <= self.time(one) <= at]
            least = min((self.rank(one) for one in near), default=None)
            found += [(one, self.rank(one) == least) for one in near if self.time(one) == at]
            self.last[key] = at
        return found


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


class Model:
    """The whole pipeline.

    Args:
        pipeline: its parameters.
        partitions: how many partitions of impressions, and of clicks, hold an event.
    """

    def __init__(self, pipeline: Pipeline, partitions: dict[str, int]) -> None:
        self.pipeline = pipeline
        self.newest: dict[str, list[int]] = {topic: [BEGIN] * count for topic, count in partitions.items()}
        self.passed = dict.fromkeys(partitions, BEGIN)
        self.lead = pipeline.clicks_lead.ms
        reach = max(pipeline.attribution.ms, pipeline.clock_skew.ms)
        back, ahead = (self.lead + reach if self.lead else reach + 1), pipeline.attribution.ms - self.lead
        skew = pipeline.clock_skew.ms
        self.join = Join(back, ahead, lambda shown, clicked: clicked.ts >= shown.ts - skew)
        self.again = Join(back, ahead, lambda _, __: True)
        self.window = BEGIN
        span = pipeline.unique_ids.ms
        self.unique = {
            "impressions": Over(span, lambda one: one.id, lambda one: one.ts, lambda one: (one.ts, len(one.device))),
            "clicks": Over(span, lambda one: one.id, lambda one: one.ts, lambda one: (one.ts, len(one.of), one.of)),
        }
        self.near = Over(
            pipeline.dedup_window.ms,
            lambda one: one.clicked.of,
            lambda one: one.clicked.ts,
            lambda one: (one.clicked.ts, one.clicked.id),
        )
        self.shown: dict[int, set[Any]] = {}
        self.valid: dict[int, set[Any]] = {}
        self.gross: dict[int, set[Any]] = {}

    def run(self, order: Order, chance: Random | None) -> dict[int, tuple[int, int, int]]:
        """By window start: impressions, valid clicks, gross clicks.

        Args:
            order: the events.
            chance: decides which watermarks are passed on between two events; None passes on each.
        """
        for topic, partition, event in order:
            self._read(topic, event)
            newest = self.newest[topic]
            newest[partition] = max(newest[partition], event.ts)
            for name in self.newest:
                if chance is None or chance.random() < 0.6:
                    self._pass_on(name)
        for topic in self.newest:
            self.newest[topic] = [END]
            self._pass_on(topic)
        return {
            start: (len(shown), len(self.valid.get(start, ())), len(self.gross.get(start, ())))
            for start, shown in self.shown.items()
        }

    def _read(self, topic: str, event: Event) -> None:
        if self.pipeline.unique_ids.ms:
            self.unique[topic].put(event)
        else:
            self._joined(event)

    def _joined(self, event: Event) -> None:
        if isinstance(event, Shown):
            found = self.join.put_left(event.id, event.ts, event)
        else:
            found = self.join.put_right(event.of, event.ts - self.lead, event)
        self._matched(found)

    def _pass_on(self, topic: str) -> None:
        """Hand a topic's watermark on, through all operators."""
        lead = self.lead if topic == "clicks" else 0
        watermark = min(self.newest[topic]) - self.pipeline.watermark_delay.ms - lead
        if watermark <= self.passed[topic]:
            return
        if self.pipeline.unique_ids.ms:
            for event, counts in self.unique[topic].advance(watermark):
                if counts:
                    self._joined(event)
        self.passed[topic] = watermark
        lower = min(self.passed.values())
        if lower <= self.join.watermark:
            return
        self._matched(self.join.advance(lower))
        held = lower - self.join.back
        if self.pipeline.dedups:
            for match, first in self.near.advance(held):
                one = Match(match.shown, match.clicked, first)
                self._counted(self.again.put_right((match.shown, match.clicked), match.clicked.ts, one))
            self._counted(self.again.advance(held))
            held -= self.again.back
        self.window = held

    def _matched(self, pairs: list[tuple[Any, Any]]) -> None:
        for shown, clicked in pairs:
            match = Match(shown, clicked)
            if not self.pipeline.dedups:
                self._count(match)
                continue
            if clicked is not None:
                self.near.put(match)
            self._counted(self.again.put_left((shown, clicked), shown.ts, match))

    def _counted(self, pairs: list[tuple[Any, Any]]) -> None:
        for match, judged in pairs:
            self._count(Match(match.shown, match.clicked, judged is not None and judged.first))

    def _count(self, match: Match) -> None:
        """The window, unless it has closed."""
        shown, size = match.shown, self.pipeline.window.ms
        start = shown.ts // size * size
        if self.window >= start + size - 1:
            return
        self.shown.setdefault(start, set()).add((shown.device, shown.id))
        if match.clicked is not None:
            self.gross.setdefault(start, set()).add((shown.device, match.clicked.id))
            if match.first:
                self.valid.setdefault(start, set()).add((shown.device, match.clicked.id))
