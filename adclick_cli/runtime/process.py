"""Processes that adclick started: their records, whether they live, and ending them.

A process is known by its id and its time of birth together, so that a number the system gave to somebody else is never
taken for ours.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from adclick_cli import private
from adclick_cli.errors import PortTakenError
from adclick_cli.login import SECRETS

STOP_GRACE_S = 10.0
POLL_S = 0.02
SECRET_VARIABLES = frozenset(f"ADCLICK_{name.upper()}" for name in SECRETS)


@dataclass(frozen=True)
class Process:
    """One process of ours.

    Attributes:
        pid: its id.
        born: psutil's creation time, seconds since the epoch.
        ports: the ports it listens on, by the name of their setting.
    """

    pid: int
    born: float
    ports: dict[str, int]

    def alive(self) -> bool:
        """Whether this very process runs."""
        found = self._find()
        return found is not None and found.status() != psutil.STATUS_ZOMBIE

    def resident_mb(self) -> int:
        """Resident memory in MiB; 0 where it does not run."""
        found = self._find()
        try:
            return 0 if found is None else round(found.memory_info().rss / 1_048_576)
        except psutil.NoSuchProcess:
            return 0

    def stop(self) -> None:
        """End it: a request first, force after ten seconds. Harmless where it does not run."""
        found = self._find()
        if found is None:
            return
        try:
            found.terminate()
            if not self._ends():
                found.kill()
                self._ends()
        except psutil.NoSuchProcess:
            return

    def kill(self) -> None:
        """End it by force, and return when it is gone (SIGKILL)."""
        found = self._find()
        if found is not None:
            try:
                found.kill()
                self._ends()
            except psutil.NoSuchProcess:
                return

    def pause(self) -> None:
        """Let it stand still (SIGSTOP)."""
        found = self._find()
        if found is not None:
            found.suspend()

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        found = self._find()
        if found is not None:
            found.resume()

    def _ends(self) -> bool:
        """Whether it ends in time, with all its threads: as long as one of them is there, ports and files are held.

        What has ended stays in the system's table until its parent looks, which may take seconds in a container.
        """
        deadline = time.monotonic() + STOP_GRACE_S
        while not self._has_ended():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _has_ended(self) -> bool:
        found = self._find()
        try:
            # The first thread may be a zombie while others are still ending: those of a JVM take their time.
            return found is None or (found.status() == psutil.STATUS_ZOMBIE and found.num_threads() <= 1)
        except psutil.NoSuchProcess:
            return True

    def _find(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            return found if abs(found.create_time() - self.born) < 1 else None
        except psutil.NoSuchProcess:
            return None


def inherited(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that adclick starts: its own without the secrets in it, and `env`."""
    kept = {name: value for name, value in os.environ.items() if name.upper() not in SECRET_VARIABLES}
    return {**kept, **env}


def spawn(command: Sequence[str], env: Mapping[str, str], log: Path, ports: dict[str, int]) -> Process:
    """Start a process in a session of its own; all it prints goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as file:
        log.chmod(0o600)
        started = subprocess.Popen(
            command,
            env=inherited(env),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=private.UMASK,
        )
    _children.append(started)
    return Process(started.pid, psutil.Process(started.pid).create_time(), ports)


_children: list[subprocess.Popen[bytes]] = []
"""Kept so that Python does not warn about children that are meant to outlive it."""


def exit_code(process: Process) -> int | None:
    """The exit code of a process that this very program started and that has ended."""
    for child in _children:
        if child.pid == process.pid:
            return child.poll()
    return None


def save(path: Path, process: Process) -> None:
    """Write a record."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(json.dumps(asdict(process)) + "\n", encoding="utf-8")


def load(path: Path) -> Process | None:
    """Read a record; None where there is none, or half a one."""
    try:
        found = Process(**json.loads(path.read_text(encoding="utf-8")))
        return Process(
            int(found.pid), float(found.born), {str(name): int(port) for name, port in dict(found.ports).items()}
        )
    except (FileNotFoundError, ValueError, TypeError):
        return None


def require_free(port: int, address: str, flag: str) -> None:
    """Check that nobody listens on a port.

    Raises:
        PortTakenError: somebody does; the message names the port, its owner where it can be seen, and the flag.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise PortTakenError(
                    f"port {port} may not be used",
                    "This system keeps it for root, as a rule all below 1024.",
                    f"Choose another port with {flag}.",
                ) from error
            if error.errno == errno.EADDRNOTAVAIL:
                raise PortTakenError(
                    f"nobody can listen at {address}",
                    "It is no address of this machine.",
                    "Give --listen one of its own.",
                ) from error
            raise PortTakenError(
                f"port {port} is taken",
                _owner(port) or str(error),
                f"End that program, or choose another port with {flag}.",
            ) from error


def _owner(port: int) -> str:
    try:
        for connection in psutil.net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                owner = psutil.Process(connection.pid)
                return f"Process {owner.pid} ({owner.name()}) listens there."
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""
