"""Transactions that their writers left open: readers of committed rows wait behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from adclick_cli.broker.admin import admin_client, all_offsets, require_listener
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, kafka_python

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

LONGEST_BLOCK_MS = 15_000


@dataclass(frozen=True)
class Open:
    """An open transaction of a sink.

    Attributes:
        id: its transactional id: a prefix, a subtask and a checkpoint.
        prefix: the sink's.
        checkpoint: the number of the checkpoint that is to commit it.
    """

    id: str
    prefix: str
    checkpoint: int


@dataclass(frozen=True)
class Hidden:
    """Messages that no reader of committed ones sees, because a transaction before them is open.

    Attributes:
        topic, partition: where they are.
        rows: how many offsets they take, markers of transactions included.
        transaction: the id of the transaction; None where no coordinator knows of one.
        since_ms: when it began by the broker's clock, ms since the epoch.
        begin: its first offset.
    """

    topic: str
    partition: int
    rows: int
    transaction: str | None
    since_ms: int
    begin: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def open_transactions(servers: Servers, prefixes: Iterable[str]) -> list[Open]:
    """Open transactions whose ids are made as Flink makes them: a prefix, a subtask and a checkpoint.

    Raises:
        BrokerError: the broker does not answer.
    """
    # Only whole ids: another submission may write a topic whose name begins like one of ours.
    wanted = re.compile(rf"({'|'.join(re.escape(prefix) for prefix in prefixes)})-\d+-(\d+)")
    with admin_client(servers) as admin:
        found = [wanted.fullmatch(name) for name, _ in _ongoing(admin)]
    return sorted((Open(one[0], one[1], int(one[2])) for one in found if one), key=lambda one: one.id)


def open_ids(servers: Servers, prefixes: Iterable[str]) -> list[str]:
    """The ids of `open_transactions`.

    Raises:
        BrokerError: the broker does not answer.
    """
    return [one.id for one in open_transactions(servers, prefixes)]


def hidden(servers: Servers, topics: Iterable[str]) -> list[Hidden]:
    """What is there and hidden behind the oldest open transaction of each partition, usual for a checkpoint's time.

    Raises:
        BrokerError: the broker does not answer.
    """
    from kafka import TopicPartition

    names = list(topics)
    stable, every = all_offsets(servers, names, committed=True), all_offsets(servers, names)
    behind = {
        TopicPartition(topic, number): (stable[topic][number][1], high)
        for topic in names
        for number, (_, high) in every[topic].items()
        if stable[topic][number][1] < high
    }
    if not behind:
        return []
    found = []
    with admin_client(servers) as admin:
        writers = admin.describe_producers(list(behind))
        by_writer = {writer: name for name, writer in _ongoing(admin)}
        began = admin.describe_transactions(list(by_writer.values())) if by_writer else {}
        for where, (low, high) in behind.items():
            # What has ended in between holds nothing back any more.
            for one in writers[where].active_producers:
                if one.current_transaction_start_offset == low:
                    name = by_writer.get(one.producer_id)
                    since = began[name].transaction_start_time_ms if name else one.last_timestamp
                    found.append(Hidden(where.topic, where.partition, high - low, name, since, low))
    return found


def _ongoing(admin: KafkaAdminClient) -> list[tuple[str, int]]:
    """Transactional id and producer id of every transaction that has not ended."""
    from kafka.admin import TransactionState

    states = {TransactionState.ONGOING, TransactionState.PREPARE_ABORT, TransactionState.PREPARE_COMMIT}
    # A new client knows no brokers yet, and would ask none of them.
    brokers = [broker["broker_id"] for broker in admin.describe_cluster()["brokers"]]
    listed = admin.list_transactions(broker_ids=brokers)
    return [
        (found.transactional_id, found.producer_id)
        for listings in listed.values()
        for found in listings
        if found.state in states
    ]


def abort(servers: Servers, ids: Iterable[str]) -> None:
    """Abort what is open under these ids, as a new writer of the same name would: the old one can't commit any more.

    Raises:
        BrokerError: the broker does not answer or refuses.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    require_listener(servers)
    for name in ids:
        try:
            producer = KafkaProducer(
                **kafka_python(servers),
                transactional_id=name,
                max_block_ms=LONGEST_BLOCK_MS,
            )
            try:
                producer.init_transactions()
            finally:
                producer.close()
        except KafkaError as error:
            raise BrokerError(
                f"the open transaction {name} cannot be aborted",
                f"{type(error).__name__}: {error}",
                "The broker aborts it by itself within 15 minutes.",
            ) from error
