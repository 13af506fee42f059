"""The JobManager and the TaskManager, each its own JVM, started without Flink's scripts.

The scripts start two more JVMs only to parse the configuration; config.yaml here holds what those would compute.
"""

from __future__ import annotations

import os

import requests

from adclick_cli import defaults
from adclick_cli.runtime import options
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, TASKMANAGER_SESSION_MS, Layout
from adclick_cli.runtime.service import LocalService
from adclick_cli.settings import Settings

JOBMANAGER = "jobmanager"
TASKMANAGER = "taskmanager"
PROBE_TIMEOUT_S = 2.0
JOBMANAGER_METASPACE_MB = 256
JOBMANAGER_BEYOND_HEAP_MB = 512


def _java(layout: Layout, name: str, *more: str) -> tuple[str, ...]:
    class_path = os.pathsep.join(str(path) for path in sorted((layout.flink_home / "lib").glob("*.jar")))
    logging = f"-Dlog4j.configurationFile={layout.flink_logging.as_uri()}"
    return layout.service_jvm(name, class_path, *more, *FLINK_JAVA_OPTIONS, logging)


def _overview(settings: Settings) -> dict[str, int]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"http://{settings.listen}:{settings.ui_port}/overview", timeout=PROBE_TIMEOUT_S)
            return dict(answer.json()) if answer.ok else {}
    except (requests.RequestException, ValueError, TypeError):
        return {}


def jobmanager(layout: Layout, settings: Settings, pushed: tuple[str, ...] = ()) -> LocalService:
    """The JobManager as a service; ready when its REST interface answers.

    Args:
        layout: where everything is.
        settings: ports and memory.
        pushed: options for its metrics (`runtime.metrics.pushing`).
    """
    return LocalService(
        name=JOBMANAGER,
        command=(
            *_java(
                layout,
                JOBMANAGER,
                "-XX:+UseSerialGC",
                # No event passes through it: the second compiler would cost more than it gives (docs/decisions/0013).
                "-XX:TieredStopAtLevel=1",
                f"-Xmx{settings.jobmanager_memory_mb - JOBMANAGER_BEYOND_HEAP_MB}m",
                f"-XX:MaxMetaspaceSize={JOBMANAGER_METASPACE_MB}m",
            ),
            "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            "--configDir",
            str(layout.conf_dir),
            *pushed,
        ),
        ready=lambda: bool(_overview(settings)),
        ports={"--ui-port": settings.ui_port},
        home=layout.home,
        address=settings.listen,
        env=layout.flink_env,
    )


def taskmanager(layout: Layout, settings: Settings, pushed: tuple[str, ...] = ()) -> LocalService:
    """The TaskManager as a service; ready when the JobManager counts its slots. Arguments as for the JobManager."""
    heap, direct = options.taskmanager_heap_mb(settings.taskmanager_memory_mb), options.taskmanager_direct_mb()
    memory = _memory("-XX:+UseParallelGC", heap, direct, options.METASPACE_MB)
    return _taskmanager(layout, settings, memory, pushed)


def stock_taskmanager(layout: Layout, settings: Settings, pushed: tuple[str, ...] = ()) -> LocalService:
    """One with as much memory, but divided and collected as Flink's own scripts do it where nobody says otherwise."""
    division = options.stock_division(settings.taskmanager_memory_mb)
    memory = _memory("-XX:+UseG1GC", division.heap, division.direct, division.metaspace)
    divided = (f"-D{name}={size}" for name, size in division.options.items())
    return _taskmanager(layout, settings, memory, (*divided, *pushed))


def _memory(collector: str, heap_mb: int, direct_mb: int, metaspace_mb: int) -> tuple[str, ...]:
    return (
        collector,
        f"-Xmx{heap_mb}m",
        f"-XX:MaxDirectMemorySize={direct_mb}m",
        f"-XX:MaxMetaspaceSize={metaspace_mb}m",
    )


def _taskmanager(layout: Layout, settings: Settings, memory: tuple[str, ...], more: tuple[str, ...]) -> LocalService:
    return LocalService(
        name=TASKMANAGER,
        command=(
            *_java(layout, TASKMANAGER, *memory),
            "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
            "--configDir",
            str(layout.conf_dir),
            f"-Dhigh-availability.zookeeper.client.session-timeout={TASKMANAGER_SESSION_MS}",
            *more,
        ),
        ready=lambda: slots(settings) > 0,
        ports={},
        home=layout.home,
        address=defaults.BIND_ADDRESS,
        env=layout.flink_env,
    )


def slots(settings: Settings) -> int:
    """How many slots the JobManager counts; 0 where it does not answer."""
    return _overview(settings).get("slots-total", 0)
