"""The main job on real processes: up, submit, generate, watch, verify, status, down."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from adclick_cli import schema
from adclick_cli.broker.producer import open_producer
from tests.cluster.conftest import Cluster, make_env

pytestmark = pytest.mark.cluster


def _jobs(cluster: Cluster) -> list[tuple[str, str]]:
    jobs = cluster.json("status")["jobs"]
    return sorted((job["name"], job["state"]) for job in jobs if job["state"] == "RUNNING")


def test_from_events_to_proven_results(cluster: Cluster) -> None:
    other = {f"FLINK_{name}": "/nowhere" for name in ("HOME", "LIB_DIR", "OPT_DIR", "PLUGINS_DIR")}
    cluster.run("submit", "--threshold", "0.5", env=other | {"_FLINK_HOME_DETERMINED": "1"})
    assert _jobs(cluster) == [("adclick anomaly", "RUNNING"), ("adclick ctr", "RUNNING")]

    refused = cluster.run("submit", code=1)
    assert "--replace" in refused.stderr
    assert "adclick ctr is RUNNING" in refused.stderr

    sent = cluster.json("generate", "--phase", "cycle", "--backfill", "30m", "--rate", "40", "--seed", "7")
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
    assert len(finals) == verdict["results"]["ctr"]["compared"]
    only = cluster.rows("watch", "ctr", "--once", "--campaign", "camp-1", "--from", finals[0]["window_end"])
    assert {row["campaign_id"] for row in only} == {"camp-1"}
    assert min(row["window_start"] for row in only) >= finals[0]["window_end"]

    alerts = cluster.rows("watch", "alerts", "--once")
    assert len(alerts) == verdict["results"]["alerts"]["compared"]
    assert {"SPIKE", "DROP"} <= {row["alert_type"] for row in alerts if row["campaign_id"] == "camp-1"}
    assert "camp-1" in cluster.run("watch", "ctr", "--once", "--output", "table").stdout
    assert cluster.run("watch", "engagement", "--once", "--output", "csv").stdout.startswith("window_start,")

    # A second burst after a pause in which every partition fell idle: the windows must not close early.
    cluster.run("generate", "--phase", "normal", "--duration", "15s", "--rate", "20")
    after = cluster.json("verify")
    assert after["ok"], after["results"]

    _a_wrong_row_is_found(cluster)
    cluster.run("stop")
    assert _jobs(cluster) == []


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


def test_a_bounded_run_writes_every_window_and_ends(cluster: Cluster) -> None:
    env = cluster.own_topics("bounded")
    cluster.run("generate", "--backfill", "10m", "--rate", "20", "--duplicates", "0.1", "--orphans", "0.2", env=env)
    jobs = cluster.rows("submit", "--bounded", env=env)
    assert [job["state"] for job in jobs] == ["FINISHED", "FINISHED"]
    verdict = cluster.json("verify", env=env)
    assert verdict["ok"], verdict["results"]
    assert verdict["ledger"]["impressions"]["pending"] == 0
    assert verdict["ledger"]["impressions"]["duplicate"] > 0
    assert verdict["ledger"]["clicks"]["orphan"] > 0


def test_a_refused_statement_shows_flinks_reason_and_the_line(cluster: Cluster) -> None:
    env = cluster.own_topics("nowhere")
    failed = cluster.run("submit", "--bootstrap-servers", "127.0.0.1:1", code=1, env=env)
    assert "127.0.0.1:1" in failed.stderr


def test_the_rendered_script_runs_in_flinks_own_sql_client(cluster: Cluster) -> None:
    home = Path(cluster.json("status")["flink_home"])
    try:
        done = subprocess.run(
            [str(home / "bin" / "sql-client.sh"), "-f", "/dev/stdin"],
            input=cluster.run("render").stdout,
            env={**os.environ, "PATH": cluster.env["PATH"], "FLINK_CONF_DIR": str(home / "conf"), "JAVA_HOME": ""},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "[ERROR]" not in done.stdout
        cluster.json("status", "--wait", "30")
        assert _jobs(cluster) == [("adclick anomaly", "RUNNING"), ("adclick ctr", "RUNNING")]
    finally:
        cluster.run("stop")


def test_a_dead_service_is_seen_and_mended(cluster: Cluster) -> None:
    services = {one["name"]: one for one in cluster.json("status")["services"]}
    os.kill(services["taskmanager"]["pid"], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(services["taskmanager"]["pid"])], 10)
    status = cluster.json("status")
    assert {one["name"]: one["state"] for one in status["services"]}["taskmanager"] == "dead"
    assert "The broker runs already" in cluster.run("up").stderr
    assert cluster.json("status", "--wait", "30")["healthy"]


def test_a_taken_port_names_the_flag_and_nothing_is_left(cluster: Cluster, tmp_path: Path) -> None:
    env = make_env(tmp_path) | {"ADCLICK_KAFKA_PORT": cluster.env["ADCLICK_KAFKA_PORT"]}
    other = Cluster(tmp_path, env)
    failed = other.run("up", code=1)
    assert f"port {env['ADCLICK_KAFKA_PORT']} is taken" in failed.stderr
    assert "--kafka-port" in failed.stderr
    assert [one["state"] for one in other.json("status")["services"]] == ["stopped"] * 4
    other.run("down", "-v")
    assert list(tmp_path.iterdir()) == []
