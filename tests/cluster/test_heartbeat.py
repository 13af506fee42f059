"""Empty partitions and an empty topic hold nothing back."""

from __future__ import annotations

import json
import time

import pytest

from adclick_cli.broker.admin import topic_offsets
from adclick_cli.broker.producer import open_producer
from adclick_cli.schema import CLICK, IMPRESSION
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

SHORT = ("--window", "2s", "--attribution", "4s", "--watermark-delay", "1s", "--no-live", "--no-dead-letters")
COUNT = 40
TIMEOUT_S = 180.0


def test_impressions_in_one_partition_and_no_click_at_all_become_final(cluster: Cluster) -> None:
    env = cluster.own_topics("quiet")
    shown, clicked = env["ADCLICK_TOPIC_IMPRESSIONS"], env["ADCLICK_TOPIC_CLICKS"]
    cluster.run("submit", *SHORT, env=env)
    try:
        begin = int(time.time() * 1000)
        producer = open_producer(cluster.servers)
        for number in range(COUNT):
            event = dict.fromkeys(IMPRESSION.required, "x") | {"impression_id": f"i{number}"}
            event["event_timestamp"] = str(begin + number * 100)
            producer.send(shown, b"x", json.dumps(event).encode(), partition=0)
        producer.close()
        end = time.monotonic() + TIMEOUT_S
        ledger = _ledger(cluster, env)
        while ledger["impressions"]["counted"] < COUNT:
            assert time.monotonic() < end, ledger
            time.sleep(1)
            ledger = _ledger(cluster, env)
        verdict = cluster.json("verify", env=env)
        assert verdict["ok"], verdict["results"]
        assert ledger["clicks"]["raw"] == ledger["clicks"]["heartbeat"] > 0
        assert all(high > 0 for topic in (shown, clicked) for _, high in topic_offsets(cluster.servers, topic).values())
        assert CLICK.partitions == len(topic_offsets(cluster.servers, clicked))
    finally:
        cluster.run("stop")


def _ledger(cluster: Cluster, env: dict[str, str]) -> dict[str, dict[str, int]]:
    # Rows that Flink has not committed yet are missing, for the moment: exit code 3.
    said = cluster.run("verify", "--wait", "0s", "--output", "json", code=None, env=env).stdout
    found: dict[str, dict[str, int]] = json.loads(said)["ledger"]
    return found
