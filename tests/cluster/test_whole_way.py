"""The main job on real processes: up, submit, generate, watch, verify, status, down."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition

from adclick_cli import schema
from adclick_cli.broker.admin import admin_client, topic_offsets
from adclick_cli.broker.producer import open_producer
from adclick_cli.schema import IMPRESSION
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster


def _jobs(cluster: Cluster) -> list[tuple[str, str]]:
    jobs = cluster.json("status")["jobs"]
    return sorted((job["name"], job["state"]) for job in jobs if job["state"] == "RUNNING")


def test_from_events_to_proven_results(cluster: Cluster) -> None:
    other = {f"FLINK_{name}": "/nowhere" for name in ("HOME", "LIB_DIR", "OPT_DIR", "PLUGINS_DIR")}
    cluster.run("submit", "--threshold", "0.5", "--via", "sql-client", env=other | {"_FLINK_HOME_DETERMINED": "1"})
    assert _jobs(cluster) == [("adclick anomaly", "RUNNING"), ("adclick ctr", "RUNNING")]

    refused = cluster.run("submit", code=1)
    assert "--replace" in refused.stderr
    assert "adclick ctr is RUNNING" in refused.stderr

    # Phases that begin with a window: a change in the midst of one is spread over two, and may raise no alert.
    start = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(minutes=30)
    asked = ("--start", start.isoformat(), "--duration", "30m", "--rate", "40", "--seed", "7")
    sent = cluster.json("generate", "--phase", "cycle", *asked)
    verdict = cluster.json("verify")
    assert verdict["ok"]
    for name in ("ctr", "engagement"):
        assert verdict["results"][name]["compared"] > 0
    for topic in ("impressions", "clicks"):
        classes = dict(verdict["ledger"][topic])
        assert classes.pop("raw") == sum(classes.values())
        assert sum(classes.values()) - classes["heartbeat"] == sent[topic]

    rows = cluster.rows("watch", "ctr", "--once")
    assert {row["state"] for row in rows} == {"LIVE", "FINAL"}
    assert all(tuple(row) == (*schema.CTR.field_names, "state") for row in rows)
    finals = [row for row in rows if row["state"] == "FINAL"]
    # Meanwhile another window may have become final.
    assert len(finals) >= verdict["results"]["ctr"]["compared"]
    only = cluster.rows("watch", "ctr", "--once", "--campaign", "camp-1", "--from", finals[0]["window_end"])
    assert {row["campaign_id"] for row in only} == {"camp-1"}
    assert min(row["window_start"] for row in only) >= finals[0]["window_end"]

    alerts = cluster.rows("watch", "alerts", "--once")
    assert len(alerts) >= verdict["results"]["alerts"]["compared"]
    assert {"SPIKE", "DROP"} <= {row["alert_type"] for row in alerts if row["campaign_id"] == "camp-1"}, alerts
    assert "camp-1" in cluster.run("watch", "ctr", "--once", "--output", "table").stdout
    assert cluster.run("watch", "engagement", "--once", "--output", "csv").stdout.startswith("window_start,")

    # A second burst after a pause in which every partition fell idle: the windows must not close early.
    cluster.run("generate", "--phase", "normal", "--duration", "15s", "--rate", "20")
    after = cluster.json("verify")
    assert after["ok"], after["results"]

    _a_wrong_row_is_found(cluster)
    _rows_of_deleted_events_are_not_judged(cluster, after)
    cluster.run("stop")
    assert _jobs(cluster) == []


def _rows_of_deleted_events_are_not_judged(cluster: Cluster, before: dict[str, Any]) -> None:
    first, last = topic_offsets(cluster.servers, IMPRESSION.default_topic)[0]
    with admin_client(cluster.servers) as admin:
        admin.delete_records({TopicPartition(IMPRESSION.default_topic, 0): (first + last) // 4})
    found = cluster.json("verify")
    assert found["ok"], found["results"]
    (gone,) = found["deleted"]
    assert (gone["topic"], gone["partition"], gone["messages"]) == ("impressions", 0, (first + last) // 4)
    for name in ("ctr", "engagement"):
        judged, beyond = found["results"][name]["compared"], found["results"][name]["beyond_retention"]
        assert judged
        assert beyond
        # The wrong row is older than every event that remains. Meanwhile another window may have become final.
        assert judged + beyond >= before["results"][name]["compared"] + (name == "ctr")
        assert found["results"][name]["differences"] == []
    assert found["results"]["alerts"]["compared"] == before["results"]["alerts"]["compared"]


def _a_wrong_row_is_found(cluster: Cluster) -> None:
    row = (
        b'{"window_start":"2020-01-01T00:00:00Z","window_end":"2020-01-01T00:01:00Z","campaign_id":"ghost",'
        b'"impression_count":1,"click_count":0,"ctr":0.0}'
    )
    producer = open_producer(cluster.servers)
    producer.send(schema.CTR.default_topic, b"ghost", row)
    producer.close()
    found = cluster.run("verify", "--wait", "0s", "--output", "table", code=3)
    assert "ghost 2020-01-01T00:00:00Z is unexpected" in found.stderr


@pytest.mark.long
def test_the_rendered_script_runs_in_flinks_own_sql_client(cluster: Cluster, tmp_path: Path) -> None:
    home = Path(cluster.json("status")["flink_home"])
    try:
        done = subprocess.run(
            [str(home / "bin" / "sql-client.sh"), "-f", "/dev/stdin"],
            input=cluster.run("render").stdout,
            env={
                **os.environ,
                "PATH": cluster.env["PATH"],
                "FLINK_CONF_DIR": str(home / "conf"),
                "FLINK_LOG_DIR": str(tmp_path),
                "JAVA_HOME": "",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "[ERROR]" not in done.stdout
        end = time.monotonic() + 30
        while len(_jobs(cluster)) < 2 and time.monotonic() < end:
            time.sleep(0.2)
        assert _jobs(cluster) == [("adclick anomaly", "RUNNING"), ("adclick ctr", "RUNNING")], done.stderr
    finally:
        cluster.run("stop")
