"""What the page shows at this moment; written by the feed's thread, read by the server's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from adclick_cli.dashboard.boards import Boards
from adclick_cli.security import Servers

BrokerState = Literal["connecting", "connected", "gone"]


@dataclass(frozen=True)
class Source:
    """Where the rows come from, and whether they come.

    Attributes:
        servers: the broker.
        state: connecting (never reached yet), connected, or gone.
        since: since when, UTC.
        why: the reason, where it is gone.
        topics: whether each result topic is there.
        nothing: why there is no row yet, and the command that helps; None where there are rows.
    """

    servers: Servers
    state: BrokerState
    since: datetime
    why: str = ""
    topics: dict[str, bool] = field(default_factory=dict)
    nothing: tuple[str, str] | None = None


@dataclass(frozen=True)
class Dead:
    """Dead letters.

    Attributes:
        total: how many there are.
        at_least: whether some were skipped, so that the reasons do not add up to the total.
        reasons: by reason; empty where the letters name none.
    """

    total: int = 0
    at_least: bool = False
    reasons: dict[str, int] = field(default_factory=dict)


class State:
    """Boards, source and dead letters under one lock.

    Args:
        source: what is known before the first attempt to connect.
        windows: how many windows are kept of each campaign and device.
    """

    def __init__(self, source: Source, windows: int) -> None:
        self.kept = windows
        self._lock = threading.Lock()
        self._version = 0
        self._boards = Boards(windows)
        self._source = source
        self._dead: Dead | None = None
        self._verdict: dict[str, Any] | None = None

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    @property
    def source(self) -> Source:
        """The source as it stands."""
        return self._source

    @contextmanager
    def reading(self) -> Iterator[tuple[Boards, Source, Dead | None, dict[str, Any] | None]]:
        """Everything, unchanged while the block runs."""
        with self._lock:
            yield self._boards, self._source, self._dead, self._verdict

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold readers off while the boards that are shown are filled."""
        with self._lock:
            yield

    def show(self, boards: Boards) -> None:
        """Show other boards from now on."""
        with self._lock:
            self._boards = boards
            self._version += 1

    def changed(self) -> None:
        """Tell that the boards that are shown have changed."""
        with self._lock:
            self._version += 1

    def set_source(self, now: datetime, **changes: Any) -> None:
        """Change what is known of the source; `since` moves with its state alone."""
        with self._lock:
            if changes.get("state", self._source.state) != self._source.state:
                changes["since"] = now
            fresh = replace(self._source, **changes)
            self._version += fresh != self._source
            self._source = fresh

    def set_dead(self, dead: Dead | None) -> None:
        """Tell the dead letters; None where there is no such topic."""
        with self._lock:
            self._version += dead != self._dead
            self._dead = dead

    def set_verdict(self, verdict: dict[str, Any] | None) -> None:
        """Tell what the last `adclick verify` found."""
        with self._lock:
            self._version += verdict != self._verdict
            self._verdict = verdict
