"""adclick's Java classes for the Flink that is installed with it: the pinned compiler, on the jars of that Flink."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adclick_cli import defaults
from adclick_cli.functions import jar
from adclick_cli.runtime import jars, maven

COMPILER = "ecj"
"""The Eclipse compiler's name among the pinned jars."""


def compiler(cache: Path, java: Path, flink: Path, options: tuple[str, ...] = ()) -> jar.Compiler:
    """What compiles for this Flink.

    Args:
        cache: the folder of pinned jars.
        java: the Java executable that Flink runs on.
        flink: a folder with Flink's `lib`, for example that of the apache-flink package.
        options: further options of the JVM.
    """
    class_path = tuple(sorted((flink / "lib").glob("*.jar")))
    return jar.Compiler(java, cache / pin().file_name, class_path, defaults.FLINK_VERSION, options)


def log(home: Path) -> Path:
    """Where the compiler's words are if it fails.

    Args:
        home: `ADCLICK_HOME`.
    """
    return home / "logs" / "functions.log"


def pin() -> jars.Jar:
    """The Eclipse compiler among the pinned jars."""
    return next(one for one in jars.pinned() if one.artifact == COMPILER)


def expected(cache: Path) -> Path:
    """Where the jar of these sources, this Flink and this compiler is kept; it need not be there.

    Args:
        cache: the folder of jars.

    Raises:
        AdclickError: the installation is incomplete.
    """
    # Neither Java nor Flink's jars are part of the name.
    return jar.path(cache, jar.sources(), jar.Compiler(Path(), cache / pin().file_name, (), defaults.FLINK_VERSION))


def provide(cache: Path, java: Path, flink: Path, log: Path, options: tuple[str, ...] = ()) -> Path:
    """The jar of adclick's Java classes; compiled if it is not there yet, for which the compiler must be in the cache.

    Args:
        cache, java, flink, options: as `compiler` takes them.
        log: gets the compiler's words if it fails.

    Raises:
        CompileError: the classes cannot be compiled.
        DownloadError: the compiler in the cache is not the file that was pinned.
    """
    found = compiler(cache, java, flink, options)
    if not jar.path(cache, jar.sources(), found).is_file():
        jars.require(pin(), cache)
    return jar.provide(cache, found, log)


def fetched(
    cache: Path,
    java: Path,
    flink: Path,
    repository: Callable[[], maven.Repository],
    log: Path,
    progress: jars.Progress = lambda done, total: None,
    report: Callable[[str], None] = lambda message: None,
) -> Path:
    """The jar of adclick's Java classes; where it is not there yet, the compiler is fetched and makes it.

    Args:
        cache, java, flink: as `compiler` takes them.
        repository: where the compiler comes from; called only if it must be fetched.
        log: gets the compiler's words if it fails.
        progress: told about the download.
        report: told if the cached compiler was altered.

    Raises:
        CompileError: the classes cannot be compiled.
        DownloadError: the compiler cannot be fetched.
    """
    if not expected(cache).is_file():
        jars.fetch([pin()], cache, repository, progress, report)
    return provide(cache, java, flink, log)
