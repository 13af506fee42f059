"""Raw topics as others fill them: every codec, partitions that are added, transactions that stay open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaProducer

from adclick_cli import settings
from adclick_cli.broker.admin import admin_client, topic_offsets
from adclick_cli.broker.whole import read_topic
from adclick_cli.doctor import look
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.schema import CLICK, IMPRESSION, Record
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

SHORT = ("--window", "2s", "--attribution", "4s", "--watermark-delay", "1s", "--no-live")
QUIET = 40
"""Impressions that are sent before all else, in one partition."""
CODECS = (None, "gzip", "snappy", "lz4", "zstd")
ADDED = 6


class Raw:
    """A submission that reads topics of its own.

    Attributes:
        env: the settings that name them.
        quiet: what `verify` said while one partition of one topic held all events.
        shown, clicked: their names.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.env = cluster.own_topics("raw")
        self.shown, self.clicked = (self.env[f"ADCLICK_TOPIC_{name}"] for name in ("IMPRESSIONS", "CLICKS"))

        self.quiet: dict[str, Any] = {}

    def producer(self, **more: Any) -> Any:
        """A client of another program: no option of adclick's."""
        return closing(KafkaProducer(bootstrap_servers=self.cluster.servers.listed, **more))

    def fill_one_partition(self) -> None:
        """Impressions in one partition and no click at all: heartbeats alone let windows close."""
        begin = int(time.time() * 1000)
        with self.producer() as producer:
            for number in range(QUIET):
                producer.send(self.shown, _event(IMPRESSION, f"quiet-{number}", begin + number * 100), partition=0)
        self.quiet = self.cluster.prove(self.env, QUIET)


def _event(record: Record, name: str, at_ms: int) -> bytes:
    # Long enough for a codec to make it shorter: what it does not shorten is sent as it is.
    event = dict.fromkeys(record.required, "x") | {"event_timestamp": at_ms, "browser": "b" * 500}
    return json.dumps(event | {record.key[0]: f"{name}-{record.name}", "impression_id": f"{name}-impression"}).encode()


@pytest.fixture(scope="module")
def raw(cluster: Cluster) -> Iterator[Raw]:
    made = Raw(cluster)
    cluster.run("submit", *SHORT, env=made.env)
    try:
        made.fill_one_partition()
        yield made
    finally:
        cluster.run("stop")


def test_impressions_in_one_partition_and_no_click_at_all_become_final(raw: Raw) -> None:
    ledger = raw.quiet["ledger"]
    assert ledger["impressions"]["counted"] == QUIET
    assert ledger["clicks"]["raw"] == ledger["clicks"]["heartbeat"] > 0
    for topic in (raw.shown, raw.clicked):
        assert all(high > 0 for _, high in topic_offsets(raw.cluster.servers, topic).values())


def test_messages_of_each_codec_are_counted_by_flink_and_read_by_heartbeats_and_verify(raw: Raw) -> None:
    """Windows close by heartbeats alone here, so whoever writes them has read every codec."""
    now = int(time.time() * 1000)
    for number, codec in enumerate(CODECS):
        with raw.producer(compression_type=codec) as producer:
            at = number % IMPRESSION.partitions
            producer.send(raw.shown, _event(IMPRESSION, f"codec-{codec}", now), partition=at)
            producer.send(raw.clicked, _event(CLICK, f"codec-{codec}", now + 10), partition=at)
    raw.cluster.prove(raw.env, QUIET + len(CODECS), len(CODECS))
    for fast in (True, False):
        values = [one.value or b"" for batch in read_topic(raw.cluster.servers, raw.shown, fast=fast) for one in batch]
        assert all(any(f'"codec-{codec}-impression"'.encode() in value for value in values) for codec in CODECS)


def test_partitions_that_are_added_are_read_from_their_first_message_and_get_heartbeats(raw: Raw) -> None:
    with admin_client(raw.cluster.servers) as admin:
        admin.create_partitions({raw.shown: ADDED, raw.clicked: ADDED})
    now = int(time.time() * 1000)
    with raw.producer() as producer:
        for number in range(20):
            # One added partition of each topic carries nothing but heartbeats.
            producer.send(raw.shown, _event(IMPRESSION, f"added-{number}", now), partition=ADDED - 2)
            producer.send(raw.clicked, _event(CLICK, f"added-{number}", now + 10), partition=ADDED - 1)
    # The oracle reads every partition: a row without these events would be wrong.
    raw.cluster.prove(raw.env, QUIET + 20, 20)
    for topic in (raw.shown, raw.clicked):
        assert all(high > 0 for _, high in topic_offsets(raw.cluster.servers, topic).values())


def test_an_open_transaction_in_a_raw_topic_is_found_with_its_partition_and_its_beginning(
    raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (raw.cluster.env | raw.env).items():
        monkeypatch.setenv(name, value)
    loaded = settings.load()
    before = int(time.time() * 1000)
    with raw.producer(transactional_id="shop-7") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        try:
            producer.send(raw.shown, _event(IMPRESSION, "open", before), partition=1).get(timeout=30)
            found = look.look(loaded, loaded.pipeline(), FlinkRest(loaded.flink_rest), True).blocked
        finally:
            producer.abort_transaction()
    assert [(one.topic, one.partition, one.transaction) for one in found] == [(raw.shown, 1, "shop-7")]
    # A heartbeat may lie behind it, too.
    assert found[0].rows >= 1
    assert before - 1_000 <= found[0].since_ms <= int(time.time() * 1000)
