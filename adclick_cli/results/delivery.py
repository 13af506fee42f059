"""Each alert to people once: retried while it certainly did not arrive, never sent again where it may have.

What was delivered stands in a journal under `ADCLICK_HOME`, one for each topic and way. An attempt is written down
before it is made: one that was interrupted half-way may have arrived, so it is not made again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from adclick_cli import schema
from adclick_cli.errors import AdclickError
from adclick_cli.results.rows import AlertRow, Row
from adclick_cli.results.ways import Outcome, Way

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
ONCE_ATTEMPTS = 4
BEGUN = "begun"


@dataclass
class _Pending:
    alert: dict[str, Any]
    due: float = 0.0
    pause: float = field(default=FIRST_PAUSE_S)


class Journal:
    """What became of each alert, in a file that only grows; for one process at a time.

    Args:
        path: the file; made where it is not there.

    Raises:
        AdclickError: another process delivers these alerts.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = FileLock(path.with_suffix(".lock"))
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise AdclickError(
                "these alerts are being delivered already",
                f"Another `adclick watch alerts` holds {path}.",
                "End that one first: two would tell people twice.",
            ) from None
        self._states = dict(_read(path))
        self._file = path.open("a", encoding="utf-8")
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            # A line that the machine did not finish must not spoil the next one.
            self._file.write("\n")

    def settled(self, key: str) -> bool:
        """Whether it was delivered, or may have been."""
        return self._states.get(key) in (Outcome.DELIVERED.value, Outcome.UNSURE.value, BEGUN)

    def write(self, key: str, state: str) -> None:
        """Keep a state; it is on the disk when this returns."""
        self._states[key] = state
        self._file.write(json.dumps([key, state]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let another process have it."""
        self._file.close()
        self._lock.release()


def _read(path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            key, state = json.loads(line)
        except (ValueError, TypeError):
            # The machine stopped in the middle of a line.
            continue
        yield str(key), str(state)


class Delivery:
    """Alerts of one topic on one way.

    Args:
        home: `ADCLICK_HOME`.
        topic: the topic that the alerts come from.
        way: how they reach people.
        report: told what became of each alert.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        home: Path,
        topic: str,
        way: Way,
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = Journal(home / "delivered" / f"{topic}.{way.name}.jsonl")
        self._topic = topic
        self._way = way
        self._report = report
        self._clock = clock
        self._pending: dict[str, _Pending] = {}

    @property
    def waiting(self) -> int:
        """How many alerts have not been delivered yet."""
        return len(self._pending)

    def add(self, rows: Iterable[AlertRow]) -> None:
        """Take alerts; those that are settled or taken already are left out.

        An alert that was raised early is told once, and again only if the final window withdraws it.
        """
        for row in rows:
            key = " ".join(str(row.values[name]) for name in schema.ALERT.key)
            raised_early = f"{key} EARLY {row.type}"
            if row.state == "EARLY":
                key = raised_early
            elif row.state == "WITHDRAWN":
                if not self._told(raised_early):
                    continue
                key = f"{key} WITHDRAWN {row.type}"
            elif row.early or self._told(raised_early):
                continue
            if not self._told(key):
                plain = {"id": f"{self._topic} {key}", "topic": self._topic, **row.to_json()}
                self._pending[key] = _Pending(plain)

    def _told(self, key: str) -> bool:
        return key in self._pending or self._journal.settled(key)

    def step(self) -> None:
        """Make every attempt that is due, in the order of the alerts."""
        for key, pending in list(self._pending.items()):
            if pending.due <= self._clock():
                self._attempt(key, pending)

    def _attempt(self, key: str, pending: _Pending) -> None:
        self._journal.write(key, BEGUN)
        attempt = self._way.deliver(pending.alert)
        self._journal.write(key, attempt.outcome.value)
        if attempt.outcome is Outcome.REFUSED:
            pending.due = self._clock() + pending.pause
            self._report(f"Not delivered ({self._way.name}): {key}: {attempt.why}. Again in {pending.pause:.0f} s.")
            pending.pause = min(LONGEST_PAUSE_S, pending.pause * 2)
            return
        del self._pending[key]
        if attempt.outcome is Outcome.UNSURE:
            self._report(f"Perhaps delivered ({self._way.name}), not tried again: {key}: {attempt.why}.")
        else:
            self._report(f"Delivered ({self._way.name}): {key}")

    def close(self) -> None:
        """End; what waits is tried again by the next one."""
        self._journal.close()


def run(batches: Iterable[list[Row]], deliveries: Sequence[Delivery]) -> None:
    """Deliver what comes, until Ctrl-C.

    Args:
        batches: alerts as they come; empty ones while nothing does, or what waits could not be tried again.
        deliveries: one for each way.
    """
    try:
        for batch in batches:
            for delivery in deliveries:
                delivery.add(row for row in batch if isinstance(row, AlertRow))
                delivery.step()
    except KeyboardInterrupt:
        return


def run_once(rows: Sequence[AlertRow], deliveries: Sequence[Delivery], attempts: int = ONCE_ATTEMPTS) -> None:
    """Deliver what is there.

    Args:
        rows: alerts.
        deliveries: one for each way.
        attempts: how often an alert is tried.

    Raises:
        AdclickError: some could not be delivered.
    """
    for attempt in range(attempts):
        for delivery in deliveries:
            delivery.add(rows if attempt == 0 else ())
            delivery.step()
        if not any(delivery.waiting for delivery in deliveries):
            return
        if attempt + 1 < attempts:
            time.sleep(FIRST_PAUSE_S * 2**attempt)
    waiting = sum(delivery.waiting for delivery in deliveries)
    raise AdclickError(
        f"{waiting} alerts could not be delivered",
        f"Each was tried {attempts} times; the reasons stand above.",
        "Run the same command again: what was delivered is not sent twice.",
    )
