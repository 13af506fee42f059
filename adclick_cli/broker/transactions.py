"""Transactions that their writers left open: readers of committed rows wait behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from adclick_cli.broker.admin import admin_client
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, kafka_python

LONGEST_BLOCK_MS = 15_000


def open_ids(servers: Servers, prefixes: Iterable[str]) -> list[str]:
    """Transactional ids with an open transaction, as Flink makes them: a prefix, a subtask and a checkpoint.

    Raises:
        BrokerError: the broker does not answer.
    """
    from kafka.admin import TransactionState

    states = {TransactionState.ONGOING, TransactionState.PREPARE_ABORT, TransactionState.PREPARE_COMMIT}
    # Only whole ids: another submission may write a topic whose name begins like one of ours.
    wanted = re.compile("|".join(rf"{re.escape(prefix)}-\d+-\d+" for prefix in prefixes))
    with admin_client(servers) as admin:
        # A new client knows no brokers yet, and would ask none of them.
        brokers = [broker["broker_id"] for broker in admin.describe_cluster()["brokers"]]
        listed = admin.list_transactions(broker_ids=brokers)
    return sorted(
        found.transactional_id
        for listings in listed.values()
        for found in listings
        if found.state in states and wanted.fullmatch(found.transactional_id)
    )


def abort(servers: Servers, ids: Iterable[str]) -> None:
    """Abort what is open under these ids, as a new writer of the same name would: the old one can't commit any more.

    Raises:
        BrokerError: the broker does not answer or refuses.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

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
