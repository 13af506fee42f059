"""The pipeline by adclick's own event format and attribution function, on real processes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from adclick_cli.broker.admin import topic_offsets
from adclick_cli.broker.whole import read_topic
from tests.cluster.conftest import Cluster, process

pytestmark = pytest.mark.cluster
ASKED = ("--window", "4s", "--attribution", "6s", "--method", "ratio", "--watermark-delay", "2s")


def _event(name: str, at_ms: int) -> bytes:
    return json.dumps(
        {"impression_id": name, "campaign_id": "own", "device_type": "tv", "event_timestamp": at_ms}
    ).encode()


def _send_odd_messages(cluster: Cluster, topic: str) -> tuple[int, int]:
    """Messages that only this format reads, and some that nobody does; returns how many events and others they hold."""
    now = int(time.time() * 1000)
    good = {
        _event("lines-1", now) + b"\n" + _event("lines-2", now): 2,
        b"\0\0\0\0\7" + _event("framed", now): 1,
        b"\x1e" + _event("separated", now) + b"\n": 1,
        b"[" + _event("array-1", now) + b"," + _event("array-2", now) + b"]": 2,
        _event("lines-1", now): 1,
    }
    bad = {
        b"no json": 1,
        b"\xff\xfe": 1,
        b"[]": 1,
        _event("far", now + 7_200_000): 1,
        b'{"impression_id":"alone"}': 1,
        b'{"impression_id":"one"}\n{"impression_id":"two"}': 2,
        None: 1,
    }
    producer = KafkaProducer(bootstrap_servers=cluster.servers.listed)
    for value in (*good, *bad):
        producer.send(topic, key=b"k", value=value, partition=0)
    producer.close()
    return sum(good.values()), sum(bad.values())


@pytest.fixture
def env(cluster: Cluster) -> Iterator[dict[str, str]]:
    yield cluster.own_topics("function")
    cluster.run("cancel")


@pytest.mark.long
def test_rows_are_right_with_odd_messages_and_after_a_taskmanager_died(cluster: Cluster, env: dict[str, str]) -> None:
    cluster.run("submit", *ASKED, "--parallelism", "2", env=env)
    sent = cluster.json("generate", "--backfill", "3m", "--rate", "40", "--seed", "3", env=env)["impressions"]
    events, others = _send_odd_messages(cluster, env["ADCLICK_TOPIC_IMPRESSIONS"])
    verdict = cluster.prove(env, sent + events - 1)
    ledger = verdict["ledger"]["impressions"]
    assert (ledger["duplicate"], ledger["malformed"]) == (1, others)
    assert verdict["results"]["dead_letters"]["compared"] == others
    assert any(high > 0 for _, high in topic_offsets(cluster.servers, env["ADCLICK_TOPIC_CTR_LIVE"]).values())
    letters = [one for batch in read_topic(cluster.servers, env["ADCLICK_TOPIC_DEAD_LETTERS"]) for one in batch]
    reasons = {json.loads(letter.value or b"")["reason"] for letter in letters}
    assert {"not JSON", "not UTF-8", "no value", "event_timestamp is more than 1h past its arrival"} <= reasons

    process(cluster, "taskmanager").kill()
    cluster.run("up")
    more = cluster.json("generate", "--duration", "5s", "--rate", "40", "--seed", "4", env=env)["impressions"]
    after = cluster.prove(env, sent + events - 1 + more)
    assert after["results"]["ctr"]["compared"] > verdict["results"]["ctr"]["compared"]
