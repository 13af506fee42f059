"""A service: something that is started, becomes ready, is stopped and has a log. A runtime is services in order."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from adclick_cli import defaults
from adclick_cli.errors import RuntimeFailure
from adclick_cli.runtime import process

Report = Callable[[str], None]
NAMES = ("broker", "jobmanager", "taskmanager")
"""The services that every runtime has, in the order in which they become ready; one may have more."""
SQL_CLIENT = "sql-client"
POLL_S = 0.1
LOG_TAIL_LINES = 15


@dataclass(frozen=True)
class ServiceStatus:
    """One service as it is now.

    Attributes:
        name: for example broker.
        state: running, stopped (not started, or stopped on purpose) or dead (started, and gone by itself); in a
            container also starting or unhealthy.
        pid: the process (the engine's number, where it runs in a container), or None.
        memory_mb: resident memory in MiB.
        ports: by setting.
        log: path of its log, or the command that prints it.
    """

    name: str
    state: str
    pid: int | None
    memory_mb: int
    ports: dict[str, int]
    log: str


@dataclass(frozen=True)
class SqlClient:
    """How to run Flink's sql-client.

    Attributes:
        command: sql-client with its own options.
        env: added to the environment.
        from_stdin: whether the script comes in by standard input; else `-f` and its path stand behind the command.
    """

    command: tuple[str, ...]
    env: dict[str, str]
    from_stdin: bool = False


class Runtime(Protocol):
    """What brings the cluster to life. Compose and local differ only behind this."""

    name: str

    @property
    def flink_servers(self) -> str:
        """The broker as Flink's processes reach it, `host:port`."""

    @property
    def secrets_path(self) -> str:
        """Where Flink's processes find the file of `keep_secrets`."""

    @property
    def flink_home(self) -> str:
        """Where a FLINK_HOME is that other scripts can be run from."""

    def up(self, report: Report) -> None:
        """Start what does not run, and return when all is healthy."""

    def supervise(self, wanted: bool, report: Report) -> None:
        """See to it that what dies is started again until `down`, or do so no more."""

    def down(self, *, delete_data: bool, report: Report) -> None:
        """Stop everything; with `delete_data` also delete all but the jars."""

    def services(self) -> list[ServiceStatus]:
        """The services as they are now."""

    def logs(self, service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
        """Lines of the logs, each with its service's name in front where several are shown."""

    def keep_secrets(self, text: str) -> None:
        """Give Flink's processes, and nobody else, what their Kafka clients log in with; an empty text takes it away.

        Args:
            text: `security.java_file`.
        """

    def gateway(self, report: Report) -> str:
        """The address of a SQL Gateway that submits to this runtime's cluster; it is started where it does not run."""

    def sql_client_command(self, report: Report) -> SqlClient:
        """How to run sql-client against this runtime."""


@dataclass
class LocalService:
    """A service that is one process on this machine.

    Attributes:
        name: its name in records, logs and messages.
        command: what to run.
        ready: whether it answers as it should; asked again and again.
        ports: port by the flag that sets it.
        home: `ADCLICK_HOME`.
        address: where it listens.
        env: added to the environment.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    ports: dict[str, int]
    home: Path
    address: str
    env: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """Its log."""
        return self.home / "logs" / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """The record of its process."""
        return self.home / "run" / f"{self.name}.json"

    def running(self) -> process.Process | None:
        """Its process, if it lives."""
        found = process.load(self.record)
        return found if found and found.alive() else None

    def start(self) -> bool:
        """Start it unless it runs; True where it was started.

        Raises:
            PortTakenError: somebody else has one of its ports.
        """
        if self.running():
            return False
        for flag, port in self.ports.items():
            process.require_free(port, self.address, flag)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        process.save(self.record, process.spawn(self.command, self.env, self.log, self.ports))
        return True

    def wait_ready(self, deadline: float) -> None:
        """Wait until it is ready.

        Args:
            deadline: in seconds of `time.monotonic()`.

        Raises:
            RuntimeFailure: its process ended, or it is not ready in time; with the tail of its log.
        """
        while True:
            known = process.load(self.record)
            if known is None or not known.alive():
                code = process.exit_code(known) if known else None
                what = f"the {self.name} exited" + (f" with code {code}" if code is not None else "")
                raise RuntimeFailure(what, self.tail(), f"See all of it with `adclick logs {self.name}`.")
            if self.ready():
                return
            if time.monotonic() > deadline:
                raise RuntimeFailure(
                    f"the {self.name} is not ready in time", self.tail(), f"See more with `adclick logs {self.name}`."
                )
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop it. Harmless where it does not run."""
        known = process.load(self.record)
        if known:
            known.stop()
        self.record.unlink(missing_ok=True)

    def status(self) -> ServiceStatus:
        """The service as it is now."""
        known = process.load(self.record)
        alive = known is not None and known.alive()
        state = "running" if alive else "dead" if known else "stopped"
        return ServiceStatus(
            self.name,
            state,
            known.pid if known and alive else None,
            known.resident_mb() if known and alive else 0,
            dict(self.ports),
            str(self.log),
        )

    def tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The last lines of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def sql_client(home: Path) -> LocalService:
    """A sql-client that submits for a home, known by its record: it goes on where adclick is killed."""
    return LocalService(SQL_CLIENT, (), lambda: False, {}, home, defaults.BIND_ADDRESS)


def own_service(name: str, arguments: Sequence[str], home: Path, env: Mapping[str, str] | None = None) -> LocalService:
    """A command of adclick itself as a service beside the cluster: it listens nowhere, and is ready as it runs.

    Args:
        name: its name.
        arguments: the command.
        home: `ADCLICK_HOME`.
        env: added to the environment.
    """
    return LocalService(
        name=name,
        command=(sys.executable, "-m", "adclick_cli", *arguments),
        ready=lambda: True,
        ports={},
        home=home,
        address=defaults.BIND_ADDRESS,
        env={**(env or {}), "ADCLICK_HOME": str(home)},
    )
