"""Messages, consumers, and places in topics by time. All of kafka-python."""

from __future__ import annotations

from typing import Any, NamedTuple

from adclick_cli.broker.admin import require_listener, topic_offsets, unreachable
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, kafka_python

BATCH = 10_000
POLL_S = 0.2
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
    except Exception as error:
        raise unreadable(servers, error) from error
    finally:
        reader.close()
    places = {partition.partition: place for partition, place in found.items()}
    return {
        number: high if (place := places.get(number)) is None else place.offset for number, (_, high) in ranges.items()
    }


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
    from kafka.errors import KafkaError, UnsupportedCodecError

    if isinstance(error, UnsupportedCodecError):
        return BrokerError(
            f"messages of the broker at {servers} are compressed with a codec that cannot be read here",
            f"{error}.",
            "Install the codecs, which come with adclick: pip install 'kafka-python[lz4,snappy,zstd]'",
        )
    if not isinstance(error, KafkaError):
        return error
    return BrokerError(f"the broker at {servers} cannot be read", f"{type(error).__name__}: {error}")


def message(record: Any) -> Message:
    """A client's record as a message."""
    return Message(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value)
