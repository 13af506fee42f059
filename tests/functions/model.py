"""The rules of attribution, written a second time: slow, short, and without knowing how the function keeps anything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

NEVER = -(2**63)
Cell = tuple[int, tuple[str | None, ...]]


@dataclass(frozen=True)
class Rules:
    """The parameters, all times in ms."""

    window: int = 10
    attribution: int = 30
    skew: int = 0
    dedup: int = 0
    unique: int = 0
    early: int = 0
    dimensions: int = 1
    measures: int = 0
    keys: int = 0

    @property
    def held(self) -> int:
        """How far the watermark must be past a window's last millisecond before it closes."""
        return (max(self.attribution, self.skew) + 1) * (2 if self.dedup else 1)


@dataclass(frozen=True)
class Impression:
    """An impression as it came; `seen` is the watermark at that moment."""

    time: int
    id: str
    dimensions: tuple[str | None, ...] = ("a",)
    keys: tuple[str | None, ...] = ()
    measures: tuple[int, ...] = ()
    seen: int = NEVER


@dataclass(frozen=True)
class Click:
    """A click as it came."""

    time: int
    id: str
    of: str
    seen: int = NEVER


@dataclass
class Counts:
    """What a cell holds."""

    impressions: int = 0
    valid: set[str] = field(default_factory=set)
    clicks: set[str] = field(default_factory=set)
    measures: tuple[int, ...] = ()

    def plain(self) -> tuple[int, int, int, tuple[int, ...]]:
        """Impressions, valid clicks, gross clicks, measures."""
        return self.impressions, len(self.valid), len(self.clicks), self.measures


Plain = dict[Cell, tuple[int, int, int, tuple[int, ...]]]


class Model:
    """All events of a case, and what each window holds.

    Args:
        rules: the parameters.
        events: in the order of arrival.
    """

    def __init__(self, rules: Rules, events: Iterable[Impression | Click]) -> None:
        self._rules = rules
        there = list(events)
        shown = [one for one in there if isinstance(one, Impression)]
        self.late = Counter(one.id for one in shown if one.seen >= self._closes(one))
        self._impressions = [one for one in shown if one.seen < self._closes(one)]
        self._clicks = [one for one in there if isinstance(one, Click)]

    def final(self) -> Plain:
        """Closed windows."""
        return self._windows(self._rules.attribution, self._rules.held, early=False)

    def early(self) -> Plain:
        """The early answer: clicks of a shorter time, as known at an earlier moment; duplicates are not looked for."""
        return self._windows(self._rules.early, max(self._rules.early, self._rules.skew) + 1, early=True)

    def live(self) -> Plain:
        """Live rows at their end: gross, each id once in each cell, ids with other contents as often as those."""
        cells: dict[Cell, Counts] = defaultdict(Counts)
        for cell, group in self._cells(self._impressions).items():
            cells[cell] = self._count(group)
            for one in group:
                for click in self._clicks:
                    if self._matches(one, click, self._rules.attribution):
                        cells[cell].clicks.add(click.id)
        return {cell: (one.impressions, 0, len(one.clicks), one.measures) for cell, one in cells.items()}

    def _window(self, one: Impression) -> int:
        return one.time // self._rules.window * self._rules.window

    def _closes(self, one: Impression) -> int:
        return self._window(one) + self._rules.window - 1 + self._rules.held

    def _cells(self, impressions: Iterable[Impression]) -> dict[Cell, list[Impression]]:
        cells: dict[Cell, list[Impression]] = defaultdict(list)
        for one in impressions:
            cells[self._window(one), one.dimensions].append(one)
        return cells

    def _count(self, group: list[Impression]) -> Counts:
        first: dict[str, Impression] = {}
        for one in sorted(group, key=lambda each: (each.time, each.measures)):
            first.setdefault(one.id, one)
        sums = tuple(sum(values) for values in zip(*(one.measures for one in first.values()), strict=True))
        return Counts(len(first), measures=sums or (0,) * self._rules.measures)

    def _matches(self, one: Impression, click: Click, limit: int) -> bool:
        after = click.time - one.time
        return click.of == one.id and -self._rules.skew <= after <= limit and click.seen <= one.time + limit

    def _windows(self, limit: int, held: int, *, early: bool) -> Plain:
        found: Plain = {}
        for start in {self._window(one) for one in self._impressions}:
            closes = start + self._rules.window - 1 + held
            impressions = _unique([one for one in self._impressions if one.seen < closes], self._rules.unique)
            clicks = _unique([one for one in self._clicks if one.seen < closes], self._rules.unique)
            duplicates = set() if early else self._duplicates(impressions, clicks)
            mine = [one for one in impressions if self._window(one) == start]
            for cell, group in self._cells(mine).items():
                counts = self._count(group)
                for one in group:
                    for click in clicks:
                        if self._matches(one, click, limit):
                            counts.clicks.add(click.id)
                            if (self._key(one, click), click.time, click.id) not in duplicates:
                                counts.valid.add(click.id)
                found[cell] = counts.plain()
        return found

    def _key(self, one: Impression, click: Click) -> tuple[str | None, ...]:
        if not self._rules.keys:
            return (one.id,)
        return one.keys if all(one.keys) else (*one.keys, click.id)

    def _duplicates(self, impressions: list[Impression], clicks: list[Click]) -> set[tuple[object, int, str]]:
        if not self._rules.dedup:
            return set()
        matched = {
            (self._key(one, click), click.time, click.id)
            for one in impressions
            for click in clicks
            if self._matches(one, click, self._rules.attribution)
        }
        return {
            (key, time, name)
            for key, time, name in matched
            if any(
                other == key
                and time - self._rules.dedup <= before <= time
                and (before, another.encode()) < (time, name.encode())
                for other, before, another in matched
            )
        }


def _content(one: Impression | Click) -> tuple[tuple[int, bytes], ...]:
    texts = (one.of,) if isinstance(one, Click) else (*one.dimensions, *one.keys)
    return tuple((len(text or ""), (text or "").encode()) for text in texts)


def _unique(events: list, time: int) -> list:  # type: ignore[type-arg]
    """Those that no event of the same id precedes by at most so much, nor at the same time with a smaller content."""
    if not time:
        return events
    return [
        one
        for one in events
        if not any(
            other.id == one.id
            and (
                one.time - time <= other.time < one.time or (other.time == one.time and _content(other) < _content(one))
            )
            for other in events
        )
    ]
