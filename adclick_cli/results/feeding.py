"""Threads that read for a live watch, so that keys are answered while the broker is slow or away."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from adclick_cli.results.board import WindowBoard
from adclick_cli.results.items import Item, Items
from adclick_cli.results.reading import Batch
from adclick_cli.results.rows import WindowRow
from adclick_cli.results.watching import Watch

WAITING = 8
"""Steps that may wait to be taken: what bounds the memory while the screen is slower than the broker."""

T = TypeVar("T")


class Reader(Generic[T]):
    """An iterator without an end that runs in a thread; what it yields waits to be taken.

    Args:
        source: makes the iterator; its None means that nothing came.
    """

    def __init__(self, source: Callable[[], Iterator[T | None]]) -> None:
        self._source = source
        self._queue: queue.Queue[T | BaseException] = queue.Queue(WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, name="adclick-watch", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ending.set()

    def taken(self, seconds: float) -> Iterator[T]:
        """What has come, for so many seconds at most.

        Raises:
            Exception: what ended the reading.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(one, BaseException):
                raise one
            yield one

    def _read(self) -> None:
        try:
            for one in self._source():
                if one is not None:
                    self._put(one)
                if self._ending.is_set():
                    return
        except BaseException as error:
            self._put(error)

    def _put(self, one: T | BaseException) -> None:
        while not self._ending.is_set():
            try:
                self._queue.put(one, timeout=0.2)
                return
            except queue.Full:
                continue


@dataclass
class Freshness:
    """How fresh what is shown is.

    Attributes:
        newest: when the newest row was written, UTC.
        closed: the end of the newest window that is final, UTC.
        away: why the broker does not answer; since: since when, in seconds of the monotonic clock.
        read: whether the broker has been read once: only then no row means that there is none.
    """

    newest: datetime | None = None
    closed: datetime | None = None
    away: str = ""
    since: float = 0.0
    read: bool = False

    def hear(self, away: str) -> None:
        """Take in whether the broker answers."""
        if bool(away) != bool(self.away):
            self.since = time.monotonic()
        self.away = away
        self.read |= not away


class Source(Protocol):
    """What a live screen shows, read in the background; but for the reading itself for one thread."""

    what: str
    fresh: Freshness

    @property
    def limit(self) -> int | None:
        """How many names or alerts are kept, once one was dropped for that; None while all are there."""

    def start(self) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """Read no more."""

    def take(self, seconds: float) -> int:
        """Take what has come, for so many seconds at most; returns how many rows changed.

        Raises:
            BrokerError: the broker did not answer at the start.
            AdclickError: a message is no row.
        """

    def items(self) -> tuple[Item, ...]:
        """The rows as they stand."""

    def windows(self, name: str) -> tuple[WindowRow, ...]:
        """The windows of a name, newest first; none where rows have none."""


class Feed:
    """The rows of one watch, and how fresh they are.

    Args:
        watched: which rows, and the board that they fill.
    """

    def __init__(self, watched: Watch) -> None:
        self.what = watched.what
        self.fresh = Freshness()
        self._watched = watched
        self._items = Items(watched.what, watched.board)
        self._reader = Reader(self._batches)
        self.start, self.stop = self._reader.start, self._reader.stop

    @property
    def limit(self) -> int | None:
        """How many names or alerts the board keeps, once it dropped one for that."""
        return self._watched.board.limit

    def take(self, seconds: float) -> int:
        """Take what has come; returns how many rows changed."""
        return sum(self._take(batch) for batch in self._reader.taken(seconds))

    def items(self) -> tuple[Item, ...]:
        """The rows as they stand."""
        return self._items.now()

    def windows(self, name: str) -> tuple[WindowRow, ...]:
        """The windows of a name, newest first."""
        board = self._watched.board
        return tuple(board.windows(name)) if isinstance(board, WindowBoard) else ()

    def _batches(self) -> Iterator[Batch | None]:
        away: str | None = None
        for batch in self._watched.follow():
            yield batch if batch.rows or batch.anew or batch.away != away else None
            away = batch.away

    def _take(self, batch: Batch) -> int:
        self.fresh.hear(batch.away)
        if batch.anew:
            self.fresh.newest = self.fresh.closed = None
        rows = self._watched.take(batch)
        for row in batch.rows:
            if not isinstance(row, WindowRow):
                continue
            self.fresh.newest = max(self.fresh.newest or row.updated, row.updated)
            if row.state == "FINAL":
                self.fresh.closed = max(self.fresh.closed or row.end, row.end)
        return len(rows) + batch.anew
