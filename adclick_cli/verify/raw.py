"""Topics as Arrow tables, read once and then only what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adclick_cli.broker.consumer import offsets_from, read_topic
from adclick_cli.security import Servers

if TYPE_CHECKING:
    import pyarrow as pa


class TopicTable:
    """All messages of a topic: `partition`, `offset`, `arrived_ms` and `value` (bytes, or null for a tombstone).

    Args:
        servers: the broker.
        topic: its name.
        since_ms: only messages that arrived at or after this time, ms since the epoch; None reads them all.
    """

    def __init__(self, servers: Servers, topic: str, since_ms: int | None = None) -> None:
        self.topic = topic
        self._servers = servers
        self._parts: list[pa.Table] = []
        self._next = {} if since_ms is None else offsets_from(servers, topic, since_ms)

    def refresh(self) -> bool:
        """Read what came since the last call; returns whether anything did.

        Raises:
            BrokerError: the broker does not answer.
        """
        import pyarrow as pa

        before = len(self._parts)
        for batch in read_topic(self._servers, self.topic, start=self._next):
            self._parts.append(
                pa.table(
                    {
                        "partition": pa.array([message.partition for message in batch], pa.int32()),
                        "offset": pa.array([message.offset for message in batch], pa.int64()),
                        "arrived_ms": pa.array([message.timestamp_ms for message in batch], pa.int64()),
                        "value": pa.array([message.value for message in batch], pa.binary()),
                    }
                )
            )
            for message in batch:
                self._next[message.partition] = message.offset + 1
        return len(self._parts) > before

    def table(self) -> pa.Table:
        """Everything read so far."""
        import pyarrow as pa

        return pa.concat_tables(self._parts) if self._parts else empty()


def empty() -> pa.Table:
    """A topic without a message."""
    import pyarrow as pa

    return pa.table(
        {
            "partition": pa.array([], pa.int32()),
            "offset": pa.array([], pa.int64()),
            "arrived_ms": pa.array([], pa.int64()),
            "value": pa.array([], pa.binary()),
        }
    )
