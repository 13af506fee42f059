"""The shipped Compose file on a real engine, with stand-in images under the official names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.runtime import functions
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.compose import project
from tests.cluster.conftest import Cluster
from tests.compose.engine import Engine
from tests.compose.times import timed

pytestmark = [pytest.mark.cluster, pytest.mark.compose, pytest.mark.timeout(1800)]

TIMEOUT_S = 180


def _container(engine: Engine, cluster: Cluster, service: str) -> str:
    folder = {"com.docker.compose.service": service, "com.docker.compose.project": _project(cluster)}
    filters = [word for label in folder.items() for word in ("--filter", "label={}={}".format(*label))]
    return engine.docker("ps", "--quiet", *filters).strip()


def _all_containers(engine: Engine, cluster: Cluster) -> str:
    return engine.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={_project(cluster)}")


def _project(cluster: Cluster) -> str:
    return project.name(settings.load(home=cluster.home))


@pytest.mark.long
def test_backfill_with_a_killed_taskmanager_is_proven_right(compose_cluster: Cluster, engine: Engine) -> None:
    with timed("submit"):
        compose_cluster.run("submit")
    container = _container(engine, compose_cluster, "taskmanager")
    with timed("generate 40 min at 100/s"):
        compose_cluster.run("generate", "--backfill", "40m", "--rate", "100", "--phase", "cycle", "--seed", "7")
    # From outside, as the kernel would: the engine's own `kill` counts as a wish, after which nothing is restarted.
    os.kill(int(engine.docker("inspect", "--format", "{{.State.Pid}}", container)), signal.SIGKILL)
    end = time.monotonic() + TIMEOUT_S
    while engine.docker("inspect", "--format", "{{.RestartCount}}", container).strip() == "0":
        assert time.monotonic() < end
        time.sleep(0.2)
    with timed("verify, the TaskManager killed in between"):
        verdict = compose_cluster.json("verify", "--wait", "200s")
    compose_cluster.run("stop")
    assert verdict["ok"], verdict["results"]
    assert verdict["results"]["ctr"]["compared"] > 200
    assert verdict["results"]["alerts"]["compared"] >= 2


def test_the_checkpoints_lie_in_the_volume_of_flinks_user(compose_cluster: Cluster, engine: Engine) -> None:
    container = _container(engine, compose_cluster, "taskmanager")
    owner = engine.docker("exec", container, "stat", "--format", "%U", "/flink-state").strip()
    assert owner == "flink"


def test_a_login_is_for_flinks_user_alone(
    compose_cluster: Cluster, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in compose_cluster.env.items():
        monkeypatch.setenv(name, value)
    runtime = choose(settings.load())
    runtime.keep_secrets("sasl.jaas.config=\\u00e4'\"$x\n")
    for service in ("jobmanager", "taskmanager"):
        container = _container(engine, compose_cluster, service)
        assert engine.docker("exec", container, "stat", "-c", "%U %a", runtime.secrets_path).strip() == "flink 600"
        told = engine.docker("exec", "--user", "flink", container, "cat", runtime.secrets_path)
        assert told == "sasl.jaas.config=\\u00e4'\"$x\n"
    runtime.keep_secrets("")
    folder = runtime.secrets_path.rpartition("/")[0]
    assert engine.docker("exec", container, "ls", "-A", folder).strip() == ""


def test_every_port_is_published_on_the_loopback_address_alone(compose_cluster: Cluster, engine: Engine) -> None:
    for service in ("broker", "jobmanager", "taskmanager"):
        ports = engine.docker(
            "inspect", "--format", "{{json .NetworkSettings.Ports}}", _container(engine, compose_cluster, service)
        )
        for bindings in json.loads(ports).values():
            assert {binding["HostIp"] for binding in bindings or ()} <= {"127.0.0.1"}


def test_containers_have_the_memory_limits_of_the_settings(compose_cluster: Cluster, engine: Engine) -> None:
    for service, megabytes in (("broker", 1024), ("jobmanager", 1792), ("taskmanager", 1600)):
        container = _container(engine, compose_cluster, service)
        assert int(engine.docker("inspect", "--format", "{{.HostConfig.Memory}}", container)) == megabytes * 1024 * 1024


@pytest.fixture
def fresh(compose_cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """Another home on the same engine, with nothing running."""
    home = tmp_path / "home"
    other = {"ADCLICK_KAFKA_PORT": "29092", "ADCLICK_UI_PORT": "28081", "ADCLICK_METRICS": "false"}
    made = Cluster(home, compose_cluster.env | other | {"ADCLICK_HOME": str(home)}, compose_cluster.inside)
    yield made
    made.run("down", "-v", code=None)


def test_an_image_that_is_not_there_is_named_with_its_setting(fresh: Cluster, engine: Engine) -> None:
    failed = fresh.run("up", env={"ADCLICK_FLINK_IMAGE": "flink:0.0.0-none"}, code=1)
    assert "flink:0.0.0-none is not there" in failed.stderr
    assert "ADCLICK_FLINK_IMAGE" in failed.stderr
    pulled = fresh.run("up", env={"ADCLICK_FLINK_IMAGE": "flink:0.0.0-none", "ADCLICK_COMPOSE_PULL": "missing"}, code=1)
    assert "cannot be pulled" in pulled.stderr
    assert "--runtime local" in pulled.stderr
    assert "Traceback" not in pulled.stderr
    assert _all_containers(engine, fresh) == ""


def test_too_little_memory_is_said_before_anything_starts(fresh: Cluster) -> None:
    failed = fresh.run("up", env={"ADCLICK_TASKMANAGER_MEMORY_MB": "9000000"}, code=1)
    assert "too little memory" in failed.stderr
    assert "ADCLICK_TASKMANAGER_MEMORY_MB" in failed.stderr


@pytest.mark.long
def test_a_container_that_needs_more_than_its_limit_is_named(fresh: Cluster, engine: Engine) -> None:
    failed = fresh.run("up", env={"ADCLICK_BROKER_HEAP_MB": "not-a-number"}, code=2)
    assert "broker-heap-mb" in failed.stderr
    failed = fresh.run("up", env={"ADCLICK_BROKER_HEAP_MB": "100000000"}, code=1)
    assert "the broker" in failed.stderr
    assert _all_containers(engine, fresh) == ""


@pytest.mark.long
def test_ctrl_c_leaves_nothing_half_started(fresh: Cluster, engine: Engine) -> None:
    process = subprocess.Popen(
        [*fresh.inside, sys.executable, "-m", "adclick_cli", "up"],
        env={**os.environ, **fresh.env},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        end = time.monotonic() + TIMEOUT_S
        while not _container(engine, fresh, "broker"):
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 130
    finally:
        process.kill()
        process.communicate()
    assert _all_containers(engine, fresh) == ""
    assert not (fresh.home / "runtime").exists()


def test_without_compose_local_is_taken_and_compose_says_what_is_missing(fresh: Cluster, tmp_path: Path) -> None:
    bare = {"DOCKER_CONFIG": str(tmp_path / "nothing")}
    asked = fresh.run("up", env=bare, code=1)
    assert "Docker has no Compose v2" in asked.stderr
    assert "compose plugin" in asked.stderr
    assert fresh.json("status", env=bare | {"ADCLICK_RUNTIME": "auto"})["runtime"] == "local"


def test_an_engine_that_does_not_answer_is_said(fresh: Cluster) -> None:
    gone = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    failed = fresh.run("up", env=gone, code=1)
    assert "no Docker engine answers" in failed.stderr
    assert "--runtime local" in failed.stderr
    assert fresh.json("status", env=gone | {"ADCLICK_RUNTIME": "auto"})["runtime"] == "local"


def _by_hand(cluster: Cluster, engine: Engine) -> tuple[list[str], dict[str, str]]:
    """`docker compose` on the shipped file with plain defaults, and its environment: the jars of this machine."""
    command = ["docker", "compose", "--file", str(project.file()), "--project-name", "by-hand"]
    cache = Path(cluster.env["ADCLICK_JAR_CACHE"])
    own = {"ADCLICK_JAR_CACHE": str(cache), "ADCLICK_FUNCTIONS_JAR": functions.expected(cache).name}
    return command, {**os.environ, **engine.env, **own}


def test_the_file_is_valid_without_adclick(compose_cluster: Cluster, engine: Engine) -> None:
    command, env = _by_hand(compose_cluster, engine)
    checked = subprocess.run([*command, "config", "--quiet"], env=env, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.long
def test_the_file_works_without_adclick(compose_cluster: Cluster, engine: Engine) -> None:
    command, env = _by_hand(compose_cluster, engine)
    try:
        with timed("up --wait with plain defaults, without adclick"):
            up = subprocess.run(
                [*command, "up", "--detach", "--wait", "--pull", "never"],
                env=env,
                capture_output=True,
                text=True,
                timeout=300,
            )
        assert up.returncode == 0, up.stderr
    finally:
        subprocess.run([*command, "down", "--volumes"], env=env, capture_output=True, check=True)
