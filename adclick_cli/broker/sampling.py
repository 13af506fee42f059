"""A sample of a topic: its newest messages, once, within a time. No group is joined, and nothing is written."""

from __future__ import annotations

import time
from typing import Any

from adclick_cli.broker import admin, consumer
from adclick_cli.security import Servers

POLL_MS = 100
REQUEST_MS = 10_000
FETCH_BYTES = 1_048_576
MOST_BYTES = 67_108_864
"""Of a sample: so that large messages fill no memory."""


def newest(servers: Servers, topic: str, most: int, within_s: float) -> list[bytes | None]:
    """The values of the newest committed messages of a topic, partition by partition, oldest first within one.

    Args:
        servers: the broker.
        topic: a topic that is there: a broker may make one that is asked for and is not.
        most: how many messages, at most.
        within_s: how long it may take; what was read until then is given.

    Raises:
        BrokerError: the broker does not answer.
    """
    client = consumer.connect(servers, committed=True, fetch_bytes=FETCH_BYTES)
    try:
        return _read(client, topic, most, time.monotonic() + within_s)
    except Exception as error:
        raise consumer.unreadable(servers, error) from error
    finally:
        client.close(timeout_ms=1_000)


def _read(reader: Any, topic: str, most: int, until: float) -> list[bytes | None]:
    there = admin.partitions(reader, [topic])
    if not there:
        return []
    lows = reader.beginning_offsets(there, timeout_ms=REQUEST_MS)
    ends = reader.end_offsets(there, timeout_ms=REQUEST_MS)
    filled = {one for one in there if lows[one] < ends[one]}
    reader.assign(list(filled))
    for one in filled:
        reader.seek(one, max(lows[one], ends[one] - -(-most // len(filled))))
    found: dict[int, list[bytes | None]] = {}
    left, size, count = set(filled), 0, 0
    while left and size < MOST_BYTES and count < most and time.monotonic() < until:
        for partition, records in reader.poll(timeout_ms=POLL_MS).items():
            values = [record.value for record in records if record.offset < ends[partition]]
            found.setdefault(partition.partition, []).extend(values)
            size += sum(len(value) for value in values if value is not None)
            count += len(values)
        left = {one for one in left if reader.position(one) < ends[one]}
    return [value for number in sorted(found) for value in found[number]]
