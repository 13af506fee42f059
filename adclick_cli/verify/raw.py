"""Topics as Arrow tables, read once and then only what is new."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adclick_cli.broker.consumer import offsets_from
from adclick_cli.broker.whole import read_columns
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
        with _no_search_for_cycles():
            for batch in read_columns(self._servers, self.topic, start=self._next):
                self.add(
                    pa.table(
                        {
                            "partition": pa.array(batch.partitions, pa.int32()),
                            "offset": pa.array(batch.offsets, pa.int64()),
                            "arrived_ms": pa.array(batch.timestamps_ms, pa.int64()),
                            "value": pa.array(batch.values, pa.binary()),
                        }
                    )
                )
                # In order within a partition: the last one stays.
                newest = dict(zip(batch.partitions, batch.offsets, strict=True))
                self._next.update({partition: offset + 1 for partition, offset in newest.items()})
        return len(self._parts) > before

    def add(self, part: pa.Table) -> None:
        """Keep what has been read."""
        self._parts.append(part)

    def table(self) -> pa.Table:
        """Everything read so far."""
        import pyarrow as pa

        return pa.concat_tables(self._parts) if self._parts else empty()


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Millions of new objects set off Python's search for cycles again and again; a message is in none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


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
