"""The set-up: packages, jars, the files of the home."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

import psutil

from adclick_cli import defaults, private
from adclick_cli.doctor.finding import Finding
from adclick_cli.errors import RuntimeFailure
from adclick_cli.functions.jar import PREFIX
from adclick_cli.runtime import compiled, functions, jars, maven, memory
from adclick_cli.runtime.local import layout
from adclick_cli.runtime.service import ServiceStatus
from adclick_cli.settings import Settings

CLASSES = "classes"
NAMED = 3
"""So many files are named; the rest is counted."""


def examine(settings: Settings, services: Sequence[ServiceStatus], progress: jars.Progress) -> list[Finding]:
    """Everything about the set-up but the config files; nothing is changed."""
    pinned = jars.pinned()
    return [
        packages(),
        cached_jars(settings, pinned, progress),
        modes(settings),
        records(settings, services),
        flink_home(settings, pinned),
        *classes(settings, services, progress),
    ]


def packages() -> Finding:
    """Whether the installed Flink is the one that jars and images are pinned for."""
    wanted, series = defaults.FLINK_VERSION, defaults.KAFKA_CONNECTOR_VERSION.rpartition("-")[2]
    there = metadata.version("apache-flink")
    what = f"apache-flink {there}; the jars are for {wanted}, the Kafka connector for {series}."
    if there == wanted and there.startswith(f"{series}."):
        return Finding("Flink", "ok", what)
    return Finding("Flink", "wrong", what, f"Install apache-flink=={wanted}: pip install apache-flink=={wanted}")


def cached_jars(settings: Settings, pinned: list[jars.Jar], progress: jars.Progress) -> Finding:
    """Whether the pinned jars are there, byte for byte."""
    folder = jars.cache(settings)

    def fetch() -> None:
        # Also a file whose contents changed with no trace in its size and times: `fetch` alone would trust it.
        for jar in jars.altered(pinned, folder):
            (folder / jar.file_name).unlink()
        jars.fetch(pinned, folder, lambda: maven.repository(settings.maven_url), progress)

    wrong = jars.altered(pinned, folder)
    if wrong:
        what = f"Not the pinned file, by its SHA-256: {_some([jar.file_name for jar in wrong])}."
        mend = "`adclick doctor --fix` removes and fetches; see who may write to the folder."
        return Finding("jars", "wrong", what, mend, fetch)
    missing = jars.missing(pinned, folder)
    if missing:
        what = f"{len(missing)} of {len(pinned)} pinned jars are not there yet."
        return Finding("jars", "warning", what, "`adclick up` fetches them, and so does `adclick doctor --fix`.", fetch)
    return Finding("jars", "ok", f"All {len(pinned)} pinned jars are there, each with its SHA-256.")


def modes(settings: Settings) -> Finding:
    """Whether the files of the home are their owner's alone."""
    home = settings.home
    if not home.is_dir():
        return Finding("files", "ok", f"{home} is not there yet; `adclick up` makes it.")
    try:
        memory.move_in(settings)
    except RuntimeFailure as error:
        return Finding("files", "wrong", f"{error.what}. {error.why}", error.mend)
    # Containers read the jars as another user; their folder is closed.
    open_ones = [path for path in private.wide(home) if path.parent != home / memory.JARS]
    if not open_ones:
        return Finding("files", "ok", f"Nobody but the owner can read what is in {home}.")
    names = [str(path.relative_to(home.parent)) for path in open_ones]
    what = f"Others may read or write {_some(names)} in {home.parent}."
    return Finding(
        "files", "wrong", what, f"chmod -R go= {home}, or `adclick doctor --fix`.", _each(private.close, open_ones)
    )


def records(settings: Settings, services: Sequence[ServiceStatus]) -> Finding:
    """Whether every recorded process lives."""
    dead = [service for service in services if service.state == "dead"]
    if not dead:
        return Finding("processes", "ok", "Every process that was started and not stopped runs.")
    names = ", ".join(service.name for service in dead)
    if any(service.state == "running" for service in services):
        what = f"Dead: {names}. Other services run."
        return Finding("processes", "wrong", what, "`adclick up` starts it again; `adclick logs` says why it ended.")
    paths = [settings.home / "run" / f"{service.name}.json" for service in dead]

    def forget() -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        memory.forget_ports(settings)

    what = f"Records of processes that are gone: {names}. Nothing runs."
    return Finding(
        "processes", "warning", what, "`adclick up` starts them, `adclick doctor --fix` forgets them.", forget
    )


def flink_home(settings: Settings, pinned: list[jars.Jar]) -> Finding:
    """Whether the links of the local runtime's FLINK_HOME lead where they should."""
    home, cache = settings.home / "flink", jars.cache(settings)
    if not home.is_dir():
        return Finding("FLINK_HOME", "ok", "There is none yet; the local runtime's `adclick up` makes it.")
    try:
        broken = layout.broken_links(home, cache, pinned)
    except RuntimeFailure as error:
        return Finding("FLINK_HOME", "wrong", error.what, error.mend)
    if not broken:
        return Finding("FLINK_HOME", "ok", f"All links of {home} lead where they should.")
    what = f"Links that are missing or lead nowhere: {_some([path.name for path in broken])}."
    mend = "`adclick up` lays them anew, and so does `adclick doctor --fix`."
    return Finding("FLINK_HOME", "warning", what, mend, lambda: layout.link_flink(home, cache, pinned))


def classes(settings: Settings, services: Sequence[ServiceStatus], progress: jars.Progress) -> list[Finding]:
    """Whether the FLINK_HOME, and what was started from it, has the jar of adclick's classes of these sources."""
    home, cache = settings.home / "flink", jars.cache(settings)
    if not home.is_dir():
        return []
    wanted = functions.expected(cache)
    there = sorted(path.name for path in (home / "lib").glob(f"{PREFIX}*.jar") if path.exists())
    if there != [wanted.name]:
        found = f"{_some(there)} instead" if there else "none"
        what = f"{home / 'lib'} should hold {wanted.name}, and holds {found}."

        def link() -> None:
            made = compiled.obtain(settings, progress)
            layout.link_flink(home, cache, jars.pinned(), made)

        mend = "`adclick up` compiles and links it, and so does `adclick doctor --fix`."
        return [Finding(CLASSES, "warning", what, mend, link)]
    old = [one.name for one in services if one.pid is not None and _started_with_another(one.pid, wanted.name)]
    if old:
        what = f"Started with classes of another adclick, and still running: {', '.join(old)}."
        return [Finding(CLASSES, "warning", what, "`adclick down`, which keeps data and jobs, then `adclick up`.")]
    return [Finding(CLASSES, "ok", f"{wanted.name} is among the jars of {home}.")]


def _started_with_another(pid: int, wanted: str) -> bool:
    """Whether a process has a jar of adclick's classes on its class path that is not the wanted one."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    named = {Path(one).name for word in words if PREFIX in word for one in word.split(os.pathsep)}
    return any(name.startswith(PREFIX) and name != wanted for name in named)


def _each(what: Callable[..., None], paths: Sequence[object]) -> Callable[[], None]:
    def all_of_them() -> None:
        for path in paths:
            what(path)

    return all_of_them


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
