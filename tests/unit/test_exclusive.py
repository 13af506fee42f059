"""One command at a time changes a home's services, and one its jobs: real locks, through two descriptors."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from adclick_cli import exclusive as locks
from adclick_cli import settings
from adclick_cli.errors import RuntimeFailure
from adclick_cli.exclusive import JOBS, SERVICES, exclusive
from adclick_cli.flink import stopping, submit
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime import process
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.settings import Settings

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / "run").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that must wait gives up at its first look."""
    monkeypatch.setattr(locks, "WAIT_S", 0.0)


@contextmanager
def held(home: Path, lock: str, command: str) -> Iterator[Callable[[], None]]:
    """The lock as another process holds it: a lock of the same file through another descriptor."""
    path = home / "run" / f"{lock}.lock"
    born = psutil.Process().create_time()
    path.with_suffix(".holder.json").write_text(json.dumps({"pid": os.getpid(), "born": born, "command": command}))
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def test_the_second_command_says_whom_it_waits_for_and_goes_on_when_that_one_has_ended(home: Path) -> None:
    told: list[str] = []
    with held(home, JOBS, "submit") as end:

        def tell(message: str) -> None:
            told.append(message)
            end()

        with exclusive(home, JOBS, "stop", tell):
            pass
    assert told == [f"another `adclick submit` (pid {os.getpid()}) is running. Waiting for it to end, at most 180 s …"]


@pytest.mark.usefixtures("at_once")
def test_a_command_that_has_waited_long_enough_is_refused_with_the_holder(home: Path) -> None:
    with held(home, JOBS, "submit"), pytest.raises(RuntimeFailure) as refused, exclusive(home, JOBS, "x", print):
        pass
    assert refused.value.what == f"another `adclick submit` (pid {os.getpid()}) is still running"
    assert str(home) in refused.value.why
    assert f"`kill {os.getpid()}`" in refused.value.mend


@pytest.mark.usefixtures("at_once")
def test_the_record_of_a_holder_that_is_gone_is_not_named(home: Path) -> None:
    with held(home, JOBS, "submit"):
        (home / "run" / "jobs.holder.json").write_text('{"pid": 1, "born": 0.0, "command": "submit"}')
        with pytest.raises(RuntimeFailure, match=r"^another adclick command is still running"):
            exclusive(home, JOBS, "stop", print).__enter__()


@pytest.mark.usefixtures("at_once")
def test_a_command_may_take_its_own_lock_again_and_give_it_back_early(home: Path) -> None:
    path = home / "run" / "jobs.lock"

    def free() -> bool:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    with exclusive(home, JOBS, "submit", print) as release:
        with exclusive(home, JOBS, "submit", print):
            pass
        assert not free()
        release()
        assert free()
    assert free()
    assert not (home / "run" / "jobs.holder.json").exists()


def test_nothing_is_made_in_a_home_that_adclick_does_not_use(tmp_path: Path) -> None:
    with exclusive(tmp_path, JOBS, "cancel", print):
        pass
    assert list(tmp_path.iterdir()) == []


def _submit(settings: Settings) -> None:
    submit.submit(settings, Pipeline(), replace=True, report=print)


def _cancel(settings: Settings) -> None:
    stopping.cancel_all(settings, print)


def _stop(settings: Settings) -> None:
    stopping.stop(settings, print)


def _stop_with_savepoint(settings: Settings) -> None:
    stopping.stop_with_savepoint(settings, 0.0, print)


def _up(settings: Settings) -> None:
    LocalRuntime(settings, lambda *_: None).up(print)


def _down(settings: Settings) -> None:
    LocalRuntime(settings, lambda *_: None).down(delete_data=False, report=print)


@pytest.mark.parametrize(
    ("other", "lock", "command"),
    [
        ("submit", JOBS, _submit),
        ("submit", JOBS, _stop),
        ("submit", JOBS, _stop_with_savepoint),
        ("submit", JOBS, _cancel),
        ("submit", JOBS, _down),
        ("up", SERVICES, _down),
        ("down", SERVICES, _up),
        ("down", JOBS, _submit),
    ],
)
@pytest.mark.usefixtures("at_once")
def test_a_command_beside_another_one_changes_nothing(
    home: Path, other: str, lock: str, command: Callable[[Settings], None]
) -> None:
    process.save(home / "run" / "broker.json", process.Process(os.getpid(), 0.0, {}))
    with held(home, lock, other), pytest.raises(RuntimeFailure, match=f"another `adclick {other}`"):
        command(settings.load(runtime="local"))
    # Whatever ends a service deletes its record.
    assert (home / "run" / "broker.json").exists()
    assert not (home / "flink").exists()


def test_a_remote_clusters_jobs_are_locked_by_the_home_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_S", 0.0)
    with held(home, JOBS, "submit"), pytest.raises(RuntimeFailure, match="another `adclick submit`"):
        _submit(settings.load(flink_url="http://127.0.0.1:1"))


def test_a_supervisor_is_not_started_for_a_cluster_that_was_stopped_meanwhile(home: Path) -> None:
    with pytest.raises(RuntimeFailure, match="the cluster was stopped before its supervisor could be started"):
        LocalRuntime(settings.load(runtime="local"), lambda *_: None).supervise(True, print)
    assert not (home / "run" / "supervisor.json").exists()
