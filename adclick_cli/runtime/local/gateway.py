"""Flink's SQL Gateway: a warm process that plans what a client sends it over REST.

sql-client is a new JVM for each submission, and spends most of one on loading classes; this one has them
(docs/decisions/0013).
"""

from __future__ import annotations

import os

import requests

from adclick_cli import defaults
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, Layout
from adclick_cli.runtime.service import LocalService
from adclick_cli.settings import Settings

NAME = "gateway"
MAIN = "org.apache.flink.table.gateway.SqlGateway"
HEAP_MB = 384
PROBE_TIMEOUT_S = 2.0


def url(settings: Settings) -> str:
    """Its REST interface, on this machine alone whatever `listen` is: whoever reaches it runs any SQL."""
    return f"http://{defaults.BIND_ADDRESS}:{settings.gateway_port}"


def _answers(settings: Settings) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{url(settings)}/v3/info", timeout=PROBE_TIMEOUT_S).ok
    except requests.RequestException:
        return False


def service(layout: Layout, settings: Settings) -> LocalService:
    """The gateway as a service; ready when its REST interface answers."""
    rest = "sql-gateway.endpoint.rest"
    where = {"address": defaults.BIND_ADDRESS, "bind-address": defaults.BIND_ADDRESS, "port": settings.gateway_port}
    jars = [
        *sorted((layout.flink_home / "lib").glob("*.jar")),
        *(layout.flink_home / "opt").glob("flink-sql-gateway-*"),
    ]
    return LocalService(
        name=NAME,
        command=(
            *layout.service_jvm(
                NAME,
                os.pathsep.join(str(path) for path in jars),
                # It plans a few scripts a day: the second compiler would cost more than it gives.
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                f"-Xmx{HEAP_MB}m",
                *FLINK_JAVA_OPTIONS,
                f"-Dlog4j.configurationFile={layout.flink_logging.as_uri()}",
            ),
            MAIN,
            *(f"-D{rest}.{name}={value}" for name, value in where.items()),
        ),
        ready=lambda: _answers(settings),
        ports={"ADCLICK_GATEWAY_PORT": settings.gateway_port},
        home=layout.home,
        address=defaults.BIND_ADDRESS,
        env={**layout.flink_env, "FLINK_CONF_DIR": str(layout.conf_dir)},
    )
