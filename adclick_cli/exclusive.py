"""One command at a time changes what a home holds: its services, or its jobs.

A lock is a file in the home's `run` folder that the system locks for a process. It is free again when the process ends,
however it ends. Beside it lies a record of the holder, which a waiting command reads for its message.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from adclick_cli import private
from adclick_cli.errors import RuntimeFailure

SERVICES = "up"
"""The lock of whoever starts or stops services: `up`, `down`, the supervisor, the gateway's start."""
JOBS = "jobs"
"""The lock of whoever starts or ends jobs: `submit`, `stop`, `cancel`, `down`. Who takes both takes this one first."""
WAIT_S = 180.0
POLL_S = 0.1

Report = Callable[[str], None]
Release = Callable[[], None]


def folder(home: Path) -> Path:
    """Where the locks lie; a home without this folder has nothing to lock."""
    return home / "run"


def lock_file(home: Path, lock: str) -> Path:
    """The file of a lock; it need not be there."""
    return folder(home).absolute() / f"{lock}.lock"


def taken(home: Path, lock: str) -> bool:
    """Whether some process holds a lock of a home now."""
    path = lock_file(home, lock)
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


@contextmanager
def exclusive(home: Path, lock: str, command: str, report: Report) -> Iterator[Release]:
    """Hold a lock of a home inside; a command that holds it already may take it again.

    Args:
        home: `ADCLICK_HOME`. Where it has no `run` folder, nothing is locked.
        lock: `SERVICES` or `JOBS`.
        command: what the holder is called in the messages of others, for example submit.
        report: told when another command must be waited for.

    Returns:
        A function that gives the lock back early.

    Raises:
        RuntimeFailure: another command still holds the lock after `WAIT_S` seconds.
    """
    if not folder(home).is_dir():
        yield lambda: None
        return
    path = lock_file(home, lock)
    held = FileLock(path, is_singleton=True)
    _acquire(held, path, home, report)
    outermost = held.lock_counter == 1
    if outermost:
        _record(path, command)

    def release() -> None:
        if outermost and held.is_locked:
            _holder_file(path).unlink(missing_ok=True)
            held.release(force=True)

    try:
        yield release
    finally:
        if outermost:
            release()
        else:
            held.release()


def _acquire(held: FileLock, path: Path, home: Path, report: Report) -> None:
    try:
        held.acquire(timeout=0)
        return
    except Timeout:
        report(f"{_holder(path)[0]} is running. Waiting for it to end, at most {WAIT_S:.0f} s …")
    try:
        held.acquire(timeout=WAIT_S, poll_interval=POLL_S)
    except Timeout:
        who, pid = _holder(path)
        raise RuntimeFailure(
            f"{who} is still running",
            f"It changes the cluster or the jobs of {home}. Only one command at a time may do that.",
            "Wait until it has ended, or end it" + (f": `kill {pid}`." if pid else "."),
        ) from None


def _holder_file(path: Path) -> Path:
    return path.with_suffix(".holder.json")


def _record(path: Path, command: str) -> None:
    holder = {"pid": os.getpid(), "born": psutil.Process().create_time(), "command": command}
    private.write(_holder_file(path), json.dumps(holder) + "\n")


def _holder(path: Path) -> tuple[str, int | None]:
    """What to call the holder, and its process id; without one if its record is not there yet or is an older one's."""
    try:
        found = json.loads(_holder_file(path).read_text(encoding="utf-8"))
        pid = int(found["pid"])
        if abs(psutil.Process(pid).create_time() - found["born"]) < 1:
            return f"another `adclick {found['command']}` (pid {pid})", pid
    except (OSError, ValueError, TypeError, KeyError, psutil.Error):
        pass
    return "another adclick command", None
