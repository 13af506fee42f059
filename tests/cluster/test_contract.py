"""What every runtime owes: the same commands give the same on local processes and in containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adclick_cli.runtime.local.layout import free_port
from adclick_cli.runtime.service import NAMES
from tests import observability
from tests.cluster.conftest import LOOK_AGAIN_S, Cluster
from tests.cluster.test_interactive import _read_until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]

TIMEOUT_S = 180
CLUSTER = (*NAMES, "zookeeper")
FLINKS = ("JOBMANAGER", "TASKMANAGER")


def _states(cluster: Cluster) -> dict[str, str]:
    return {one["name"]: one["state"] for one in cluster.json("status")["services"]}


def _states_of_rows(cluster: Cluster, env: dict[str, str]) -> set[str]:
    return {row["state"] for row in cluster.rows("watch", "ctr", "--once", env=env)}


@contextmanager
def _watching(cluster: Cluster, env: dict[str, str]) -> Iterator[int]:
    """The file descriptor of what a watch prints without a terminal: a line of JSON for each change of a row."""
    process = subprocess.Popen(
        [*cluster.inside, sys.executable, "-m", "adclick_cli", "watch", "ctr"],
        env={**os.environ, **cluster.env, **env},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.fileno()
    finally:
        process.kill()
        process.communicate()


def _active(cluster: Cluster) -> list[str]:
    return sorted(job["name"] for job in cluster.rows("jobs") if job["state"] == "RUNNING")


def scraped(cluster: Cluster) -> set[str]:
    """The names of all metrics at both endpoints, asked from where the cluster's ports are."""
    code = "import sys, urllib.request as r; print(*(r.urlopen(url).read().decode() for url in sys.argv[1:]))"
    urls = [f"http://127.0.0.1:{cluster.env[f'ADCLICK_METRICS_{name}_PORT']}/metrics" for name in FLINKS]
    done = subprocess.run([*cluster.inside, sys.executable, "-c", code, *urls], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return observability.names_in(done.stdout)


def test_status_tells_services_ports_and_topics(any_cluster: Cluster) -> None:
    status = any_cluster.json("status", "--wait", "60")
    assert status["healthy"]
    assert status["runtime"] == any_cluster.env["ADCLICK_RUNTIME"]
    assert [service["name"] for service in status["services"] if service["name"] in NAMES] == list(NAMES)
    for service in status["services"]:
        assert service["state"] == "running"
        assert service["pid"] > 0
        assert service["memory_mb"] > (50 if service["name"] in CLUSTER else 20)
        assert service["log"]
    asked_for = [service for service in status["services"] if service["name"] != "gateway"]
    ports = {flag: port for service in asked_for for flag, port in service["ports"].items()}
    assert ports == {
        "--kafka-port": int(any_cluster.env["ADCLICK_KAFKA_PORT"]),
        "--ui-port": int(any_cluster.env["ADCLICK_UI_PORT"]),
        **{name: int(port) for name, port in any_cluster.env.items() if name.startswith("ADCLICK_METRICS_")},
    }
    assert {"ad-impressions", "ad-clicks", "ctr_results", "engagement_results", "anomaly_alerts"} <= set(
        status["topics"]
    )


@pytest.mark.long_on_compose
def test_up_is_harmless_where_all_runs(any_cluster: Cluster) -> None:
    before = {one["name"]: one["pid"] for one in any_cluster.json("status")["services"]}
    # Nor does it start anything anew for a setting that has changed since.
    said = any_cluster.run("up", env={"ADCLICK_TASK_SLOTS": "3"}).stderr
    assert f"Runtime: {any_cluster.env['ADCLICK_RUNTIME']}. " in said
    for name in NAMES:
        assert f"The {name} runs already." in said
    assert {one["name"]: one["pid"] for one in any_cluster.json("status")["services"]} == before


def test_the_runtime_is_remembered_without_a_flag(any_cluster: Cluster) -> None:
    unset = {"ADCLICK_RUNTIME": "auto"}
    status = any_cluster.json("status", env=unset)
    assert status["runtime"] == any_cluster.env["ADCLICK_RUNTIME"]
    assert status["healthy"]
    other = {"local": "compose", "compose": "local"}[any_cluster.env["ADCLICK_RUNTIME"]]
    if other == "local":
        refused = any_cluster.run("up", "--runtime", other, code=1)
        assert "runs on the compose runtime already" in refused.stderr
        assert "adclick down --runtime compose" in refused.stderr


@pytest.mark.long_on_local
def test_from_submit_to_proven_results(any_cluster: Cluster) -> None:
    env = any_cluster.own_topics("contract")
    # By adclick's own classes: they have to be wherever Flink runs.
    asked = ("--threshold", "0.5", "--window", "4s", "--attribution", "5s")
    any_cluster.run("submit", *asked, env=env)
    try:
        assert _active(any_cluster) == ["adclick anomaly", "adclick ctr"]
        refused = any_cluster.run("submit", code=1, env=env)
        assert "--replace" in refused.stderr
        # Watched while they come: windows of four seconds are not live for long.
        with _watching(any_cluster, env) as rows:
            any_cluster.run("generate", "--backfill", "20m", "--rate", "20", "--seed", "7", env=env)
            _read_until(rows, b'"LIVE"')
        verdict = any_cluster.json("verify", "--wait", "120s", env=env)
        assert verdict["ok"], verdict["results"]
        assert verdict["results"]["ctr"]["compared"] > 0
        # By now the jobs run, have committed and have been measured: what the dashboard and the rules name is there.
        assert observability.names_used() - scraped(any_cluster) == set()
        assert {"LIVE"} | _states_of_rows(any_cluster, env) == {"LIVE", "FINAL"}
        # Nothing comes any more, and the last windows close all the same.
        end = time.monotonic() + TIMEOUT_S
        while any_cluster.json("verify", env=env)["ledger"]["impressions"]["pending"]:
            assert time.monotonic() < end
            time.sleep(LOOK_AGAIN_S)
        verdict = any_cluster.json("verify", env=env)
        assert verdict["ok"], verdict["results"]
        for name in ("impressions", "clicks"):
            assert verdict["ledger"][name]["heartbeat"] > 0
            assert verdict["ledger"][name]["late"] == 0
    finally:
        any_cluster.run("stop")
    assert _active(any_cluster) == []


@pytest.mark.long
def test_a_bounded_run_ends_by_itself(any_cluster: Cluster) -> None:
    env = any_cluster.own_topics("contract-bounded")
    shares = ("--late", "0.1", "--malformed", "0.05", "--duplicates", "0.1", "--orphans", "0.2")
    any_cluster.run("generate", "--backfill", "5m", "--rate", "20", *shares, env=env)
    jobs = any_cluster.rows("submit", "--bounded", env=env)
    assert [job["state"] for job in jobs] == ["FINISHED", "FINISHED"]
    verdict = any_cluster.json("verify", env=env)
    assert verdict["ok"], verdict["results"]
    assert verdict["ledger"]["impressions"]["pending"] == 0
    for topic, kinds in (("impressions", ("duplicate", "malformed")), ("clicks", ("orphan",))):
        assert all(verdict["ledger"][topic][kind] > 0 for kind in kinds)


def test_a_broker_that_is_not_there_is_said(any_cluster: Cluster) -> None:
    failed = any_cluster.run("submit", "--bootstrap-servers", "127.0.0.1:1", code=1)
    assert "no Kafka broker answers at 127.0.0.1:1" in failed.stderr


def test_logs_of_one_service_of_all_and_of_none(any_cluster: Cluster) -> None:
    one = any_cluster.run("logs", "jobmanager", "--tail", "5").stdout.splitlines()
    assert 0 < len(one) <= 5
    assert not any(line.startswith("jobmanager") for line in one)
    everything = any_cluster.run("logs", "--tail", "3").stdout.splitlines()
    assert {line.split("|")[0].strip() for line in everything} >= set(NAMES)
    unknown = any_cluster.run("logs", "nobody", code=2)
    assert all(name in unknown.stderr for name in NAMES)


def test_logs_follow_until_ctrl_c(any_cluster: Cluster) -> None:
    process = subprocess.Popen(
        [*any_cluster.inside, sys.executable, "-m", "adclick_cli", "logs", "taskmanager", "-f", "--tail", "1"],
        env={**os.environ, **any_cluster.env},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 130
    finally:
        process.kill()
        process.wait()


@pytest.mark.long_on_compose
def test_down_keeps_the_data_and_up_finds_them(any_cluster: Cluster) -> None:
    topics = any_cluster.json("status")["topics"]
    any_cluster.run("down")
    assert set(_states(any_cluster).values()) == {"stopped"}
    again = any_cluster.run("up", env={"ADCLICK_RUNTIME": "auto"})
    assert f"Runtime: {any_cluster.env['ADCLICK_RUNTIME']}. This home's cluster" in again.stderr
    assert any_cluster.json("status")["topics"] == topics


@pytest.mark.long_on_compose
def test_a_killed_taskmanager_is_there_again_after_up(any_cluster: Cluster) -> None:
    killed = next(one for one in any_cluster.json("status")["services"] if one["name"] == "taskmanager")["pid"]
    os.kill(killed, signal.SIGKILL)
    end = time.monotonic() + TIMEOUT_S
    while _pid(any_cluster) == killed:
        assert time.monotonic() < end
        time.sleep(0.2)
    if any_cluster.env["ADCLICK_RUNTIME"] == "local":
        assert _states(any_cluster)["taskmanager"] == "dead"
    assert "The broker runs already" in any_cluster.run("up").stderr
    assert any_cluster.json("status", "--wait", "60")["healthy"]


def _pid(cluster: Cluster) -> int | None:
    services = cluster.json("status")["services"]
    found: int | None = next(one for one in services if one["name"] == "taskmanager")["pid"]
    return found


@pytest.mark.long_on_compose
def test_a_taken_port_names_the_flag_and_nothing_is_left(
    any_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("other-home")
    own = {"ADCLICK_HOME": str(home), "ADCLICK_UI_PORT": str(free_port("127.0.0.1"))}
    other = Cluster(home, any_cluster.env | own, any_cluster.inside)
    failed = other.run("up", code=1)
    assert f"port {any_cluster.env['ADCLICK_KAFKA_PORT']} is taken" in failed.stderr
    assert "--kafka-port" in failed.stderr
    assert set(_states(other).values()) == {"stopped"}
    other.run("down", "-v")
    assert list(home.iterdir()) == []
