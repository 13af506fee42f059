"""The broker: Kafka in KRaft mode, broker and controller in one JVM."""

from __future__ import annotations

import base64
import os
import subprocess
import uuid

from adclick_cli import defaults, private
from adclick_cli.broker import admin
from adclick_cli.errors import RuntimeFailure
from adclick_cli.runtime import jars, options, process
from adclick_cli.runtime.local.layout import QUIET_LOG4J, Layout
from adclick_cli.runtime.service import LocalService
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

NAME = "broker"

_LOG4J = f"""\
{QUIET_LOG4J}logger.server.name = kafka.server
logger.server.level = INFO
"""


def service(layout: Layout, settings: Settings, controller_port: int) -> LocalService:
    """The broker as a service; its storage is formatted on the first call.

    Raises:
        RuntimeFailure: the storage cannot be formatted.
    """
    folder = layout.kafka_dir
    folder.mkdir(exist_ok=True, mode=0o700)
    properties = folder / "server.properties"
    properties.write_text(_properties(layout, settings, controller_port), encoding="utf-8")
    logging = folder / "log4j2.properties"
    logging.write_text(_LOG4J, encoding="utf-8")
    heap = f"-Xmx{settings.broker_heap_mb}m"
    options = ("-XX:+UseSerialGC", heap, f"-Dlog4j2.configurationFile={logging}")
    if not (folder / "data" / "meta.properties").exists():
        _format(layout.jvm(*options, "-cp", _class_path(layout)), str(properties))
    return LocalService(
        name=NAME,
        command=(*layout.service_jvm(NAME, _class_path(layout), *options), "kafka.Kafka", str(properties)),
        ready=lambda: admin.answers(Servers(f"{settings.listen}:{settings.kafka_port}")),
        ports={"--kafka-port": settings.kafka_port},
        home=layout.home,
        address=settings.listen,
    )


def _class_path(layout: Layout) -> str:
    # Kafka logs through slf4j; the three log4j jars of Flink's own lib are one set that fits together.
    logging = sorted((layout.flink_home / "lib").glob("log4j-*.jar"))
    kafka = [layout.jars / jar.file_name for jar in jars.pinned() if "kafka" in jar.places]
    return os.pathsep.join(str(path) for path in (*logging, *kafka))


def cluster_id() -> str:
    """A random id as Kafka writes them: 22 characters of base64url, the first no hyphen (it would look like a flag)."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _format(java: tuple[str, ...], properties: str) -> None:
    done = subprocess.run(
        [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", properties],
        env=process.inherited({}),
        umask=private.UMASK,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeFailure(
            "the broker's storage cannot be formatted", (done.stdout + done.stderr).strip(), "Try `adclick down -v`."
        )


def _properties(layout: Layout, settings: Settings, controller_port: int) -> str:
    address, inner = settings.listen, defaults.BIND_ADDRESS
    written = {
        **options.BROKER,
        "controller.quorum.voters": f"1@{inner}:{controller_port}",
        "listeners": f"PLAINTEXT://{address}:{settings.kafka_port},CONTROLLER://{inner}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{address}:{settings.kafka_port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": layout.kafka_dir / "data",
    }
    return "".join(f"{name}={value}\n" for name, value in written.items())
