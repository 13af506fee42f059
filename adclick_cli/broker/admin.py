"""The broker's topics: whether it answers, making topics, their offsets, emptying them. Through kafka-python."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from adclick_cli.broker.knock import AdvertisedError, LoginError, UnknownHostError, knock
from adclick_cli.errors import BrokerError
from adclick_cli.pipeline import Topics
from adclick_cli.schema import Record
from adclick_cli.security import Servers, kafka_python

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

REQUEST_TIMEOUT_MS = 15_000
POLL_S = 0.1
KEEP_FOREVER = {"retention.ms": "-1"}
"""Kafka's retention goes by a record's own timestamp, and replayed events are old from the start."""

# kafka-python warns about each refused connection; adclick says it itself, once.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


def unreachable(servers: Servers, why: str) -> BrokerError:
    """The error for a broker that does not answer."""
    return BrokerError(
        f"no Kafka broker answers at {servers}",
        why,
        "Start one with `adclick up`, or name yours with --bootstrap-servers.",
    )


def require_listener(servers: Servers) -> None:
    """See that somebody listens and lets us in: a Kafka client that is refused tries for half a minute or for ever.

    Raises:
        LoginError: the broker does not let us in.
        AdvertisedError, UnknownHostError: an address is wrong.
        BrokerError: nobody listens.
    """
    try:
        knock(servers)
    except OSError as error:
        refused = isinstance(error, ConnectionRefusedError)
        raise unreachable(servers, "Nobody listens there." if refused else f"{error}.") from error


@contextmanager
def admin_client(servers: Servers) -> Iterator[KafkaAdminClient]:
    """kafka-python's admin client, for the modules of this folder alone.

    Raises:
        BrokerError: the broker does not answer, or refuses what is asked of it.
    """
    # Before the import: where nobody listens, that is said at once.
    require_listener(servers)
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        client = KafkaAdminClient(**kafka_python(servers), request_timeout_ms=REQUEST_TIMEOUT_MS)
    except KafkaError as error:
        raise unreachable(servers, type(error).__name__) from error
    try:
        yield client
    except KafkaError as error:
        raise BrokerError(f"the broker at {servers} refused a request", f"{type(error).__name__}: {error}") from error
    finally:
        client.close()


def answers(servers: Servers) -> bool:
    """Whether a broker answers now, and lets us in."""
    try:
        _require_answer(servers)
    except BrokerError:
        return False
    return True


def _require_answer(servers: Servers) -> None:
    with admin_client(servers) as admin:
        admin.describe_cluster()


def wait_for_broker(servers: Servers, deadline_s: float, hope: Callable[[], bool] = lambda: True) -> None:
    """Wait for a broker.

    Args:
        servers: the broker.
        deadline_s: how long, in seconds from now.
        hope: asked after each attempt without an answer; False ends the wait.

    Raises:
        LoginError: one answers and does not let us in.
        AdvertisedError, UnknownHostError: an address is wrong, which no waiting mends.
        BrokerError: none answered in time.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            _require_answer(servers)
            return
        except (LoginError, AdvertisedError, UnknownHostError):
            raise
        except BrokerError as error:
            if not hope():
                raise
            if time.monotonic() > deadline:
                raise BrokerError(error.what, f"{error.why} Waited {deadline_s:.0f} s for it.", error.mend) from error
        time.sleep(POLL_S)


def topic_names(topics: Topics, records: Iterable[Record]) -> dict[str, Record]:
    """The topic of each record, by name."""
    return {topics.of(record): record for record in records}


def ensure_topics(servers: Servers, wanted: Mapping[str, Record]) -> list[str]:
    """Make the topics that are not there; return those that were made.

    Raises:
        BrokerError: the broker does not answer or refuses.
    """
    from kafka.admin import NewTopic

    with admin_client(servers) as admin:
        there = set(admin.list_topics())
        new = [
            NewTopic(
                name,
                num_partitions=record.partitions,
                # As the broker itself would: one with several copies may refuse a topic with one.
                replication_factor=-1,
                topic_configs=topic_configs(record),
            )
            for name, record in wanted.items()
            if name not in there
        ]
        if new:
            admin.create_topics(new)
        return [topic.name for topic in new]


def topic_configs(record: Record) -> dict[str, str]:
    """The options of a record's topic that differ from the broker's own."""
    configs = dict(KEEP_FOREVER)
    if record.compacted:
        # "delete" beside "compact": only then may the topic be emptied.
        configs["cleanup.policy"] = "compact,delete"
    if record.max_bytes is not None:
        configs["max.message.bytes"] = str(record.max_bytes)
    return configs


