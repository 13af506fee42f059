"""The store that tells a new JobManager which jobs there are and which checkpoint is their newest.

Flink's distribution brings ZooKeeper along, so this costs no jar: one small JVM, on 127.0.0.1 alone
(docs/decisions/0020).
"""

from __future__ import annotations

import os
import socket

from adclick_cli import defaults
from adclick_cli.runtime.local.layout import QUIET_LOG4J, TASKMANAGER_SESSION_MS, Layout
from adclick_cli.runtime.service import LocalService

NAME = "zookeeper"
MAIN = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain"
TICK_MS = 1000
PROBE_TIMEOUT_S = 1.0

_LOG4J = f"""\
{QUIET_LOG4J}logger.sessions.name = org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServer
logger.sessions.level = INFO
"""


def service(layout: Layout, port: int) -> LocalService:
    """ZooKeeper as a service; ready when it says that it serves."""
    folder = layout.home / NAME
    folder.mkdir(exist_ok=True, mode=0o700)
    configuration = folder / "zoo.cfg"
    configuration.write_text(_configuration(str(folder / "data"), port), encoding="utf-8")
    logging = folder / "log4j2.properties"
    logging.write_text(_LOG4J, encoding="utf-8")
    lib = layout.flink_home / "lib"
    jars = sorted([*lib.glob("flink-dist-*.jar"), *lib.glob("log4j-*.jar")])
    return LocalService(
        name=NAME,
        command=(
            *layout.service_jvm(
                NAME,
                os.pathsep.join(str(path) for path in jars),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                f"-Dlog4j2.configurationFile={logging}",
            ),
            MAIN,
            str(configuration),
        ),
        ready=lambda: serves(port),
        ports={},
        home=layout.home,
        address=defaults.BIND_ADDRESS,
    )


def _configuration(data: str, port: int) -> str:
    options = {
        "dataDir": data,
        "clientPort": port,
        "clientPortAddress": defaults.BIND_ADDRESS,
        "tickTime": TICK_MS,
        "maxSessionTimeout": TASKMANAGER_SESSION_MS,
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "srvr",
        # What it keeps is small and is written all the time: without this the old logs stay for ever.
        "autopurge.purgeInterval": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in options.items())


def serves(port: int) -> bool:
    """Whether ZooKeeper answers its own question after its health."""
    try:
        with socket.create_connection((defaults.BIND_ADDRESS, port), PROBE_TIMEOUT_S) as link:
            link.sendall(b"srvr")
            return link.recv(64).startswith(b"Zookeeper version")
    except OSError:
        return False
