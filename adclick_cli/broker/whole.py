"""Reading a topic from end to end: confluent-kafka where it is installed, else kafka-python.

Offsets have gaps (a transaction's marker takes one), so the end of a topic is judged by the reader's position, never by
the last message's offset.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from adclick_cli.broker.admin import topic_offsets
from adclick_cli.broker.consumer import BATCH, FETCH_BYTES, POLL_S, Message, connect, message, unreadable
from adclick_cli.broker.producer import fast_client
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, librdkafka

STALL_S = 30.0
QUEUE_FULL_MS = 10
FAST_BATCH = 2_000
"""Messages of confluent-kafka that are alive at once; with five times as many, reading takes a sixth longer."""


class Columns(NamedTuple):
    """Messages of a batch as lists of the same length: a tuple for each of millions would take most of the time.

    Attributes:
        timestamps_ms: the records' timestamps, ms since the epoch.
        values: bytes, or None.
    """

    partitions: list[int]
    offsets: list[int]
    timestamps_ms: list[int]
    values: list[bytes | None]


def read_topic(
    servers: Servers,
    topic: str,
    *,
    committed: bool = True,
    start: dict[int, int] | None = None,
    fast: bool | None = None,
) -> Iterator[list[Message]]:
    """All messages that a topic holds at the call, in batches; within a partition in order.

    Args:
        servers: the broker.
        topic: its name; a topic that does not exist is empty.
        committed: leave out messages of transactions that are open or aborted.
        start: the first offset of each partition that is wanted, else the topic's own.
        fast: which client; None takes confluent-kafka where it is installed.

    Raises:
        BrokerError: the broker does not answer, or stops answering.
    """
    use_fast = fast_client() if fast is None else fast
    for records in _records(servers, topic, committed=committed, start=start, fast=use_fast):
        yield (
            [
                Message(topic, one.partition(), one.offset(), one.timestamp()[1], one.key(), one.value())
                for one in records
            ]
            if use_fast
            else [message(record) for record in records]
        )


def read_columns(
    servers: Servers, topic: str, *, start: dict[int, int] | None = None, fast: bool | None = None
) -> Iterator[Columns]:
    """The same as `read_topic`, of committed messages, by column and without the keys.

    Raises:
        BrokerError: the broker does not answer, or stops answering.
    """
    use_fast = fast_client() if fast is None else fast
    for records in _records(servers, topic, committed=True, start=start, fast=use_fast):
        if use_fast:
            yield Columns(
                [one.partition() for one in records],
                [one.offset() for one in records],
                [one.timestamp()[1] for one in records],
                [one.value() for one in records],
            )
        else:
            yield Columns(
                [one.partition for one in records],
                [one.offset for one in records],
                [one.timestamp for one in records],
                [one.value for one in records],
            )


def holds_beyond(servers: Servers, topic: str, offsets: dict[int, int]) -> bool:
    """Whether a topic holds a committed message at or behind these offsets; a partition not named begins at 0.

    Raises:
        BrokerError: the broker does not answer.
    """
    ranges = topic_offsets(servers, topic, committed=True)
    # Markers of transactions take offsets, too: only reading tells whether a message is there.
    if all(offsets.get(number, 0) >= high for number, (_, high) in ranges.items()):
        return False
    return any(read_topic(servers, topic, start=offsets))


def _records(
    servers: Servers, topic: str, *, committed: bool, start: dict[int, int] | None, fast: bool
) -> Iterator[list[Any]]:
    """The client's own messages, none at or beyond a partition's end at the call; no empty batch."""
    ranges = topic_offsets(servers, topic, committed=committed)
    begin = {number: max(low, (start or {}).get(number, low)) for number, (low, _) in ranges.items()}
    wanted = {number: (begin[number], high) for number, (_, high) in ranges.items() if begin[number] < high}
    if wanted:
        yield from (_confluent if fast else _kafka_python)(servers, topic, wanted, committed=committed)


def _stalled(topic: str) -> BrokerError:
    return BrokerError(f"reading {topic} stands still for {STALL_S:.0f} s", mend="Look at `adclick status`.")


def _kafka_python(
    servers: Servers, topic: str, wanted: dict[int, tuple[int, int]], *, committed: bool
) -> Iterator[list[Any]]:
    from kafka import TopicPartition
    from kafka.errors import KafkaError

    consumer = connect(servers, committed=committed)
    try:
        left = {TopicPartition(topic, number): bounds for number, bounds in wanted.items()}
        consumer.assign(list(left))
        for partition, (low, _) in left.items():
            consumer.seek(partition, low)
        moved = time.monotonic()
        while left:
            batches = consumer.poll(timeout_ms=int(POLL_S * 1000), max_records=BATCH)
            found = [
                record
                for partition, records in batches.items()
                for record in records
                if record.offset < wanted[partition.partition][1]
            ]
            ended = [partition for partition, (_, high) in left.items() if consumer.position(partition) >= high]
            for partition in ended:
                del left[partition]
            if found:
                yield found
            if found or ended:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALL_S:
                raise _stalled(topic)
    except KafkaError as error:
        raise unreadable(servers, error) from error
    finally:
        consumer.close()


def _confluent(
    servers: Servers, topic: str, wanted: dict[int, tuple[int, int]], *, committed: bool
) -> Iterator[list[Any]]:
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

    consumer = Consumer(
        {
            **librdkafka(servers),
            "group.id": "adclick-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "queued.max.messages.kbytes": 65_536,
            # Where its queue is full librdkafka asks for nothing more for so long, unasked a whole second.
            "fetch.queue.backoff.ms": QUEUE_FULL_MS,
            "fetch.message.max.bytes": FETCH_BYTES,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, low) for number, (low, _) in wanted.items()])
        left = {number: high for number, (_, high) in wanted.items()}
        moved = time.monotonic()
        while left:
            got: list[Any] = consumer.consume(FAST_BATCH, POLL_S)
            found = [one for one in got if one.error() is None]
            # A partition's messages come in order: the last one tells how far it has been read.
            newest = {one.partition(): one.offset() for one in found}
            if any(offset >= wanted[number][1] for number, offset in newest.items()):
                found = [one for one in found if one.offset() < wanted[one.partition()][1]]
            for number, offset in newest.items():
                if offset + 1 >= wanted[number][1]:
                    left.pop(number, None)
            if len(got) > len(found):
                for one in got:
                    error = one.error()
                    # The end of a partition is behind markers and aborted messages, which no message shows.
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        left.pop(one.partition(), None)
                    elif error is not None:
                        raise BrokerError(f"reading {topic} failed", str(error), "Look at `adclick status`.")
            if found:
                moved = time.monotonic()
                yield found
            elif left and time.monotonic() - moved > STALL_S:
                raise _stalled(topic)
    except KafkaException as error:
        raise BrokerError(f"reading {topic} failed", str(error), "Look at `adclick status`.") from error
    finally:
        consumer.close()
