"""The pinned jars: what they are, fetching them, and refusing what is not what was pinned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from filelock import FileLock

from adclick_cli.errors import DownloadError
from adclick_cli.runtime.maven import Repository
from adclick_cli.settings import Settings, shown

PINS = Path(__file__).with_name("jars.json")
PARALLEL = 4
CHUNK = 1 << 16
TIMEOUT_S = 60.0
ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes that there will be."""


@dataclass(frozen=True)
class Jar:
    """One pinned jar.

    Attributes:
        place: flink/lib, flink/opt or kafka.
        size: bytes.
        sha256: hexadecimal.
    """

    place: str
    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """Its name in the cache and on class paths."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Its path in a Maven repository."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def cache(settings: Settings) -> Path:
    """The folder that jars are kept in."""
    return settings.jar_cache or settings.home / "jars"


def pinned() -> list[Jar]:
    """All jars that adclick needs beyond those in its Python packages."""
    return [Jar(**entry) for entry in json.loads(PINS.read_text(encoding="utf-8"))]


def missing(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those that are not in the cache yet (a file gets its name only after its hash was checked)."""
    return [jar for jar in jars if not (folder / jar.file_name).is_file()]


def altered(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those in the cache that are not what was pinned, by their SHA-256 today."""
    there = [jar for jar in jars if (folder / jar.file_name).is_file()]
    return [jar for jar in there if _sha256(folder / jar.file_name) != jar.sha256]


def fetch(jars: Iterable[Jar], folder: Path, source: Callable[[], Repository], progress: Progress) -> None:
    """Bring every jar into `folder`, resuming what an earlier call left unfinished.

    Args:
        jars: what is wanted.
        folder: the cache; made if it is not there.
        source: called only if something is missing.
        progress: told how far it is.

    Raises:
        DownloadError: a jar cannot be fetched, or is not the one that was pinned (it is removed then).
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not missing(jars, folder):
        return
    with FileLock(folder / ".lock"):
        wanted = missing(jars, folder)
        if not wanted:
            return
        repository = source()
        total = sum(jar.size for jar in wanted)
        done, lock = 0, Lock()

        def advance(count: int) -> None:
            nonlocal done
            with lock:
                done += count
                progress(done, total)

        with ThreadPoolExecutor(PARALLEL) as pool:
            for _ in pool.map(lambda jar: _fetch_one(jar, folder, repository, advance), wanted):
                pass


def _fetch_one(jar: Jar, folder: Path, repository: Repository, advance: Callable[[int], None]) -> None:
    import requests

    part = folder / f"{jar.file_name}.part"
    counted = 0
    for attempt in range(1, ATTEMPTS + 1):
        have = part.stat().st_size if part.exists() else 0
        if have > jar.size:
            part.unlink()
            have = 0
        advance(have - counted)
        counted = have
        if have == jar.size:
            break
        try:
            with requests.get(
                f"{repository.url}/{jar.path}",
                headers={"Range": f"bytes={have}-"} if have else {},
                auth=repository.auth,
                stream=True,
                timeout=TIMEOUT_S,
            ) as answer:
                answer.raise_for_status()
                if have and answer.status_code != requests.codes.partial_content:
                    advance(-counted)
                    counted = have = 0
                with part.open("ab" if have else "wb") as file:
                    for chunk in answer.iter_content(CHUNK):
                        file.write(chunk)
                        counted += len(chunk)
                        advance(len(chunk))
        except (requests.RequestException, OSError) as error:
            if attempt == ATTEMPTS:
                raise DownloadError(
                    f"{jar.file_name} cannot be fetched",
                    shown(f"{type(error).__name__}: {error}"),
                    _mend(error),
                ) from error
    _check(jar, part)
    part.replace(folder / jar.file_name)


def _mend(error: Exception) -> str:
    import requests

    again = "then run it again: it goes on where it stopped."
    if isinstance(error, requests.exceptions.SSLError):
        # What is trusted comes with a Python package, not from this machine.
        return (
            "Where a proxy of your network signs with its own certificate, name the file of trusted ones in"
            f" REQUESTS_CA_BUNDLE (as Debian and Ubuntu keep it: /etc/ssl/certs/ca-certificates.crt), {again}"
        )
    return f"Look at the network and ADCLICK_MAVEN_URL, {again}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _check(jar: Jar, part: Path) -> None:
    found = _sha256(part)
    if found != jar.sha256:
        part.unlink()
        raise DownloadError(
            f"{jar.file_name} is not the file that was pinned; it was removed",
            f"Its SHA-256 is {found}, pinned is {jar.sha256}.",
            "Do not use this repository for it: name another one in ADCLICK_MAVEN_URL.",
        )
