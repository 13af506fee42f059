"""The jar of adclick's Java classes, compiled on this machine and kept by the content of what it is made of.

Neither the repository nor the wheel holds compiled classes. The Eclipse compiler is a plain jar that runs on any Java,
also on one without a compiler of its own. All `.java` files below the shipped folder are compiled together; any other
file there goes into the jar as it is, under the same path.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from adclick_cli import private, resources
from adclick_cli.errors import CompileError

FOLDER = "functions"
PREFIX = "adclick-functions-"
LOCK = ".functions.lock"
MAIN = "org.eclipse.jdt.internal.compiler.batch.Main"
JAVA_VERSION = 17
"""Flink 2.2 runs on Java 17 and 21: classes of 17 load in both."""
LAYOUT = 1
"""Part of the name: raise it where the same sources are to make another jar."""
DEADLINE_S = 300
SHOWN_CHARACTERS = 2_000
_JAVA_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""
_MANIFEST = "META-INF/MANIFEST.MF"


@dataclass(frozen=True)
class Compiler:
    """What turns the sources into classes.

    Attributes:
        java: the Java executable, 17 or newer.
        jar: the Eclipse compiler.
        class_path: Flink's jars.
        flink_version: their version.
        options: further options of the JVM, for example those of a class archive.
    """

    java: Path
    jar: Path
    class_path: tuple[Path, ...]
    flink_version: str
    options: tuple[str, ...] = ()


def sources() -> Path:
    """The folder of the shipped sources.

    Raises:
        AdclickError: the installation is incomplete.
    """
    return resources.folder(FOLDER)


def path(cache: Path, folder: Path, compiler: Compiler) -> Path:
    """Where the jar of these sources is kept; it need not be there.

    Args:
        cache: the folder of jars.
        folder: the sources.
        compiler: its name and Flink's version are part of what is hashed, its class path is not.
    """
    digest = hashlib.sha256(f"{LAYOUT} {JAVA_VERSION} {compiler.flink_version} {compiler.jar.name}\n".encode())
    for name, file in _files(folder):
        content = file.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return cache / f"{PREFIX}{digest.hexdigest()[:16]}.jar"


def provide(cache: Path, compiler: Compiler, log: Path, folder: Path | None = None) -> Path:
    """The jar, compiled if it is not there yet. Where it is, no process is started.

    Args:
        cache: the folder of jars; made if it is not there.
        compiler: used only if the jar is missing.
        log: gets the compiler's words if it fails.
        folder: the sources; those that are shipped unless given.

    Raises:
        CompileError: the sources cannot be compiled.
        AdclickError: the installation is incomplete.
    """
    folder = folder or sources()
    made = path(cache, folder, compiler)
    if made.is_file():
        return made
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FileLock(cache / LOCK):
        # Another process may have made it while this one waited.
        if not made.is_file():
            with tempfile.TemporaryDirectory(dir=cache, prefix=".functions-") as work:
                classes, part = Path(work) / "classes", Path(work) / made.name
                classes.mkdir()
                _compile(compiler, folder, classes, log)
                _pack(part, [*_files(classes), *_resources(folder)])
                part.replace(made)
    return made


def _files(folder: Path) -> list[tuple[str, Path]]:
    """All files below a folder with their paths in it, sorted; what an editor or a system leaves there is left out."""
    found = [
        (file.relative_to(folder).as_posix(), file)
        for file in folder.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]
    return sorted(found)


def _resources(folder: Path) -> list[tuple[str, Path]]:
    return [(name, file) for name, file in _files(folder) if file.suffix != ".java"]


def _compile(compiler: Compiler, folder: Path, classes: Path, log: Path) -> None:
    java_files = [str(file) for name, file in _files(folder) if file.suffix == ".java"]
    command = [str(compiler.java), *_JAVA_OPTIONS, *compiler.options, "-cp", str(compiler.jar), MAIN]
    command += [f"-{JAVA_VERSION}", "-encoding", "UTF-8", "-proc:none", "-nowarn"]
    # Flink names a function's arguments as its source does; a stack trace names lines.
    command += ["-parameters", "-g"]
    command += ["-cp", ":".join(map(str, compiler.class_path)), "-d", str(classes), *java_files]
    try:
        done = subprocess.run(
            command,
            # Nothing of the user's environment belongs here: no option for other JVMs, no secret.
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=DEADLINE_S,
            check=False,
        )
        said, ended = done.stdout.decode(errors="replace"), f"it exited with code {done.returncode}"
        failed = done.returncode != 0
    except subprocess.TimeoutExpired as error:
        said, ended = (error.stdout or b"").decode(errors="replace"), f"it had not ended after {DEADLINE_S} s"
        failed = True
    if failed:
        private.write(log, said + f"\nThe compiler: {ended}.\n")
        raise CompileError(
            "adclick's Java classes cannot be compiled",
            f"The compiler: {ended}.\n{said[-SHOWN_CHARACTERS:]}".rstrip(),
            f"This is a bug of adclick, or {compiler.jar.name} and the jars of Flink do not fit: report it with {log}.",
        )


def _pack(target: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write a jar whose bytes depend on the names and contents of its files alone."""
    entries = {name: file.read_bytes() for name, file in files}
    manifest = entries.pop(_MANIFEST, b"Manifest-Version: 1.0\r\n\r\n")
    # Not deflated: how that comes out depends on the zlib of the machine.
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as jar:
        for name, content in [(_MANIFEST, manifest), *sorted(entries.items())]:
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            jar.writestr(entry, content)
