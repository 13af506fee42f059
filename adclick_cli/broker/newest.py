"""The newest messages of each partition, looked at again and again: a sample, however much has come in between."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from adclick_cli.broker import admin, consumer
from adclick_cli.broker.stream import identities
from adclick_cli.security import Servers

SAMPLE = 50
"""Messages of a partition that one look takes, at most."""

FETCH_BYTES = 65_536
POLL_MS = 100
LOOK_S = 2.0
REQUEST_MS = 10_000


class Newest:
    """A look at the ends of topics, committed messages only; for one thread.

    Args:
        servers: the broker.
        topics: their names; one that is not there has no partition.

    Attributes:
        places: topic and number of each partition that was there at the last look.

    Raises:
        BrokerError: the broker does not answer.
    """

    def __init__(self, servers: Servers, topics: Sequence[str]) -> None:
        self._servers = servers
        self._topics = tuple(topics)
        self._consumer = consumer.connect(servers, committed=True, fetch_bytes=FETCH_BYTES)
        self._seen: dict[Any, int] = {}
        self._ids: dict[str, Any] = {}
        self.places: frozenset[tuple[str, int]] = frozenset()

    def look(self) -> list[consumer.Message]:
        """The newest messages of each partition that has grown since the last look, oldest first within one.

        Raises:
            BrokerError: the broker does not answer.
        """
        admin.require_listener(self._servers)
        try:
            return self._look()
        except Exception as error:
            raise consumer.unreadable(self._servers, error) from error

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close(timeout_ms=1_000)

    def _look(self) -> list[consumer.Message]:
        # What the client remembers of the topics is some minutes old; this asks.
        self._consumer.topics()
        there = admin.partitions(self._consumer, self._topics)
        self.places = frozenset((one.topic, one.partition) for one in there)
        if not there:
            return []
        ends = self._consumer.end_offsets(there, timeout_ms=REQUEST_MS)
        self._forget(ends)
        grown = {one: end for one, end in ends.items() if end > self._seen.get(one, 0)}
        lows = self._consumer.beginning_offsets(list(grown), timeout_ms=REQUEST_MS) if grown else {}
        self._consumer.assign(list(grown))
        for one, end in grown.items():
            self._consumer.seek(one, max(lows[one], self._seen.get(one, 0), end - SAMPLE))
        found = self._read(grown)
        self._seen |= grown
        return found

    def _forget(self, ends: dict[Any, int]) -> None:
        """A topic that was made anew begins at 0 again: what was seen of the one before says nothing."""
        ids = identities(self._consumer, self._topics)
        other = {topic for topic, known in self._ids.items() if ids.get(topic, known) != known}
        self._seen = {
            one: seen for one, seen in self._seen.items() if one.topic not in other and ends.get(one, seen) >= seen
        }
        self._ids |= ids

    def _read(self, ends: dict[Any, int]) -> list[consumer.Message]:
        found: list[consumer.Message] = []
        left, until = set(ends), time.monotonic() + LOOK_S
        while left and time.monotonic() < until:
            for records in self._consumer.poll(timeout_ms=POLL_MS).values():
                found += [consumer.message(record) for record in records]
            left = {one for one in left if self._consumer.position(one) < ends[one]}
        return found
