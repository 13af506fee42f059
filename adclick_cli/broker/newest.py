"""The newest messages of each partition, looked at again and again: a sample, however much has come in between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from adclick_cli.broker import consumer
from adclick_cli.broker.admin import require_listener
from adclick_cli.errors import BrokerError
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
        servers: `host:port`, several separated by commas.
        topics: their names; one that is not there has no partition.

    Raises:
        BrokerError: the broker does not answer.
    """

    def __init__(self, servers: Servers, topics: Sequence[str]) -> None:
        self._servers = servers
        self._topics = tuple(topics)
        self._consumer = consumer.connect(servers, committed=True, fetch_bytes=FETCH_BYTES)
        self._seen: dict[Any, int] = {}

    def partitions(self) -> list[tuple[str, int]]:
        """Topic and number of each partition that is there.

        Raises:
            BrokerError: the broker does not answer.
        """
        with self._typed():
            return [
                (topic, number)
                for topic in self._topics
                for number in sorted(self._consumer.partitions_for_topic(topic) or ())
            ]

    def look(self) -> list[consumer.Message]:
        """The newest messages of each partition that has grown since the last look, oldest first within one.

        Raises:
            BrokerError: the broker does not answer.
        """
        from kafka import TopicPartition

        with self._typed():
            there = [TopicPartition(topic, number) for topic, number in self.partitions()]
            if not there:
                return []
            ends = self._consumer.end_offsets(there, timeout_ms=REQUEST_MS)
            grown = {one: end for one, end in ends.items() if end > self._seen.get(one, 0)}
            lows = self._consumer.beginning_offsets(list(grown), timeout_ms=REQUEST_MS) if grown else {}
            self._consumer.assign(list(grown))
            for one, end in grown.items():
                self._consumer.seek(one, max(lows[one], self._seen.get(one, 0), end - SAMPLE))
            found = self._read(grown)
            self._seen |= grown
            return found

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close(timeout_ms=1_000)

    def _read(self, ends: dict[Any, int]) -> list[consumer.Message]:
        found: list[consumer.Message] = []
        left, until = set(ends), time.monotonic() + LOOK_S
        while left and time.monotonic() < until:
            for records in self._consumer.poll(timeout_ms=POLL_MS).values():
                found += [consumer.message(record) for record in records]
            left = {one for one in left if self._consumer.position(one) < ends[one]}
        return found

    @contextmanager
    def _typed(self) -> Iterator[None]:
        from kafka.errors import KafkaError

        require_listener(self._servers)
        try:
            yield
        except KafkaError as error:
            raise BrokerError(
                f"the broker at {self._servers} cannot be read", f"{type(error).__name__}: {error}"
            ) from error
