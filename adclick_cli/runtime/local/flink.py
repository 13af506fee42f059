"""The JobManager and the TaskManager, each its own JVM, started without Flink's scripts.

The scripts start two more JVMs only to parse the configuration; config.yaml here holds what those would compute.
"""

from __future__ import annotations

import os

import requests

from adclick_cli import defaults
from adclick_cli.runtime.local import layout as local
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, Layout
from adclick_cli.runtime.service import LocalService
from adclick_cli.settings import Settings

JOBMANAGER = "jobmanager"
TASKMANAGER = "taskmanager"
PROBE_TIMEOUT_S = 2.0


def _java(layout: Layout, *options: str) -> tuple[str, ...]:
    class_path = os.pathsep.join(str(path) for path in sorted((layout.flink_home / "lib").glob("*.jar")))
    logging = layout.conf_dir / "log4j-console.properties"
    return layout.jvm(
        *options,
        *FLINK_JAVA_OPTIONS,
        # The console is the log; the rolling file that this configuration also writes goes nowhere.
        f"-Dlog.file={os.devnull}",
        f"-Dlog4j.configurationFile={logging.as_uri()}",
        "-cp",
        class_path,
    )


def _overview(settings: Settings) -> dict[str, int]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"http://{defaults.BIND_ADDRESS}:{settings.ui_port}/overview", timeout=PROBE_TIMEOUT_S)
            return dict(answer.json()) if answer.ok else {}
    except (requests.RequestException, ValueError):
        return {}


def jobmanager(layout: Layout, settings: Settings) -> LocalService:
    """The JobManager as a service; ready when its REST interface answers."""
    return LocalService(
        name=JOBMANAGER,
        command=(
            *_java(layout, "-XX:+UseSerialGC", "-Xmx512m", "-XX:MaxMetaspaceSize=256m"),
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "--configDir",
            str(layout.conf_dir),
        ),
        ready=lambda: bool(_overview(settings)),
        ports={"--ui-port": settings.ui_port},
        home=layout.home,
        address=defaults.BIND_ADDRESS,
        env={"FLINK_PLUGINS_DIR": str(layout.flink_home / "plugins")},
    )


def taskmanager(layout: Layout, settings: Settings) -> LocalService:
    """The TaskManager as a service; ready when the JobManager counts its slots."""
    heap = local.taskmanager_heap_mb(settings.taskmanager_memory_mb)
    return LocalService(
        name=TASKMANAGER,
        command=(
            *_java(
                layout,
                "-XX:+UseParallelGC",
                f"-Xmx{heap}m",
                f"-XX:MaxDirectMemorySize={local.taskmanager_direct_mb()}m",
                f"-XX:MaxMetaspaceSize={local.METASPACE_MB}m",
            ),
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            "--configDir",
            str(layout.conf_dir),
            f"-Dhigh-availability.zookeeper.client.session-timeout={local.TASKMANAGER_SESSION_MS}",
        ),
        ready=lambda: _overview(settings).get("slots-total", 0) > 0,
        ports={},
        home=layout.home,
        address=defaults.BIND_ADDRESS,
        env={"FLINK_PLUGINS_DIR": str(layout.flink_home / "plugins")},
    )
