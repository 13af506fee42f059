"""A thread that keeps the state up to date: rows, dead letters, the last verdict, and whether the broker answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from adclick_cli.broker.consumer import Message
from adclick_cli.broker.tail import Tail
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog
from adclick_cli.dashboard.boards import Boards
from adclick_cli.dashboard.state import Dead, State
from adclick_cli.errors import AdclickError, BrokerError
from adclick_cli.pipeline import Topics
from adclick_cli.results import reading
from adclick_cli.results.rows import read
from adclick_cli.schema import Record
from adclick_cli.verify import last

NEWEST = 100_000
"""Offsets of each partition that are read at the start: far more than the windows that are kept."""
NEWEST_LETTERS = 10_000
"""The same for dead letters, which hold whole messages and may be large."""
CHECK_S = 3.0
RETRY_S = 1.0
CATCH_UP_S = 3.0
MAX_REASONS = 12
MAX_REASON_CHARS = 80

Nothing = Callable[[], tuple[str, str]]


class Feed(threading.Thread):
    """Reads until `stop()`.

    Args:
        state: what it fills.
        topics: names of the topics; that of the dead letters need not be there.
        home: `ADCLICK_HOME`, for the last verdict.
        nothing: tells why there are no rows yet.
        catalog: which results there are.
    """

    def __init__(self, state: State, topics: Topics, home: Path, nothing: Nothing, catalog: Catalog = CATALOG) -> None:
        super().__init__(name="adclick-dashboard-feed", daemon=True)
        self._state = state
        self._dead_letters = topics.dead_letters
        self._home = home
        self._nothing = nothing
        self._records: dict[str, tuple[str, Record]] = {
            topic: (what, record)
            for what in (*(one.name for one in catalog.results), "alerts")
            for topic, record in reading.topics_of(what, topics, early=True, catalog=catalog).items()
        }
        self._ending = threading.Event()

    def stop(self) -> None:
        """Ask it to end; it does within a second or so."""
        self._ending.set()

    def run(self) -> None:
        """Read, and begin anew when the broker is back or the topics are others."""
        while not self._ending.is_set():
            self._state.set_verdict(last.load(self._home))
            try:
                wanted = dict.fromkeys(self._records, NEWEST) | {self._dead_letters: NEWEST_LETTERS}
                with Tail(self._state.source.servers, wanted) as tail:
                    self._read(tail)
            except BrokerError as error:
                why = f"{error.what}. {error.why}".strip()
                self._state.set_source(_now(), state="gone", why=why)
                self._ending.wait(RETRY_S)
            except Exception as error:
                # A bug: the page must not look alive, and the traceback must be seen.
                self._state.set_source(_now(), state="gone", why=f"The reader failed: {type(error).__name__}: {error}")
                raise

    def _read(self, tail: Tail) -> None:
        there = {topic: topic in tail.topics for topic in self._records}
        self._state.set_source(_now(), state="connected", why="", topics=there)
        boards, letters = Boards(self._state.kept), _Letters(tail.skipped.get(self._dead_letters, 0))
        shown, begun, checked = False, time.monotonic(), 0.0
        while not self._ending.is_set():
            batch = tail.poll()
            with self._state.writing():
                changed = self._take(batch, boards, letters)
            # The old picture stays until the new one is whole, or the reading takes its time.
            if not shown and (not batch or time.monotonic() - begun > CATCH_UP_S):
                self._state.show(boards)
                shown = True
            if changed and shown:
                self._state.changed()
            self._state.set_dead(letters.told() if self._dead_letters in tail.topics else None)
            if time.monotonic() - checked > CHECK_S:
                self._look_around(boards)
                if tail.stale():
                    return
                checked = time.monotonic()

    def _take(self, batch: list[Message], boards: Boards, letters: _Letters) -> int:
        changed = 0
        for message in batch:
            if message.topic == self._dead_letters:
                letters.take(message.value)
                continue
            what, record = self._records[message.topic]
            try:
                changed += boards.take(what, read(record, message))
            except AdclickError:
                boards.refuse(message.topic)
                changed += 1
        return changed

    def _look_around(self, boards: Boards) -> None:
        self._state.set_verdict(last.load(self._home))
        self._state.set_source(_now(), nothing=self._why_nothing() if boards.empty else None)

    def _why_nothing(self) -> tuple[str, str]:
        try:
            return self._nothing()
        except AdclickError as error:
            return error.what, error.mend


class _Letters:
    """Dead letters, counted by reason."""

    def __init__(self, skipped: int) -> None:
        self._skipped = skipped
        self._counted = 0
        self._reasons: dict[str, int] = {}

    def take(self, value: bytes | None) -> None:
        self._counted += 1
        reason = _reason(value)
        if reason is not None:
            known = reason in self._reasons or len(self._reasons) < MAX_REASONS
            name = reason if known else "other"
            self._reasons[name] = self._reasons.get(name, 0) + 1

    def told(self) -> Dead:
        return Dead(self._counted + self._skipped, self._skipped > 0, dict(self._reasons))


def _reason(value: bytes | None) -> str | None:
    try:
        plain = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return None
    reason = plain.get("reason") if isinstance(plain, dict) else None
    return reason[:MAX_REASON_CHARS] if isinstance(reason, str) else None


def _now() -> datetime:
    return datetime.now(timezone.utc)
