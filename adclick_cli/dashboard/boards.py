"""What the page knows of the results: boards of windows and alerts, and when each lane was written last.

Memory is bounded by the windows kept for each campaign, by the number of campaigns, and by the number of alerts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from adclick_cli.results.board import AlertBoard, WindowBoard
from adclick_cli.results.rows import AlertRow, Deletion, Row, WindowRow

SETTLING = timedelta(seconds=15)
"""How long clicks and the live lane are waited for before a window is compared with others."""

DECLARED_WINDOWS = 8
"""Windows of a declared result that are kept of each group."""

Window = tuple[datetime, datetime]


class Boards:
    """Rows of one reading of the topics, from its start on.

    Args:
        windows: how many windows are kept of each campaign and device.

    Attributes:
        ctr, engagement, alerts: the rows.
        declared: by name, those of the results that `adclick.toml` declares.
        written: when the newest row of LIVE, FINAL and ALERT was written, UTC.
        unreadable: messages that are no row, by topic.
    """

    def __init__(self, windows: int) -> None:
        self.ctr = WindowBoard(windows=windows)
        self.engagement = WindowBoard(windows=windows)
        self.declared: dict[str, WindowBoard] = {}
        self.alerts = AlertBoard()
        self.written: dict[str, datetime] = {}
        self.unreadable: dict[str, int] = {}
        self._kept = windows
        self._windows: dict[Window, bool] = {}

    @property
    def empty(self) -> bool:
        """Whether there is no window at all."""
        return not self._windows

    def take(self, what: str, row: Row | Deletion) -> bool:
        """Take a row of a result or of alerts; returns whether anything changed."""
        if isinstance(row, AlertRow):
            self._note("ALERT", row.updated)
            return self.alerts.update(row)
        if what == "alerts":
            return False
        board = {"ctr": self.ctr, "engagement": self.engagement}.get(what)
        if board is None:
            return self.declared.setdefault(what, WindowBoard(windows=DECLARED_WINDOWS)).update(row)
        if isinstance(row, WindowRow):
            self._note(row.state, row.updated)
            window = (row.start, row.end)
            self._windows[window] = self._windows.get(window, False) or row.state == "FINAL"
            if len(self._windows) > 4 * self._kept:
                self._windows = dict(sorted(self._windows.items())[-2 * self._kept :])
        return board.update(row)

    def refuse(self, topic: str) -> None:
        """Count a message that is no row."""
        self.unreadable[topic] = self.unreadable.get(topic, 0) + 1

    def _note(self, lane: str, written: datetime) -> None:
        known = self.written.get(lane)
        if known is None or written > known:
            self.written[lane] = written

    def settled(self, now: datetime) -> Window | None:
        """The newest window that can be compared with others; None without any.

        That is one that is final; or one that ended some seconds ago by the clock and is not the newest. One that has
        just ended still waits for its last clicks, which would look like a drop, and the newest of all may be half read
        while Flink catches up. Where there is none yet, the newest that has begun must do.
        """
        begun = [window for window in self._windows if window[0] <= now]
        newest = max(begun, default=None)
        ended = now - SETTLING
        whole = (window for window in begun if self._windows[window] or (window[1] <= ended and window != newest))
        return max(whole, default=newest)

    def axis(self, now: datetime, count: int) -> list[Window]:
        """The last windows up to the one that is open by the clock, oldest first, without gaps."""
        begun = [window for window in self._windows if window[0] <= now]
        if not begun:
            return []
        start, end = max(begun)
        length = end - start
        oldest = min(window[0] for window in begun if window[1] - window[0] == length)
        span = min(count, (start - oldest) // length + 1)
        return [_shift(start, end, -step * length) for step in reversed(range(span))]


def _shift(start: datetime, end: datetime, by: timedelta) -> Window:
    return start + by, end + by
