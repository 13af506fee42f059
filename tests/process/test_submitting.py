"""What a submission that was killed leaves behind: a free lock, and a sql-client that somebody must end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from adclick_cli import settings
from adclick_cli.errors import AlreadyRunningError
from adclick_cli.exclusive import JOBS, exclusive
from adclick_cli.flink import own
from adclick_cli.runtime import process
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import SQL_CLIENT

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "run").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def sleeper() -> Iterator[process.Process]:
    """A process that would go on."""
    with subprocess.Popen(["sleep", "60"]) as started:
        yield process.Process(started.pid, psutil.Process(started.pid).create_time(), {})
        started.kill()


def test_a_killed_holder_leaves_the_lock_free(home: Path) -> None:
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        with exclusive(home, JOBS, "submit", print):
            os.write(writes, b"x")
            signal.pause()
        os._exit(0)
    os.read(reads, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told: list[str] = []
    with exclusive(home, JOBS, "stop", told.append):
        pass
    assert told == []


def test_down_ends_the_sql_client_that_a_killed_submit_has_left(home: Path, sleeper: process.Process) -> None:
    process.save(home / "run" / f"{SQL_CLIENT}.json", sleeper)
    LocalRuntime(settings.load(runtime="local"), lambda *_: None).down(delete_data=False, report=print)
    assert not sleeper.alive()


def test_a_sql_client_that_still_submits_is_refused_by_name_and_ended_by_replace(
    home: Path, sleeper: process.Process
) -> None:
    loaded = settings.load(runtime="local")
    process.save(home / "run" / f"{SQL_CLIENT}.json", sleeper)
    with pytest.raises(AlreadyRunningError) as refused:
        own.require_no_sql_client(loaded)
    assert f"sql-client (pid {sleeper.pid})" in refused.value.why
    own.end_sql_client(loaded, print)
    assert not sleeper.alive()
    own.require_no_sql_client(loaded)
