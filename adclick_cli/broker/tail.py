"""The newest messages of some topics, and then each one that comes; tells when the topics are no longer the same.

Topics that are not there yet are looked for again and again. A broker that goes away raises an error, so that its
reader can say so, and open a new tail when it is back.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from adclick_cli.broker import admin, consumer
from adclick_cli.broker.stream import identities
from adclick_cli.security import Servers

POLL_MS = 200
REQUEST_MS = 10_000


class Tail:
    """One reader of several topics; for one thread.

    Args:
        servers: the broker.
        topics: by name, how many offsets of each partition, at most, are read of what is there at the start.

    Attributes:
        topics: those of the names that are there.
        skipped: offsets of each topic that lie before the first one read.

    Raises:
        BrokerError: the broker does not answer.
    """

    def __init__(self, servers: Servers, topics: Mapping[str, int]) -> None:
        self._servers = servers
        self._wanted = dict(topics)
        self._consumer = consumer.connect(servers, committed=True)
        try:
            self._low = self._lows()
            self._ids = identities(self._consumer, tuple(self._wanted))
            self.topics = frozenset(partition.topic for partition in self._low)
            self.skipped = dict.fromkeys(self.topics, 0)
            self._consumer.assign(list(self._low))
            ends = self._consumer.end_offsets(list(self._low), timeout_ms=REQUEST_MS) if self._low else {}
            for partition, low in self._low.items():
                first = max(low, ends[partition] - self._wanted[partition.topic])
                self.skipped[partition.topic] += first - low
                self._consumer.seek(partition, first)
        except Exception as error:
            self.close()
            raise consumer.unreadable(self._servers, error) from error

    def __enter__(self) -> Tail:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def poll(self) -> list[consumer.Message]:
        """What has come; empty after a fifth of a second without anything.

        Raises:
            BrokerError: the broker refuses to be read.
        """
        try:
            batches = self._consumer.poll(timeout_ms=POLL_MS, max_records=consumer.BATCH)
        except Exception as error:
            raise consumer.unreadable(self._servers, error) from error
        return [consumer.message(record) for records in batches.values() for record in records]

    def stale(self) -> bool:
        """Whether a topic was made, deleted or emptied since the start: what was read is then no longer what is there.

        Raises:
            BrokerError: the broker does not answer.
        """
        admin.require_listener(self._servers)
        try:
            return self._lows() != self._low or identities(self._consumer, tuple(self._wanted)) != self._ids
        except Exception as error:
            raise consumer.unreadable(self._servers, error) from error

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close(timeout_ms=1_000)

    def _lows(self) -> dict[Any, int]:
        # What the client remembers of the topics is some minutes old; this asks.
        there = self._consumer.topics()
        found = admin.partitions(self._consumer, [topic for topic in self._wanted if topic in there])
        return dict(self._consumer.beginning_offsets(found, timeout_ms=REQUEST_MS)) if found else {}
