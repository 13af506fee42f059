"""Duplicates, conflicts and quality on real processes, with topics of their own."""

from __future__ import annotations

import json
import time

import pytest

from adclick_cli.broker.producer import open_producer
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster


def test_gross_and_valid_clicks_conflicts_and_quality_by_minute(cluster: Cluster) -> None:
    env = cluster.own_topics("rules")
    rates = ("--duplicates", "0.1", "--orphans", "0.2", "--malformed", "0.05")
    sent = cluster.json("generate", "--backfill", "10m", "--rate", "20", *rates, env=env)
    # One user's double click on one ad, and an impression that is told in two ways; newer than all else, so not late.
    at = (int(time.time()) // 60 + 2) * 60_000
    shown = {"impression_id": "i1", "user_id": "u1", "ad_id": "a1", "campaign_id": "double", "device_type": "mobile"}
    producer = open_producer(cluster.servers)
    for plain in (shown, shown | {"campaign_id": "double-b", "event_timestamp": at + 1}):
        value = json.dumps({"event_timestamp": at} | plain).encode()
        producer.send(env["ADCLICK_TOPIC_IMPRESSIONS"], b"i1", value)
    for number in (1, 2):
        plain = {"click_id": f"c{number}", "impression_id": "i1", "event_timestamp": at + number * 500}
        producer.send(env["ADCLICK_TOPIC_CLICKS"], b"i1", json.dumps(plain).encode())
    producer.close()

    rules = ("--dedup-window", "1s", "--dedup-key", "user+ad", "--unique-ids", "10m", "--clock-skew", "2s")
    jobs = cluster.rows("submit", "--bounded", *rules, env=env)
    assert [job["state"] for job in jobs] == ["FINISHED", "FINISHED"]
    verdict = cluster.json("verify", env=env)
    assert verdict["ok"], verdict
    assert [one["id"] for one in verdict["conflicts"]] == ["i1"]

    rows = cluster.rows("watch", "ctr", "--once", env=env)
    double = {row["campaign_id"]: row for row in rows if row["campaign_id"].startswith("double")}
    assert list(double) == ["double"]
    assert (double["double"]["click_count"], double["double"]["gross_click_count"]) == (1, 2)
    table = ("watch", "ctr", "--once", "--output", "table")
    assert "gross CTR" in cluster.run(*table, env=env | {"COLUMNS": "130"}).stdout
    assert " gross " in cluster.run(*table, env=env | {"COLUMNS": "80"}).stdout
    assert (
        cluster.run("watch", "ctr", "--once", "--output", "csv", env=env)
        .stdout.splitlines()[0]
        .endswith("ctr,gross_click_count,state")
    )

    minutes = cluster.rows("watch", "quality", "--once", env=env)
    for topic, more in (("impressions", 2), ("clicks", 2)):
        own = [row for row in minutes if row["topic"] == topic]
        total = verdict["ledger"][topic]
        assert {name: sum(row[name] for row in own) for name in total} == total
        assert total["raw"] == sent[topic] + more == sum(total.values()) - total["raw"]
    assert cluster.rows("watch", "quality", "--once", "--from", "end", env=env) == []
    assert len(cluster.rows("watch", "quality", "--once", "--from", "-1h", env=env)) == len(minutes)
    assert "--campaign" in cluster.run("watch", "quality", "--campaign", "a", "--once", code=2, env=env).stderr
