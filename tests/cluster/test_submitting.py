"""Two commands at once, and one that is killed: the jobs that run are one pair, and the record is theirs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from adclick_cli import submission
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.runtime import service
from adclick_cli.settings import Settings
from adclick_cli.sql import render
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster
DEADLINE_S = 120.0


def _start(cluster: Cluster, env: dict[str, str], *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", "submit", *args],
        env={**os.environ, **cluster.env, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _settings(cluster: Cluster) -> Settings:
    given: dict[str, Any] = {
        name: cluster.env[f"ADCLICK_{name.upper()}"] for name in ("home", "runtime", "kafka_port", "ui_port")
    }
    return Settings(**given)


def _running(rest: FlinkRest) -> list[tuple[str, str]]:
    return [(job.name, rest.parameters(job.id).get(render.MARK, "")) for job in active_jobs(rest)]


def _lines(started: subprocess.Popen[str], wanted: str) -> None:
    """Read what a command says until a line of it holds `wanted`."""
    assert started.stderr is not None
    read = []
    for line in started.stderr:
        read.append(line)
        if wanted in line:
            return
    raise AssertionError("".join(read))


def test_two_submissions_at_once_start_one_pair_of_jobs_and_a_killed_one_leaves_the_record_of_what_runs(
    cluster: Cluster, wait: Callable[[Callable[[], bool]], None]
) -> None:
    env = cluster.own_topics("submitting")
    loaded = _settings(cluster)
    rest = FlinkRest(loaded.flink_rest)
    cluster.run("cancel", env=env)

    first = _start(cluster, env, "--window", "30s")
    _lines(first, "Submitting through")
    second = _start(cluster, env)
    said = [one.communicate(timeout=DEADLINE_S)[1] for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 1), said
    assert f"another `adclick submit` (pid {first.pid}) is running. Waiting" in said[1]
    assert "a submission is there already" in said[1]
    before = submission.current(loaded)
    assert before is not None
    assert before.pipeline.window.seconds == 30
    # What Flink says of the jobs is what the record says.
    assert _running(rest) == [(name, before.fingerprint) for name in render.JOBS]

    killed = _start(cluster, env, "--replace", "--window", "20s", "--via", "sql-client")
    _lines(killed, "Submitting through sql-client")
    wait(lambda: service.sql_client(cluster.home).running() is not None)
    killed.kill()
    killed.communicate(timeout=DEADLINE_S)
    client = service.sql_client(cluster.home).running()
    assert client is not None
    after = submission.current(loaded)
    assert after is not None
    assert after.pipeline.window.seconds == 20
    wait(lambda: service.sql_client(cluster.home).running() is None)
    # It may end before it has submitted; what runs is never anything else than what the record says.
    assert set(_running(rest)) <= {(name, after.fingerprint) for name in render.JOBS}
    cluster.run("cancel", env=env)
    assert _running(rest) == []


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    """Wait for a state that nothing announces."""

    def until(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return until
