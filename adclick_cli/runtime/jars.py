"""The pinned jars: what they are, fetching them, and refusing what is not what was pinned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from filelock import FileLock

from adclick_cli import private
from adclick_cli.errors import DownloadError
from adclick_cli.runtime.maven import Repository
from adclick_cli.settings import Settings, shown

PINS = Path(__file__).with_name("jars.json")
CHECKED = "checked.json"
"""Beside the jars: by file name the SHA-256 that was computed, and the file's state at that time."""
PARALLEL = 4
CHUNK = 1 << 16
TIMEOUT_S = 60.0
ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes that there will be."""

Report = Callable[[str], None]


def _silent(message: str) -> None:
    pass


@dataclass(frozen=True)
class Jar:
    """One pinned jar.

    Attributes:
        places: where it belongs: flink/lib, flink/opt, kafka (the broker's class path), functions (what compiles them).
        size: bytes.
        sha256: hexadecimal.
    """

    places: tuple[str, ...]
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
    entries = json.loads(PINS.read_text(encoding="utf-8"))
    return [Jar(**entry | {"places": tuple(entry["places"])}) for entry in entries]


def missing(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those that are not in the cache yet."""
    return [jar for jar in jars if not (folder / jar.file_name).is_file()]


def altered(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those in the cache that are not what was pinned, by their SHA-256 today."""
    there = [jar for jar in jars if (folder / jar.file_name).is_file()]
    return [jar for jar in there if _sha256(folder / jar.file_name) != jar.sha256]


def changed(jars: Iterable[Jar], folder: Path) -> list[Jar]:
    """Those in the cache that are not what was pinned; a file that has not changed since its last check is not read.

    Hashing all jars takes 0.2 s and more. So the SHA-256 of each file is kept with the file's size and times at the
    moment of the check. A different size or time, or no record, means that the file is read.
    """
    known = _checked(folder)
    found: dict[str, list[object]] = {}
    wrong = []
    for jar in jars:
        path = folder / jar.file_name
        try:
            # Before the file is read: what changes meanwhile is read again the next time.
            state = _state(path)
        except FileNotFoundError:
            continue
        entry = known.get(jar.file_name)
        if not isinstance(entry, list) or entry[1:] != state:
            entry = found[jar.file_name] = [_sha256(path), *state]
        if entry[0] != jar.sha256:
            wrong.append(jar)
    if found:
        _keep_checked(folder, known | found)
    return wrong


def require(jar: Jar, folder: Path) -> None:
    """Check a jar that is in the cache, for a caller that does not fetch.

    Raises:
        DownloadError: it is not the file that was pinned.
    """
    if changed([jar], folder):
        raise DownloadError(
            f"{jar.file_name} is not the file that was pinned",
            f"The file in {folder} has changed since it was fetched.",
            "`adclick doctor --fix` removes it and fetches it again; see who may write to the folder.",
        )


def _state(path: Path) -> list[object]:
    """Size and times, ns; the time of the last status change cannot be set by hand."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _checked(folder: Path) -> dict[str, object]:
    """What `changed` has kept; nothing where the record is missing or damaged."""
    try:
        return dict(json.loads((folder / CHECKED).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _keep_checked(folder: Path, checked: dict[str, object]) -> None:
    # A cache that may only be read is checked by its contents each time.
    with suppress(OSError):
        private.write(folder / CHECKED, json.dumps(checked, indent=1) + "\n")


def fetch(
    jars: Iterable[Jar],
    folder: Path,
    source: Callable[[], Repository],
    progress: Progress,
    report: Report = _silent,
) -> None:
    """Bring every jar into `folder`, resuming what an earlier call left unfinished; what was altered is replaced.

    Args:
        jars: what is wanted.
        folder: the cache; made if it is not there.
        source: called only if something must be fetched.
        progress: told how far it is.
        report: told which jars were altered.

    Raises:
        DownloadError: a jar cannot be fetched, or is not the one that was pinned (it is removed then).
    """
    jars = list(jars)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _wanted(jars, folder, _silent):
        return
    with FileLock(folder / ".lock"):
        wanted = _wanted(jars, folder, report)
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
        # The next call finds all that is new recorded.
        changed(wanted, folder)


def _wanted(jars: Sequence[Jar], folder: Path, report: Report) -> list[Jar]:
    wrong = changed(jars, folder)
    for jar in wrong:
        report(f"{jar.file_name} in {folder} is not the file that was pinned; it is fetched again.")
    return [*missing(jars, folder), *wrong]


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
