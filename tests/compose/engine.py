"""A Docker engine of the tests' own, in a network namespace of its own: its ports clash with nobody's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from tests.compose.tools import Tools, Unavailable, run

MOST_AT_ONCE = 4
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 30.0

# Brings the loopback interface of this process's network namespace up (SIOCSIFFLAGS), then becomes the command given.
_LOOPBACK_THEN = """\
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    fcntl.ioctl(probe, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
os.execvp(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Engine:
    """A running dockerd.

    Attributes:
        tools: where the programs are.
        process: the daemon.
        folder: its sockets and run-time files.
        lock: held on its images and volumes while it runs.
    """

    tools: Tools
    process: subprocess.Popen[bytes]
    folder: Path
    lock: BaseFileLock

    @property
    def env(self) -> dict[str, str]:
        """Variables under which `docker` and `docker compose` talk to this engine."""
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(self.tools.root / "usr" / "bin")])
        return {
            "DOCKER_HOST": f"unix://{self.folder / 'docker.sock'}",
            "DOCKER_CONFIG": str(self.tools.config),
            "PATH": path,
        }

    @property
    def inside(self) -> tuple[str, ...]:
        """The start of a command line that runs where the engine's published ports are."""
        return ("nsenter", f"--net=/proc/{self.process.pid}/ns/net", "--")

    def docker(self, *args: str | Path) -> str:
        """`docker ARGS`: what it printed."""
        return run(["docker", *args], env=self.env)

    def answers(self) -> bool:
        """Whether the daemon answers."""
        try:
            return bool(self.docker("version", "--format", "{{.Server.Version}}").strip())
        except Unavailable:
            return False

    def clear(self) -> None:
        """Remove what a run that was killed left behind; the images stay."""
        containers = self.docker("ps", "--all", "--quiet").split()
        if containers:
            self.docker("rm", "--force", "--volumes", *containers)
        self.docker("volume", "prune", "--force")
        self.docker("network", "prune", "--force")
        self.docker("image", "prune", "--force")

    def stop(self) -> None:
        """End the daemon and what it started."""
        if self.answers():
            self.clear()
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def _data_root(cache: Path) -> tuple[Path, BaseFileLock]:
    """A folder of images and volumes that no other run uses now; a daemon shares it with nobody."""
    for number in range(1, MOST_AT_ONCE + 1):
        lock = FileLock(cache / f"data-{number}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        return cache / f"data-{number}", lock
    raise Unavailable(f"{MOST_AT_ONCE} engines of other runs are at work here")


def start(tools: Tools, folder: Path) -> Engine:
    """Start a daemon and wait until it answers.

    Args:
        tools: the programs; images and volumes are kept in their cache.
        folder: for sockets and logs; a short path, or the sockets' names grow too long.

    Raises:
        Unavailable: it does not come up; with the end of its log.
    """
    log = folder / "dockerd.log"
    data, lock = _data_root(tools.cache)
    options = {
        "--data-root": data,
        "--exec-root": folder / "exec",
        "--pidfile": folder / "dockerd.pid",
        "--host": f"unix://{folder / 'docker.sock'}",
    }
    words = [str(word) for option in options.items() for word in option]
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["unshare", "--net", "--", sys.executable, "-c", _LOOPBACK_THEN, "dockerd", *words],
            env={**os.environ, **tools.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    engine = Engine(tools, process, folder, lock)
    deadline = time.monotonic() + START_DEADLINE_S
    while not engine.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            engine.stop()
            raise Unavailable(f"dockerd did not come up: {log.read_text(errors='replace')[-800:]}")
        time.sleep(0.1)
    engine.clear()
    return engine
