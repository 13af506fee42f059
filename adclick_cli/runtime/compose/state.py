"""What `docker compose ps` and `docker stats` say, as services."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adclick_cli.runtime.service import ServiceStatus

_MEMORY = re.compile(r"([\d.]+)\s*([KMGT]?)i?B")
_EXIT_CODE = re.compile(r"^(?:Restarting|Exited) \((\d+)\)")
_MIB = {"": 1 / 1_048_576, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1_048_576.0}


@dataclass(frozen=True)
class Container:
    """One container of the project.

    Attributes:
        service: its service in the Compose file.
        name: the container's own name.
        state: Docker's: created, running, restarting, exited, dead, paused.
        health: healthy, unhealthy, starting, or an empty text where nothing is checked.
        exit_code: of a container that exited, once or again and again.
    """

    service: str
    name: str
    state: str
    health: str
    exit_code: int

    @property
    def word(self) -> str:
        """The state as `adclick status` shows it."""
        if self.state != "running":
            return "dead"
        return "running" if self.health in ("healthy", "") else self.health


def containers(printed: str) -> list[Container]:
    """Read `docker compose ps --all --format json` (one array, or one object a line, by Compose's version)."""
    text = printed.strip()
    entries: Iterable[dict[str, Any]]
    entries = json.loads(text) if text.startswith("[") else (json.loads(line) for line in text.splitlines())
    return [
        Container(entry["Service"], entry["Name"], entry["State"], entry.get("Health") or "", _exit_code(entry))
        for entry in entries
    ]


def _exit_code(entry: Mapping[str, Any]) -> int:
    # Of a container that is about to be started again, only the text for people still has it.
    told = _EXIT_CODE.match(entry.get("Status") or "")
    return int(told.group(1)) if told else int(entry.get("ExitCode") or 0)


def memory_mb(printed: str) -> dict[str, int]:
    """Read `docker stats --format '{{.Name}} {{.MemUsage}}'`: MiB in use, by container."""
    found = {}
    for line in printed.splitlines():
        container, _, usage = line.partition(" ")
        match = _MEMORY.match(usage.strip())
        if match:
            found[container] = round(float(match.group(1)) * _MIB[match.group(2)])
    return found


def pids(printed: str) -> dict[str, int]:
    """Read `docker inspect --format '{{.Name}} {{.State.Pid}}'`: the engine's process number, by container."""
    found = {}
    for line in printed.splitlines():
        container, _, pid = line.strip().removeprefix("/").partition(" ")
        if pid.isdigit() and int(pid):
            found[container] = int(pid)
    return found


def status(
    service: str,
    found: Mapping[str, Container],
    memory: Mapping[str, int],
    processes: Mapping[str, int],
    ports: Mapping[str, int],
) -> ServiceStatus:
    """One service; stopped where it has no container."""
    container = found.get(service)
    if container is None:
        return ServiceStatus(service, "stopped", None, 0, dict(ports), "")
    return ServiceStatus(
        service,
        container.word,
        processes.get(container.name),
        memory.get(container.name, 0),
        dict(ports),
        f"docker logs {container.name}",
    )
