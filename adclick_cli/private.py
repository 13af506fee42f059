"""Files that are their owner's alone: making them so, and refusing secrets from those that are not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adclick_cli.errors import ParameterError

UMASK = 0o077
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_users: list[int] = []


def keep() -> None:
    """From here on every file that this program makes is its owner's alone, but for those of `users_own_file`."""
    _users[:] = [os.umask(UMASK)]


@contextmanager
def users_own_file() -> Iterator[None]:
    """Inside, files are made as the user's umask says: those that a user asks for, outside `ADCLICK_HOME`."""
    before = os.umask(_users[0]) if _users else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)


def write_for_user(flag: str, path: Path, content: str | bytes) -> None:
    """Write a file that the user asked for with a flag, as their umask says.

    Raises:
        ParameterError: it cannot be written.
    """
    try:
        with users_own_file():
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise ParameterError(flag, str(path), str(error), "Name a file that you may write.") from error


def write(path: Path, text: str) -> None:
    """Write a file that nobody else can read at any moment, whatever the umask is; its folder, too."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def tighten(folder: Path) -> None:
    """Take from everybody but the owner what they may do with a folder and all in it; links are not followed."""
    for path in wide(folder):
        close(path)


def wide(folder: Path) -> Iterator[Path]:
    """A folder and all in it, as far as others than the owner may do something with it; links are not followed."""
    for at, _, files in os.walk(folder):
        for path in (Path(at), *(Path(at) / name for name in files)):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                # A running service may delete its files at any time.
                continue
            if not stat.S_ISLNK(mode) and mode & _OTHERS:
                yield path


def close(path: Path) -> None:
    """Take from everybody but the owner what they may do with a file or folder; harmless where it is gone."""
    with suppress(FileNotFoundError):
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)


def open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may read or write a file, by its mode."""
    return os.name == "posix" and bool(path.stat().st_mode & _OTHERS)


def require(path: Path, field: str) -> None:
    """Check that a file with a secret in it is its owner's alone.

    Raises:
        ParameterError: others may read or write it, or it is not there.
    """
    try:
        wide = open_to_others(path)
    except OSError as error:
        raise ParameterError(field, str(path), f"{error.strerror}.", "Name a file that is there.") from None
    if wide:
        raise ParameterError(
            field,
            str(path),
            f"Others may read it: its mode is {path.stat().st_mode & 0o777:o}, and a secret is in it.",
            f"Run `chmod 600 {path}`.",
        )


def read_secret(path: Path, field: str) -> str:
    """A secret from a file that holds nothing else; one line break at its end is left out.

    Raises:
        ParameterError: the file cannot be read, is no text, or others may read it.
    """
    require(path, field)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(field, str(path), f"{type(error).__name__}.", "Name a file with UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")
