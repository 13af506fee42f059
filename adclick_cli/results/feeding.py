"""A thread that reads for a live watch, so that keys are answered while the broker is slow or away."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from adclick_cli.results.board import WindowBoard
from adclick_cli.results.items import Item, Items
from adclick_cli.results.reading import Batch
from adclick_cli.results.rows import WindowRow
from adclick_cli.results.watching import Watch

WAITING = 8
"""Batches that may wait to be taken: what bounds the memory while the screen is slower than the broker."""


@dataclass
class Feed:
    """The rows of one watch and how fresh they are; but for the reading itself for one thread.

    Attributes:
        newest: when the newest row was written, UTC.
        closed: the end of the newest window that is final, UTC.
        away: why the broker does not answer; since: since when, in seconds of the monotonic clock.
    """

    watched: Watch
    newest: datetime | None = None
    closed: datetime | None = None
    away: str = ""
    since: float = 0.0
    _queue: queue.Queue[Batch | BaseException] = field(default_factory=lambda: queue.Queue(WAITING))
    _ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._items = Items(self.watched.what, self.watched.board)
        self._thread = threading.Thread(target=self._read, name="adclick-watch", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ending.set()

    def take(self, seconds: float) -> int:
        """Take what has come, for so many seconds at most; returns how many rows changed.

        Raises:
            BrokerError: the broker did not answer at the start.
            AdclickError: a message is no row.
        """
        until, changed = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            try:
                batch = self._queue.get_nowait()
            except queue.Empty:
                break
            if isinstance(batch, BaseException):
                raise batch
            changed += self._take(batch)
        return changed

    def items(self) -> tuple[Item, ...]:
        """The rows as they stand."""
        return self._items.now()

    def windows(self, name: str) -> tuple[WindowRow, ...]:
        """The windows of a name, newest first."""
        board = self.watched.board
        return tuple(board.windows(name)) if isinstance(board, WindowBoard) else ()

    def _take(self, batch: Batch) -> int:
        if bool(batch.away) != bool(self.away):
            self.since = time.monotonic()
        self.away = batch.away
        if batch.anew:
            self.newest = self.closed = None
        rows = self.watched.take(batch)
        for row in batch.rows:
            if not isinstance(row, WindowRow):
                continue
            self.newest = max(self.newest or row.updated, row.updated)
            if row.state == "FINAL":
                self.closed = max(self.closed or row.end, row.end)
        return len(rows) + batch.anew

    def _read(self) -> None:
        try:
            for batch in self.watched.follow():
                if batch.rows or batch.anew or bool(batch.away) != bool(self.away):
                    self._put(batch)
                if self._ending.is_set():
                    return
        except BaseException as error:
            self._put(error)

    def _put(self, batch: Batch | BaseException) -> None:
        while not self._ending.is_set():
            try:
                self._queue.put(batch, timeout=0.2)
                return
            except queue.Full:
                continue
