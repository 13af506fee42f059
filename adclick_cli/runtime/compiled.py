"""The jar of adclick's Java classes for a Flink that does not run on this machine's FLINK_HOME."""

from __future__ import annotations

from pathlib import Path

from adclick_cli import private
from adclick_cli.runtime import functions, jars, maven
from adclick_cli.runtime.local.layout import find_java, flink_package
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings


def obtain(settings: Settings, progress: jars.Progress, report: Report = lambda message: None) -> Path:
    """The jar in the cache, compiled if it is not there yet; only then the compiler is needed, and fetched.

    Args:
        settings: the settings.
        progress: told about downloads.
        report: told if the cached compiler was altered.

    Raises:
        CompileError: the classes cannot be compiled.
        DownloadError: the compiler cannot be fetched or is not the pinned one.
        RuntimeFailure: Java or the apache-flink package is missing.
    """
    cache = jars.cache(settings)
    made = functions.expected(cache)
    if made.is_file():
        return made
    log, java, flink = functions.log(settings.home), find_java(settings), flink_package()
    return functions.fetched(cache, java, flink, lambda: maven.repository(settings.maven_url), log, progress, report)


def write(settings: Settings, path: Path, progress: jars.Progress, report: Report) -> None:
    """Write a copy of the jar for the user, to bring it to a Flink of theirs.

    Args:
        settings: the settings.
        path: the file; what was there before is replaced.
        progress: told about downloads.
        report: told what was written.

    Raises:
        CompileError, DownloadError, RuntimeFailure: as for `obtain`.
        ParameterError: the file cannot be written.
    """
    made = obtain(settings, progress, report)
    private.write_for_user("jar", path, made.read_bytes())
    report(f"Wrote {path} ({made.name})")
