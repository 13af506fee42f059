"""One broker, JobManager and TaskManager for each worker of a run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from adclick_cli import settings
from adclick_cli.runtime import process as processes
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local.layout import free_port
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.process import Process
from adclick_cli.security import Servers
from tests.cluster import in_process
from tests.compose import stand_ins, tools
from tests.compose.engine import Engine
from tests.compose.engine import start as start_engine
from tests.compose.times import timed
from tests.lanes import COMPOSE, lane

TIMEOUT_S = 600
PROOF_S = 150
LOOK_AGAIN_S = 1.0
"""Between two runs of `verify`: each takes the processor from the jobs that it waits for."""
IN_PROCESS = frozenset(
    {
        *("cancel", "config", "doctor", "generate", "jobs", "render"),
        *("replay", "savepoints", "status", "stop", "verify", "watch"),
    }
)
"""Commands that start and end no process of the cluster."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """On one of the runtimes a test may be long whose other run says the same."""
    runtime = "compose" if "compose" in item.keywords else "local"
    if f"long_on_{runtime}" in item.keywords:
        item.add_marker(pytest.mark.long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's jobs end with it: they would take the next tests' slots and hide what failed first."""
    report = yield
    if report.when == "call" and report.failed:
        for found in (item.funcargs.get("cluster"), item.funcargs.get("any_cluster")):
            if isinstance(found, Cluster):
                found.run("cancel", code=None)
    return report


