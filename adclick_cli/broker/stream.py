"""All messages of some topics, and each one that comes; it outlives a broker that goes away.

Topics that are made later are read from their first message on. One that was made anew or emptied is told, since what
was read of it is no longer there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adclick_cli.broker import admin, consumer
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers

BATCH = 1_000
POLL_MS = 200
REQUEST_MS = 10_000
CHECK_S = 2.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True)
class Step:
    """What one look brought.

    Attributes:
        messages: those that came.
        anew: the topics are no longer those that were read: everything comes again from its start, with this step.
        away: why the broker does not answer; empty while it does.
    """

    messages: tuple[consumer.Message, ...] = ()
    anew: bool = False
    away: str = ""


class Stream:
    """One reader of several topics, committed messages only; for one thread.

    Args:
        servers: the broker.
        topics: their names; they need not be there yet.
        newest: how many offsets of each partition are read of what is there at the start, at most; None reads all.

    Raises:
        BrokerError: the broker does not answer now. Once it has, its silence is told by `step()`.
    """

    def __init__(self, servers: Servers, topics: Sequence[str], newest: int | None = None) -> None:
        self._servers = servers
        self._topics = tuple(topics)
        self._newest = newest
        self._places: dict[Any, int] = {}
        self._lows: dict[Any, int] = {}
        self._ids: dict[str, Any] = {}
        self._checked = 0.0
        self._pause = FIRST_PAUSE_S
        self._due = 0.0
        self._away = ""
        self._consumer: Any = consumer.connect(servers, committed=True)

    def step(self) -> Step:
        """What has come, after a fifth of a second at the latest while the broker answers."""
        if self._away and time.monotonic() < self._due:
            time.sleep(min(POLL_MS / 1000, max(0.0, self._due - time.monotonic())))
            return Step(away=self._away)
        try:
            return self._step()
        except Exception as error:
            told = consumer.unreadable(self._servers, error)
            if not isinstance(told, BrokerError):
                raise
            self._lose(told)
            return Step(away=self._away)

    def close(self) -> None:
        """Let the broker go."""
        if self._consumer is not None:
            self._consumer.close(timeout_ms=1_000)
            self._consumer = None

    def _step(self) -> Step:
        if self._consumer is None:
            self._consumer = consumer.connect(self._servers, committed=True)
            self._checked = 0.0
        anew = False
        if time.monotonic() - self._checked > CHECK_S:
            admin.require_listener(self._servers)
            anew = self._look_around()
            self._checked = time.monotonic()
        self._away, self._pause = "", FIRST_PAUSE_S
        batches = self._consumer.poll(timeout_ms=POLL_MS, max_records=BATCH)
        found = []
        for partition, records in batches.items():
            found += [consumer.message(record) for record in records]
            self._places[partition] = records[-1].offset + 1
        return Step(tuple(found), anew)

    def _look_around(self) -> bool:
        """Take in new partitions; returns whether what was read is no longer what is there."""
        there = self._consumer.topics()
        found = admin.partitions(self._consumer, [topic for topic in self._topics if topic in there])
        lows = dict(self._consumer.beginning_offsets(found, timeout_ms=REQUEST_MS)) if found else {}
        ends = dict(self._consumer.end_offsets(found, timeout_ms=REQUEST_MS)) if found else {}
        ids = identities(self._consumer, self._topics)
        anew = any(ids.get(topic, known) != known for topic, known in self._ids.items()) or any(
            lows[one] != self._lows[one] or ends[one] < self._places[one] for one in found if one in self._lows
        )
        if anew:
            self._places = {}
        changed = set(found) != set(self._consumer.assignment())
        for one in found:
            first = lows[one] if self._newest is None else max(lows[one], ends[one] - self._newest)
            self._places.setdefault(one, first)
        if anew or changed:
            self._consumer.assign(found)
            for one in found:
                self._consumer.seek(one, self._places[one])
        self._lows, self._ids = self._lows | lows, self._ids | ids
        return anew

    def _lose(self, error: BrokerError) -> None:
        self._away = f"{error.what}. {error.why}".strip()
        self._due = time.monotonic() + self._pause
        self._pause = min(LONGEST_PAUSE_S, 2 * self._pause)
        try:
            self.close()
        except Exception:
            self._consumer = None


def identities(client: Any, topics: Sequence[str]) -> dict[str, Any]:
    """By topic the id that the broker gave it when it was made, as the client's last metadata tell.

    A topic that is deleted and made again has the same name and another id. Brokers before 2.8 give none.
    """
    # The client has no public way to it; without one, offsets alone tell.
    cluster = getattr(client, "_cluster", None)
    if cluster is None:
        return {}
    found = {topic: cluster.topic_id(topic) for topic in topics}
    return {topic: one for topic, one in found.items() if one is not None}