def list_topics(servers: Servers) -> list[str]:
    """Names of all topics, internal ones left out."""
    with admin_client(servers) as admin:
        return sorted(name for name in admin.list_topics() if not name.startswith("__"))


def topic_offsets(servers: Servers, topic: str, *, committed: bool = False) -> dict[int, tuple[int, int]]:
    """First and next offset of each partition; empty where there is no such topic.

    With `committed` the next offset is the last stable one: before the oldest open transaction.

    Raises:
        BrokerError: the broker does not answer.
    """
    return all_offsets(servers, [topic], committed=committed)[topic]


def all_offsets(
    servers: Servers, topics: Iterable[str], *, committed: bool = False
) -> dict[str, dict[int, tuple[int, int]]]:
    """`topic_offsets` of several topics, through one connection.

    Raises:
        BrokerError: the broker does not answer.
    """
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    require_listener(servers)
    try:
        consumer = KafkaConsumer(
            **kafka_python(servers),
            isolation_level="read_committed" if committed else "read_uncommitted",
        )
    except KafkaError as error:
        raise unreachable(servers, type(error).__name__) from error
    found: dict[str, dict[int, tuple[int, int]]] = {topic: {} for topic in topics}
    try:
        there = partitions(consumer, found)
        low, high = consumer.beginning_offsets(there), consumer.end_offsets(there)
        for one in there:
            found[one.topic][one.partition] = (low[one], high[one])
        return found
    except KafkaError as error:
        raise BrokerError(
            f"the offsets of {', '.join(found)} cannot be read", f"{type(error).__name__}: {error}"
        ) from error
    finally:
        consumer.close()


def partitions(consumer: Any, topics: Iterable[str]) -> list[Any]:
    """kafka-python's TopicPartition of each partition, in order; a topic that is not there has none."""
    from kafka import TopicPartition

    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(consumer.partitions_for_topic(topic) or ())
    ]


def end_offsets(servers: Servers, topics: Iterable[str]) -> dict[str, dict[int, int]]:
    """By topic and partition the next offset.

    Raises:
        BrokerError: the broker does not answer.
    """
    return {
        topic: {number: high for number, (_, high) in offsets.items()}
        for topic, offsets in all_offsets(servers, topics).items()
    }


def message_counts(servers: Servers, topics: Iterable[str]) -> dict[str, int]:
    """By topic how many messages it holds, as its offsets tell: a transaction's marker takes one, too.

    Raises:
        BrokerError: the broker does not answer.
    """
    return {
        topic: sum(high - low for low, high in offsets.values())
        for topic, offsets in all_offsets(servers, topics).items()
    }


def holds_messages(servers: Servers, topic: str) -> bool:
    """Whether a topic holds anything.

    Raises:
        BrokerError: the broker does not answer.
    """
    return message_counts(servers, [topic])[topic] > 0


def delete_records(servers: Servers, topics: Iterable[str]) -> dict[str, dict[int, int]]:
    """Empty topics up to what they hold now; return where each partition begins from now on, for `came_back`.

    Raises:
        BrokerError: the broker does not answer or refuses.
    """
    from kafka import TopicPartition

    held = all_offsets(servers, topics)
    ends = {
        TopicPartition(topic, partition): high
        for topic, offsets in held.items()
        for partition, (low, high) in offsets.items()
        if low < high
    }
    if ends:
        with admin_client(servers) as admin:
            admin.delete_records(ends)
    return {topic: {partition: high for partition, (_, high) in offsets.items()} for topic, offsets in held.items()}


def came_back(servers: Servers, begins: Mapping[str, Mapping[int, int]]) -> list[str]:
    """Topics that hold deleted rows again: their broker died before it had written down where they begin.

    Args:
        servers: the broker.
        begins: what `delete_records` returned.

    Raises:
        BrokerError: the broker does not answer.
    """
    held = all_offsets(servers, begins)
    return [
        topic
        for topic, partitions_begin in begins.items()
        if any(held[topic].get(partition, (0, 0))[0] < low for partition, low in partitions_begin.items())
    ]


def group_offsets(servers: Servers, group: str, topic: str) -> dict[int, int]:
    """By partition the offset that a consumer group has committed; a partition without one is left out.

    Raises:
        BrokerError: the broker does not answer.
    """
    with admin_client(servers) as admin:
        found = admin.list_group_offsets(group).get(group, {})
    return {
        partition.partition: int(committed.offset)
        for partition, committed in found.items()
        if partition.topic == topic and committed.offset >= 0
    }