@dataclass(frozen=True)
class Cluster:
    """A running cluster and the command line that talks to it."""

    home: Path
    env: dict[str, str]
    inside: tuple[str, ...] = ()

    @property
    def servers(self) -> Servers:
        """Its broker."""
        return Servers(f"127.0.0.1:{self.env['ADCLICK_KAFKA_PORT']}")

    def run(
        self, *args: str, code: int | None = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`adclick ARGS`; fails unless it exits with `code` (None takes any).

        A command of `IN_PROCESS` runs inside the test's process: that saves a second of processor time each time.
        """
        own = {**os.environ, **self.env, **(env or {})}
        if args[0] in IN_PROCESS and not self.inside:
            done = in_process.run(args, own)
        else:
            done = subprocess.run(
                [*self.inside, sys.executable, "-m", "adclick_cli", *args],
                env=own,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                stdin=subprocess.DEVNULL,
            )
        assert code is None or done.returncode == code, (
            f"adclick {args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done

    def json(self, *args: str, env: Mapping[str, str] | None = None) -> Any:
        """The one JSON object that a command prints."""
        return json.loads(self.run(*args, "--output", "json", env=env).stdout)

    def rows(self, *args: str, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """The JSON lines that a command prints."""
        return [json.loads(line) for line in self.run(*args, "--output", "json", env=env).stdout.splitlines()]

    def prove(self, env: Mapping[str, str], impressions: int, clicks: int = 0) -> dict[str, Any]:
        """Wait until so many events are counted and every row is right; returns what `verify` says then.

        Heartbeats close the last window some seconds after the last event: until then no row must be there.
        """
        end = time.monotonic() + PROOF_S
        while True:
            done = self.run("verify", "--output", "json", code=None, env=env)
            verdict: dict[str, Any] = json.loads(done.stdout)
            ledger = verdict["ledger"]
            counted = ledger["impressions"]["counted"] >= impressions and ledger["clicks"]["valid"] >= clicks
            if done.returncode == 0 and counted:
                return verdict
            assert time.monotonic() < end, done.stdout + done.stderr
            time.sleep(LOOK_AGAIN_S)

    def own_topics(self, name: str) -> dict[str, str]:
        """Settings that give a test topics of its own."""
        return {
            f"ADCLICK_{setting.upper()}": f"{name}-{spec.default}".replace("_", "-")
            for setting, spec in settings.Settings.model_fields.items()
            if setting.startswith("topic_")
        }


def process(cluster: Cluster, name: str) -> Process:
    """A service of a local cluster, as the operating system knows it."""
    runtime = choose(settings.load(home=cluster.home, runtime="local"))
    assert isinstance(runtime, LocalRuntime)
    found = runtime.process(name)
    assert found is not None
    return found


def without_java(folder: Path) -> str:
    """A PATH on which every `java` but adclick's own fails: nothing may use one that happens to be installed."""
    trap = folder / "java"
    if not trap.exists():
        folder.mkdir(parents=True, exist_ok=True)
        trap.write_text('#!/bin/sh\necho "the machine\'s own java was called" >&2\nexit 99\n')
        trap.chmod(0o755)
    return os.pathsep.join((str(folder), os.environ["PATH"]))


def make_env(home: Path) -> dict[str, str]:
    """Settings of a cluster of its own: free ports, the jars of the user's own cache, no Java but adclick's."""
    return {
        "PATH": without_java(home.parent / f"{home.name}-trap"),
        "JAVA_HOME": "",
        # Whatever engine this machine has: the tests of Compose ask for theirs.
        "ADCLICK_RUNTIME": "local",
        "ADCLICK_HOME": str(home),
        "ADCLICK_JAR_CACHE": str(settings.load().jar_cache or settings.default_home() / "jars"),
        "ADCLICK_KAFKA_PORT": str(free_port("127.0.0.1")),
        "ADCLICK_UI_PORT": str(free_port("127.0.0.1")),
        "ADCLICK_GATEWAY_PORT": str(free_port("127.0.0.1")),
        "ADCLICK_CHECKPOINT_INTERVAL": "2s",
    }


def metrics_env() -> dict[str, str]:
    """Settings that switch Flink's metrics on, at free ports."""
    ports = {f"ADCLICK_METRICS_{name}_PORT": str(free_port("127.0.0.1")) for name in ("JOBMANAGER", "TASKMANAGER")}
    return {"ADCLICK_METRICS": "true", **ports}


def _kill_services(home: Path) -> None:
    """End a local cluster by force. Asked to end, each service first writes a class archive, which nobody will use."""
    for record in (home / "run").glob("*.json"):
        if (found := processes.load(record)) is not None:
            found.kill()


_STARTED: list[Cluster] = []


@pytest.fixture(scope="module", autouse=True)
def _no_job_is_left() -> Iterator[None]:
    """The jobs of a file end with it, whichever of its tests were chosen: the next file finds free slots."""
    yield
    for one in _STARTED:
        if any(job["state"] in ("RUNNING", "RESTARTING", "CREATED") for job in one.rows("jobs")):
            one.run("cancel")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The session's cluster. A gateway saves a Java start a submission; tests of sql-client say `--via sql-client`."""
    home = tmp_path_factory.mktemp("home")
    made = Cluster(home, make_env(home) | metrics_env() | {"ADCLICK_VIA": "gateway"})
    try:
        made.run("up")
        _STARTED.append(made)
        yield made
    finally:
        _STARTED.clear()
        _kill_services(home)


_LANE = ExitStack()
"""What the tests of Compose share; it ends with the last of them, not with the run: idle services take time, too."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """End what the tests of Compose share behind the last of them."""
    yield
    if lane(item.nodeid) == COMPOSE and (nextitem is None or lane(nextitem.nodeid) != COMPOSE):
        _LANE.close()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A Docker engine of this run's own with the stand-in images; skipped, with the reason, where there can be none."""
    folder = Path(mkdtemp(prefix="adclick-"))
    _LANE.callback(shutil.rmtree, folder, ignore_errors=True)
    try:
        with timed("engine, Compose and stand-in images"):
            started = start_engine(tools.prepare(), folder)
            _LANE.callback(started.stop)
            stand_ins.build(started)
    except tools.Unavailable as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Docker engine of the tests' own: {error}")
    return started


@pytest.fixture(scope="session")
def compose_cluster(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster of the tests of Compose; at its end nothing of it may be left on the engine."""
    home = tmp_path_factory.mktemp("compose-home")
    env = make_env(home)
    own = {"ADCLICK_RUNTIME": "compose", "ADCLICK_COMPOSE_PULL": "never"}
    made = Cluster(home, env | metrics_env() | engine.env | own, engine.inside)
    _LANE.callback(_end, made, engine)
    with timed("up"):
        made.run("up")
    return made


def _end(made: Cluster, engine: Engine) -> None:
    with timed("down -v"):
        made.run("down", "-v")
    assert engine.docker("volume", "ls", "--quiet") == ""
    assert engine.docker("ps", "--all", "--quiet") == ""
    assert list(made.home.iterdir()) == []


@pytest.fixture(
    scope="session",
    params=["cluster", pytest.param("compose_cluster", marks=pytest.mark.compose)],
    ids=["local", "compose"],
)
def any_cluster(request: pytest.FixtureRequest) -> Cluster:
    """Each runtime's cluster in turn: what a test asks of one it asks of all."""
    found: Cluster = request.getfixturevalue(request.param)
    return found
