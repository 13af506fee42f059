"""One Compose project: its name, its file, its environment, and the command line that speaks of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from adclick_cli import defaults, resources
from adclick_cli.login import LoginSettings
from adclick_cli.runtime import functions, jars
from adclick_cli.settings import Settings, find_default_home

FILE = "docker-compose.yml"
METRICS_FILE = "metrics.yml"
INNER_SERVERS = "broker:19092"
"""The broker's internal listener."""
MOUNTED = ("flink-sql-connector-kafka", "flink-sql-gateway", "zstd-jni")
NO_VALUE = (
    *("home", "runtime", "maven_url", "java_home", "compose_project", "jar_cache"),
    *LoginSettings.model_fields,
)
"""Settings that the Compose file does not know, or knows under another value."""


def name(settings: Settings) -> str:
    """The project's name: `adclick` for the default home, and one of its own for every other home."""
    if settings.compose_project:
        return settings.compose_project
    home, default = settings.home.resolve(), find_default_home()
    if default is not None and home == default.resolve():
        return "adclick"
    return f"adclick-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"


def file() -> Path:
    """The Compose file of this copy of adclick."""
    return resources.folder("compose") / FILE


def command(settings: Settings, *args: str) -> list[str]:
    """`docker compose ARGS` for this project."""
    files = (FILE, METRICS_FILE) if settings.metrics else (FILE,)
    named = [word for one in files for word in ("--file", str(resources.folder("compose") / one))]
    return ["docker", "compose", "--project-name", name(settings), *named, *args]


def environment(settings: Settings) -> Mapping[str, str]:
    """Each setting as the variable that the Compose file reads."""
    given = {
        f"ADCLICK_{field.upper()}": str(getattr(settings, field))
        for field in Settings.model_fields
        if field not in NO_VALUE and getattr(settings, field) is not None
    }
    return {
        **given,
        "ADCLICK_JAR_CACHE": str(jars.cache(settings).resolve()),
        "ADCLICK_KAFKA_CONNECTOR_VERSION": defaults.KAFKA_CONNECTOR_VERSION,
        "ADCLICK_FLINK_VERSION": defaults.FLINK_VERSION,
        "ADCLICK_ZSTD_VERSION": defaults.ZSTD_VERSION,
        "ADCLICK_FUNCTIONS_JAR": functions.expected(jars.cache(settings)).name,
        # Colours and progress bars do not belong into messages.
        "NO_COLOR": "1",
        "COMPOSE_PROGRESS": "plain",
        "COMPOSE_MENU": "0",
    }


def mounted_jars() -> list[jars.Jar]:
    """The pinned jars that the file mounts into Flink's containers."""
    return [jar for jar in jars.pinned() if jar.artifact in MOUNTED]
