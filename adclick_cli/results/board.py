"""What a watch knows: the newest windows of each campaign or device, and the newest alerts.

A board takes rows in any order and shows the same; the newest windows are those of the latest time, not those that
came last. Memory is bounded by the number of windows kept for each name and by the number of names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from adclick_cli.results.rows import AlertRow, Deletion, Key, WindowRow
from adclick_cli.results.times import Span

KEPT_WINDOWS = 64
KEPT_NAMES = 10_000
KEPT_ALERTS = 1_000


@dataclass(frozen=True)
class Line:
    """One campaign or device as it stands.

    Attributes:
        latest: its window of the latest time.
        previous: the window that ends where `latest` starts; None where that window is empty.
        history: CTR of the last windows, oldest first, `latest` last; None is a window without a row.
    """

    latest: WindowRow
    previous: WindowRow | None
    history: tuple[float | None, ...]

    @property
    def name(self) -> str:
        """The campaign or the device."""
        return self.latest.name

    @property
    def change(self) -> float | None:
        """CTR of the latest window by that of the window before; None where that is not defined."""
        if self.previous is None or not self.previous.ctr or self.latest.ctr is None:
            return None
        return self.latest.ctr / self.previous.ctr


class WindowBoard:
    """The newest windows of each name.

    Args:
        span: the windows that are shown. Those before it still serve as the window before.
        windows: how many windows of each name are kept; None keeps every window of every name.
        names: how many names are kept; beyond them the ones that fell silent first are dropped. None keeps all.

    Attributes:
        limit: how many names are kept, once a name was dropped for that; None while every name is there.
    """

    def __init__(
        self, span: Span | None = None, windows: int | None = KEPT_WINDOWS, names: int | None = KEPT_NAMES
    ) -> None:
        self._span = span or Span()
        self._kept_windows = windows
        self._kept_names = None if windows is None else names
        self.limit: int | None = None
        self._rows: dict[str, dict[Key, WindowRow]] = {}
        self._lines: dict[str, tuple[int, Line]] = {}

    def clear(self) -> None:
        """Forget every row."""
        self.limit = None
        self._rows.clear()
        self._lines.clear()

    def update(self, row: WindowRow | Deletion) -> bool:
        """Take a row; returns whether anything changed. A final row is never replaced by a live one."""
        self._lines.pop(str(row.key[-1]), None)
        if isinstance(row, Deletion):
            return self._delete(row)
        if self._span.end is not None and row.start >= self._span.end:
            return False
        rows = self._rows.setdefault(row.name, {})
        known = rows.get(row.key)
        if known is not None and (known == row or (known.state == "FINAL" and row.state == "LIVE")):
            return False
        rows[row.key] = row
        if self._kept_windows is not None and len(rows) > self._kept_windows:
            oldest = min(rows, key=_order)
            del rows[oldest]
            return oldest != row.key
        if self._kept_names is not None and len(self._rows) > self._kept_names:
            self._drop_silent_names(self._kept_names)
            return row.name in self._rows
        return True

    def _delete(self, row: Deletion) -> bool:
        name = str(row.key[-1])
        rows = self._rows.get(name, {})
        known = rows.get(row.key)
        if known is None or known.state == "FINAL":
            return False
        del rows[row.key]
        if not rows:
            del self._rows[name]
        return True

    def _drop_silent_names(self, kept: int) -> None:
        self.limit = kept
        # A tenth at once: looking for one at every new name would take time that grows with the square of the names.
        newest = {name: max(row.start for row in rows.values()) for name, rows in self._rows.items()}
        for name in sorted(newest, key=lambda name: (newest[name], name))[: max(1, kept // 10)]:
            del self._rows[name]
            self._lines.pop(name, None)

    def rows(self) -> list[WindowRow]:
        """Every window of the span that is kept, in order of time, then name."""
        found = (row for rows in self._rows.values() for row in rows.values() if self._span.holds(row.start))
        return sorted(found, key=lambda row: (row.start, row.end, row.name))

    def names(self) -> list[str]:
        """Every campaign or device that is kept, in no particular order."""
        return list(self._rows)

    def window(self, name: str, start: datetime, end: datetime) -> WindowRow | None:
        """One window of one name; None where it is not kept."""
        return self._rows.get(name, {}).get((start, end, name))

    def newest(self, name: str, until: datetime) -> WindowRow | None:
        """The newest window of a name that has ended by `until`; None where there is none."""
        ended = (row for row in self._rows.get(name, {}).values() if row.end <= until)
        return max(ended, key=lambda row: (row.start, row.end), default=None)

    def lines(self, history: int) -> list[Line]:
        """The latest window of each name, most impressions first, each with so many windows of history."""
        lines = [self.line(name, history) for name in self._rows]
        shown = [line for line in lines if self._span.holds(line.latest.start)]
        return sorted(shown, key=lambda line: (-line.latest.impressions, line.name))

    def windows(self, name: str) -> list[WindowRow]:
        """The windows of one name that are kept, newest first."""
        found = (row for row in self._rows.get(name, {}).values() if self._span.holds(row.start))
        return sorted(found, key=lambda row: (row.start, row.end), reverse=True)

    def line(self, name: str, history: int) -> Line:
        """One name as it stands; the same object until a row of it comes.

        Raises:
            KeyError: it is not kept.
        """
        known = self._lines.get(name)
        if known is None or known[0] != history:
            known = (history, self._line(self._rows[name], history))
            self._lines[name] = known
        return known[1]

    def _line(self, rows: dict[Key, WindowRow], history: int) -> Line:
        latest = max(rows.values(), key=lambda row: (row.start, row.end))
        row: WindowRow | None = rows.get((latest.start - latest.length, latest.start, latest.name))
        return Line(latest, row, tuple(reversed(list(self._walk_back(rows, latest, history)))))

    def _walk_back(self, rows: dict[Key, WindowRow], latest: WindowRow, count: int) -> Iterator[float | None]:
        first = self._first(rows)
        start = latest.start
        while count > 0 and start >= first:
            row = rows.get((start, start + latest.length, latest.name))
            yield None if row is None else row.ctr
            start, count = start - latest.length, count - 1

    def _first(self, rows: dict[Key, WindowRow]) -> datetime:
        first = min(row.start for row in rows.values())
        return first if self._span.start is None else max(first, self._span.start)


def _order(key: Key) -> tuple[datetime, datetime]:
    start, end = key[0], key[1]
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        raise TypeError(f"{key!r} is not the key of a window")
    return start, end


class AlertBoard:
    """The newest alerts.

    Args:
        span: the alerts that are wanted.
        alerts: how many are kept; None keeps all.

    Attributes:
        limit: how many are kept, once one was dropped for that; None while every alert is there.
    """

    def __init__(self, span: Span | None = None, alerts: int | None = KEPT_ALERTS) -> None:
        self._span = span or Span()
        self._kept = alerts
        self.limit: int | None = None
        self._rows: dict[Key, AlertRow] = {}

    def clear(self) -> None:
        """Forget every alert."""
        self.limit = None
        self._rows.clear()

    def update(self, row: AlertRow) -> bool:
        """Take an alert; returns whether it is news."""
        known = self._rows.get(row.key)
        row = row if known is None else known.joined(row)
        if not self._span.holds(row.time) or known == row:
            return False
        self._rows[row.key] = row
        if self._kept is not None and len(self._rows) > self._kept:
            oldest = min(self._rows.values(), key=lambda known: (known.time, known.name))
            del self._rows[oldest.key]
            self.limit = self._kept
            return oldest.key != row.key
        return True

    def rows(self) -> list[AlertRow]:
        """Every alert that is kept, in order of time, then campaign."""
        return sorted(self._rows.values(), key=lambda row: (row.time, row.name))
