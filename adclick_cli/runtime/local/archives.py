"""Class-data archives: what makes the JVMs here start quickly.

Java maps classes out of such an archive instead of reading, checking and linking them anew (see "Class Data Sharing" in
Java's guide). The base archive holds Java's own classes, which the Java wheel comes without; the sql-client's archive
holds what planning the pipeline needs, the better part of a submission's time. A service's archive holds what it had
loaded when it ended after its first jobs. All are made from the jars, live beside them, and are shared by every
`ADCLICK_HOME`: a class path may move as a whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adclick_cli.runtime.process import inherited

FOLDER = "class-archives"
KEPT_SETS = 3
"""How many sets of archives stay beside the one in use; one takes up to 400 MB."""
QUIET = "-Xlog:cds=off,cds+dynamic=off"
"""An archive that does not fit is left aside, as without one; Java's complaint would end up among a script's output."""


@dataclass(frozen=True)
class Archives:
    """The archives for one Java and one set of jars.

    Attributes:
        folder: where they lie; its name tells Java and jars apart.
        base: Java's own classes, or None where Java has an archive of its own.
    """

    folder: Path
    base: Path | None

    def path(self, name: str) -> Path:
        """The archive of one program; it need not be there yet."""
        return self.folder / f"{name}.jsa"

    def options(self, name: str | None = None) -> tuple[str, ...]:
        """JVM options that use the archive of program `name`, or the base alone."""
        own = [self.path(name)] if name and self.path(name).exists() else []
        used = [str(path) for path in (self.base, *own) if path]
        return ("-Xshare:auto", QUIET, *([f"-XX:SharedArchiveFile={os.pathsep.join(used)}"] if used else []))

    def of_service(self, name: str, class_path: str, home: Path) -> tuple[str, ...]:
        """JVM options that use a service's archive; where there is none, the service writes one when it ends.

        Args:
            name: the service.
            class_path: its own.
            home: `ADCLICK_HOME`; `settle` takes what its services have written.
        """
        files = " ".join(Path(jar).name for jar in class_path.split(os.pathsep))
        full = f"{name}-{hashlib.sha256(files.encode()).hexdigest()[:8]}"
        if self.path(full).exists():
            return self.options(full)
        return (*self.options(), f"-XX:ArchiveClassesAtExit={self.folder / full}{_mark(home)}")

    def train(self, name: str, command: Sequence[str], env: Mapping[str, str], variable: str) -> bool:
        """Make the archive of a program by running it once; True where it is there afterwards.

        Args:
            name: the program.
            command: what to run; the classes that it loads are kept.
            env: added to the environment.
            variable: the variable whose options reach the JVM that is meant.
        """
        part = self.folder / f"{name}.{os.getpid()}.part"
        recording = f"{env.get(variable, '')} -XX:ArchiveClassesAtExit={part}".strip()
        try:
            subprocess.run(
                command,
                env=inherited({**env, variable: recording}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            if part.exists():
                part.replace(self.path(name))
        finally:
            part.unlink(missing_ok=True)
        return self.path(name).exists()


def _mark(home: Path) -> str:
    return f".{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:12]}.part"


def settle(cache: Path, home: Path, *, keep: bool) -> None:
    """Give what a home's services have written at their end its name, or delete it.

    Java writes an archive's first bytes last: one that was cut off is none.

    Args:
        cache: the folder of the jars.
        home: `ADCLICK_HOME`, whose services have ended.
        keep: whether jobs ran; an archive without their classes would be no use, and stay for ever.
    """
    for part in (cache / FOLDER).glob(f"*/*{_mark(home)}"):
        with part.open("rb") as file:
            whole = any(file.read(4))
        if keep and whole:
            part.replace(part.with_name(part.name.removesuffix(_mark(home)) + ".jsa"))
        part.unlink(missing_ok=True)


def _retire(used: Path) -> None:
    """Delete the archives of jars and Javas that were not used for the longest time: each update leaves a set behind.

    A JVM that still runs keeps what it has mapped.
    """
    others = [path for path in used.parent.iterdir() if path.is_dir() and path != used]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT_SETS:]:
        shutil.rmtree(path, ignore_errors=True)


def find(cache: Path, java: Path, class_path: Iterable[Path]) -> Archives:
    """The archives for `java` and these jars; Java's own classes are archived here, if that is not done yet.

    Args:
        cache: the folder of the jars.
        java: the Java executable.
        class_path: the jars; their sizes and times of change decide whether an archive still fits, as Java sees it.
    """
    home = java.parent.parent
    release = home / "release"
    seen = [str(home), release.read_text(encoding="utf-8") if release.exists() else ""]
    for path in sorted(class_path):
        stat = path.stat()
        seen.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns}")
    folder = cache / FOLDER / hashlib.sha256("\n".join(seen).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(folder)
    _retire(folder)
    if list((home / "lib" / "server").glob("classes*.jsa")):
        return Archives(folder, None)
    base = folder / "java.jsa"
    if not base.exists():
        part = folder / f"java.{os.getpid()}.part"
        subprocess.run([str(java), "-Xshare:dump", f"-XX:SharedArchiveFile={part}"], capture_output=True, check=False)
        if not part.exists():
            return Archives(folder, None)
        part.replace(base)
    return Archives(folder, base)
