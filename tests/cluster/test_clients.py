"""Both Kafka clients do the same: confluent-kafka, which is quick, and kafka-python, which is always there."""

from __future__ import annotations

import pytest

from adclick_cli import schema
from adclick_cli.broker import admin, whole
from adclick_cli.broker.consumer import Message
from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_columns, read_topic
from adclick_cli.errors import BrokerError
from adclick_cli.events.generator import Plan, Shares, events
from adclick_cli.security import Servers
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

FAST = pytest.mark.parametrize("fast", [True, False], ids=["confluent-kafka", "kafka-python"])
MADE = list(events(Plan(3, 1_767_225_600_000, 100.0, 2_000, "normal", "camp-1", Shares(malformed=0.05))))


def _read(servers: Servers, topic: str, *, fast: bool, committed: bool = True) -> list[Message]:
    found = [message for batch in read_topic(servers, topic, fast=fast, committed=committed) for message in batch]
    return sorted(found, key=lambda message: (message.partition, message.offset))


@FAST
def test_what_one_client_sends_both_read(cluster: Cluster, fast: bool) -> None:
    servers, topic = cluster.servers, f"clients-{fast}".lower()
    admin.ensure_topics(servers, {topic: schema.IMPRESSION})
    producer = open_producer(servers, fast=fast)
    for event in MADE:
        producer.send(topic, event.key, event.value, event.at_ms)
    producer.close()
    rows = _read(servers, topic, fast=fast)
    assert rows == _read(servers, topic, fast=not fast)
    assert sorted((row.key, row.value or b"", row.timestamp_ms) for row in rows) == sorted(
        (event.key, event.value or b"", event.at_ms) for event in MADE
    )
    assert {row.partition for row in rows} == set(range(schema.IMPRESSION.partitions))
    columns = [row for batch in read_columns(servers, topic, fast=fast) for row in zip(*batch, strict=True)]
    assert sorted(columns) == [(row.partition, row.offset, row.timestamp_ms, row.value) for row in rows]


@FAST
def test_a_key_goes_to_the_same_partition_by_either_client(cluster: Cluster, fast: bool) -> None:
    servers, topic = cluster.servers, f"keys-{fast}".lower()
    admin.ensure_topics(servers, {topic: schema.IMPRESSION})
    for client in (fast, not fast):
        producer = open_producer(servers, fast=client)
        for number in range(50):
            producer.send(topic, f"key-{number}".encode(), b"{}")
        producer.close()
    places: dict[bytes | None, set[int]] = {}
    for row in _read(servers, topic, fast=fast):
        places.setdefault(row.key, set()).add(row.partition)
    assert len(places) == 50
    assert all(len(partitions) == 1 for partitions in places.values())


@FAST
def test_only_committed_rows_are_read(cluster: Cluster, fast: bool) -> None:
    from confluent_kafka import Producer

    servers, topic = cluster.servers, f"transactions-{fast}".lower()
    admin.ensure_topics(servers, {topic: schema.ALERT})
    producer = Producer({"bootstrap.servers": str(servers), "transactional.id": topic, "log_level": 0})
    producer.init_transactions()
    for text, commit in ((b"kept", True), (b"given up", False), (b"kept, too", True)):
        producer.begin_transaction()
        producer.produce(topic, text, b"key")
        producer.flush()
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.begin_transaction()
    producer.produce(topic, b"still open", b"key")
    producer.flush()
    assert [row.value for row in _read(servers, topic, fast=fast)] == [b"kept", b"kept, too"]
    assert len(_read(servers, topic, fast=fast, committed=False)) == 4
    producer.abort_transaction()


@FAST
def test_reading_begins_where_it_is_told_and_ends_at_the_end_of_its_beginning(
    cluster: Cluster, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, topic = cluster.servers, f"bounds-{fast}".lower()
    admin.ensure_topics(servers, {topic: schema.IMPRESSION})

    def send(count: int) -> None:
        producer = open_producer(servers, fast=True)
        for number in range(count):
            producer.send(topic, f"key-{number}".encode(), b"{}")
        producer.close()

    monkeypatch.setattr(whole, "FAST_BATCH", 10)
    monkeypatch.setattr(whole, "BATCH", 10)
    send(400)
    ends = admin.end_offsets(servers, [topic])[topic]
    reading = read_topic(servers, topic, fast=fast)
    first = next(reading)
    send(400)
    rest = [message for batch in reading for message in batch]
    assert 0 < len(first) < 400
    assert len(first) + len(rest) == 400
    new = [message for batch in read_topic(servers, topic, fast=fast, start=ends) for message in batch]
    assert len(new) == 400
    assert all(message.offset >= ends[message.partition] for message in new)


@FAST
def test_a_message_that_is_too_large_is_named_and_the_others_are_delivered(cluster: Cluster, fast: bool) -> None:
    servers, topic = cluster.servers, f"large-{fast}".lower()
    admin.ensure_topics(servers, {topic: schema.IMPRESSION})
    producer = open_producer(servers, fast=fast)
    producer.send(topic, b"a", b"x" * 900_000)
    with pytest.raises(BrokerError, match=f"an event of 1,000,000 bytes cannot be sent to {topic}") as raised:
        producer.send(topic, b"b", b"x" * 1_000_000)
    assert "Shorten its fields." in str(raised.value)
    producer.send(topic, b"c", b"{}")
    producer.close()
    assert {row.key for row in _read(servers, topic, fast=fast)} == {b"a", b"c"}
