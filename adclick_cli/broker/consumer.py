"""Reading topics: once from end to end, or on and on. confluent-kafka where it is installed, else kafka-python.

Offsets have gaps (a transaction's marker takes one), so the end of a topic is judged by the reader's position, never by
the last message's offset.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from adclick_cli.broker.admin import partitions, require_listener, topic_offsets, unreachable
from adclick_cli.broker.producer import fast_client
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, kafka_python, librdkafka

BATCH = 10_000
POLL_S = 0.2
STALL_S = 30.0
FETCH_BYTES = 8_388_608


class Message(NamedTuple):
    """One message. (A tuple: millions of them are read, and a frozen dataclass takes four times as long to make.)

    Attributes:
        timestamp_ms: the record's timestamp, ms since the epoch.
        key, value: bytes, or None.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


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
    reader = _confluent if use_fast else _kafka_python
    ranges = topic_offsets(servers, topic, committed=committed)
    begin = {number: max(low, (start or {}).get(number, low)) for number, (low, _) in ranges.items()}
    wanted = {number: (begin[number], high) for number, (_, high) in ranges.items() if begin[number] < high}
    if wanted:
        yield from reader(servers, topic, wanted, committed=committed)


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


def offsets_from(servers: Servers, topic: str, since_ms: int) -> dict[int, int]:
    """By partition the first offset of a message that arrived at or after a time; its end where there is none.

    Args:
        servers: the broker.
        topic: its name; a topic that does not exist has no partitions.
        since_ms: ms since the epoch.

    Raises:
        BrokerError: the broker does not answer.
    """
    from kafka import TopicPartition

    ranges = topic_offsets(servers, topic)
    if not ranges:
        return {}
    reader = connect(servers, committed=False)
    try:
        found = reader.offsets_for_times({TopicPartition(topic, number): max(0, since_ms) for number in ranges})
    finally:
        reader.close()
    places = {partition.partition: place for partition, place in found.items()}
    return {
        number: high if (place := places.get(number)) is None else place.offset for number, (_, high) in ranges.items()
    }


def follow(
    servers: Servers, topics: Sequence[str], *, committed: bool = True, from_start: bool = True
) -> Iterator[list[Message]]:
    """Batches of messages without an end, empty ones while nothing comes; a broker that goes away is waited for.

    Args:
        servers: the broker.
        topics: their names.
        committed: leave out messages of transactions that are open or aborted.
        from_start: begin with the first message there is, else with the next one that comes.
    """
    consumer = connect(servers, committed=committed)
    try:
        there = partitions(consumer, topics)
        consumer.assign(there)
        if there:
            (consumer.seek_to_beginning if from_start else consumer.seek_to_end)(*there)
        while True:
            batches = consumer.poll(timeout_ms=int(POLL_S * 1000), max_records=BATCH)
            yield [message(record) for records in batches.values() for record in records]
    finally:
        consumer.close()


def connect(servers: Servers, *, committed: bool, fetch_bytes: int = FETCH_BYTES) -> Any:
    """A kafka-python consumer without a group, which takes so many bytes of a partition at a time.

    Raises:
        BrokerError: no broker answers.
    """
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    require_listener(servers)
    try:
        return KafkaConsumer(
            **kafka_python(servers),
            group_id=None,
            isolation_level="read_committed" if committed else "read_uncommitted",
            max_partition_fetch_bytes=fetch_bytes,
            enable_auto_commit=False,
        )
    except KafkaError as error:
        raise unreachable(servers, type(error).__name__) from error


def unreadable(servers: Servers, error: Exception) -> Exception:
    """A client's error as ours; any other one as it is."""
    from kafka.errors import KafkaError

    if not isinstance(error, KafkaError):
        return error
    return BrokerError(f"the broker at {servers} cannot be read", f"{type(error).__name__}: {error}")


def message(record: Any) -> Message:
    """A client's record as a message."""
    return Message(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value)


def _bytes(value: Any) -> bytes | None:
    return value  # type: ignore[no-any-return]


def _stalled(topic: str) -> BrokerError:
    return BrokerError(f"reading {topic} stands still for {STALL_S:.0f} s", mend="Look at `adclick status`.")


def _kafka_python(
    servers: Servers, topic: str, wanted: dict[int, tuple[int, int]], *, committed: bool
) -> Iterator[list[Message]]:
    from kafka import TopicPartition

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
                message(record)
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
    finally:
        consumer.close()


def _confluent(
    servers: Servers, topic: str, wanted: dict[int, tuple[int, int]], *, committed: bool
) -> Iterator[list[Message]]:
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer = Consumer(
        {
            **librdkafka(servers),
            "group.id": "adclick-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
            "queued.max.messages.kbytes": 65_536,
            "fetch.message.max.bytes": FETCH_BYTES,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, low) for number, (low, _) in wanted.items()])
        left = {number: high for number, (_, high) in wanted.items()}
        moved = time.monotonic()
        while left:
            found: list[Message] = []
            for message in consumer.consume(BATCH, POLL_S):
                number, error = int(message.partition() or 0), message.error()
                if error is None:
                    offset = int(message.offset() or 0)
                    if offset < wanted[number][1]:
                        stamp = message.timestamp()[1]
                        found.append(
                            Message(topic, number, offset, stamp, _bytes(message.key()), _bytes(message.value()))
                        )
                    if offset + 1 >= wanted[number][1]:
                        left.pop(number, None)
                # The end of a partition is behind markers and aborted messages, which no message shows.
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.pop(number, None)
                else:
                    raise BrokerError(f"reading {topic} failed", str(error), "Look at `adclick status`.")
            if found:
                moved = time.monotonic()
                yield found
            elif left and time.monotonic() - moved > STALL_S:
                raise _stalled(topic)
    finally:
        consumer.close()
