"""A recorded log as DuckDB can read it: a plain file in UTF-8.

Anything else becomes such a file in a private folder first: standard input and pipes, compressed files, text in UTF-16
or UTF-32. Python unpacks them: DuckDB notices neither a zstd file that is cut off nor a wrong checksum in a gzip file.
"""

from __future__ import annotations

import codecs
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from adclick_cli.errors import InputFileError, ParameterError

STDIN = Path("-")
FORMATS = {"csv": "csv", "tsv": "tsv", "jsonl": "json", "json": "json", "ndjson": "json", "parquet": "parquet"}
"""What `--format` takes and what a file's name may end in; the form in which that is read."""
UNSAID = ("", "txt", "log", "dat")
"""Endings that say nothing about the form: the file's beginning does."""
PACKED = ("gz", "zst", "bz2", "xz", "lz4")
CHUNK = 1 << 20
# UTF-32's mark for little endian begins with that of UTF-16. DuckDB takes a mark of UTF-8 in JSON lines for a value.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF8: "utf-8-sig",
}
HEAD = 1 << 16
"""Bytes at the beginning of a log that are looked at: its first bytes and its header."""


@dataclass(frozen=True)
class LogFile:
    """A plain file that DuckDB reads.

    Attributes:
        name: the log in messages.
        path: the file to read. Its name holds no wildcard, and no folder of it looks like a Hive partition.
        form: csv, tsv, json or parquet.
        stem: what begins the ids of impressions that have none.
        head: the first bytes.
    """

    name: str
    path: Path
    form: str
    stem: str
    head: bytes


def named(path: Path) -> str:
    """The log in messages."""
    return "standard input" if path == STDIN else str(path)


def prepare(path: Path, form: str | None, folder: Path) -> LogFile:
    """Make a log readable for DuckDB, and find out its form.

    Args:
        path: the file, a pipe, or `-` for standard input.
        form: what `--format` says; None goes by the ending, and without one by the content.
        folder: a private folder that the caller removes.

    Raises:
        InputFileError: it cannot be read, is empty, or is not text.
        ParameterError: the form is unknown.
    """
    name = named(path)
    ending = _ending(path)
    if (form or ending) not in (*FORMATS, *UNSAID) or form == "":
        raise ParameterError("format", form or ending, "It cannot be read.", f"Use --format with one of {_choices()}.")
    plain, stem = _regular(path, name, folder)
    plain = _unpacked(plain, name, folder)
    plain = _as_utf8(plain, name, folder)
    head = _head(plain, name)
    if not head.strip():
        raise InputFileError(
            f"{name} is empty", "It has neither a header nor a row.", "See whether what writes the log has failed."
        )
    found = FORMATS.get(form or ending) or _form(head)
    _fits(found, head, name)
    link = folder / "log"
    link.symlink_to(plain.absolute())
    return LogFile(name, link, found, stem, head)


def _choices() -> str:
    return ", ".join(FORMATS)


def _suffixes(path: Path) -> tuple[str, str]:
    """A file's name without, and its ending before, one that only says how it is compressed."""
    bare = Path(path.stem) if path.suffix.lstrip(".").lower() in PACKED else Path(path.name)
    return bare.stem, bare.suffix.lstrip(".").lower()


def _ending(path: Path) -> str:
    return "" if path == STDIN else _suffixes(path)[1]


def _form(head: bytes) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    return "json" if head.lstrip()[:1] in (b"{", b"[") else "csv"


def _fits(form: str, head: bytes, name: str) -> None:
    if form == "parquet" and not head.startswith(b"PAR1"):
        raise InputFileError(f"{name} is not Parquet", "It does not begin with PAR1.", f"Use --format: {_choices()}.")
    if form != "parquet" and head.startswith(b"PAR1"):
        raise InputFileError(f"{name} is Parquet, not {form}", "It begins with PAR1.", "Use --format parquet.")
    if form != "parquet" and b"\0" in head:
        raise InputFileError(
            f"{name} is not text",
            "There are zero bytes at its beginning: it is binary, or in UTF-16 without a byte order mark.",
            "Convert it to UTF-8 text, for example with `iconv -f utf-16le -t utf-8`.",
        )


def _regular(path: Path, name: str, folder: Path) -> tuple[Path, str]:
    """A file that can be read twice, and what begins the ids of its rows: those of a pipe go by its content."""
    if path == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise InputFileError("standard input is closed", mend="Send the log through a pipe, or name a file.")
        if sys.stdin.isatty():
            raise InputFileError(
                "standard input is a terminal", mend="Send the log through a pipe: zcat log.csv.gz | adclick replay -"
            )
        return _spooled(sys.stdin.buffer, name, folder)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputFileError(f"{name} is a folder", mend="Name one file; replay the files of a folder one by one.")
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            with path.open("rb") as pipe:
                return _spooled(pipe, name, folder)
        if not stat.S_ISREG(mode):
            raise InputFileError(f"{name} is a device, not a file", mend="Name a file or a pipe.")
    except FileNotFoundError:
        raise InputFileError(f"there is no file {name}", mend="Name a file that you may read.") from None
    except OSError as error:
        raise _unreadable(name, error) from error
    return path, _suffixes(path)[0]


def _spooled(source: IO[bytes], name: str, folder: Path) -> tuple[Path, str]:
    import hashlib

    digest = hashlib.sha256()
    plain = _copied(source, name, folder / "piped", digest.update)
    return plain, f"stdin-{digest.hexdigest()[:8]}"


def _unpacked(path: Path, name: str, folder: Path) -> Path:
    """The same log without its compression, which its first bytes tell; a checksum and a cut-off end are looked at."""
    head = _head(path, name)
    if head.startswith(b"PK\x03\x04"):
        raise InputFileError(
            f"{name} is a ZIP archive", "It may hold several files.", "Use `unzip -p log.zip | adclick replay -`."
        )
    opener = next((opener for magic, opener in _OPENERS.items() if head.startswith(magic)), None)
    if opener is None:
        return path
    with opener(path) as source:
        unpacked = _copied(source, name, folder / "unpacked")
    _forget(path, folder)
    return unpacked


def _as_utf8(path: Path, name: str, folder: Path) -> Path:
    head = _head(path, name)
    encoding = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None:
        return path
    try:
        with path.open(encoding=encoding, newline="") as file:
            converted = _copied(_Encoded(file), name, folder / "converted")
    except OSError as error:
        raise _unreadable(name, error) from error
    _forget(path, folder)
    return converted


@dataclass(frozen=True)
class _Encoded:
    """A text as bytes in UTF-8."""

    text: IO[str]

    def read(self, size: int) -> bytes:
        return self.text.read(size).encode()


def _copied(source: Any, name: str, to: Path, see: Callable[[bytes], object] = lambda _: None) -> Path:
    try:
        with to.open("xb") as target:
            while chunk := _read(source, name):
                see(chunk)
                target.write(chunk)
    except OSError as error:
        raise _no_room(name, to, error) from error
    return to


def _read(source: Any, name: str) -> bytes:
    import lzma
    import zlib

    try:
        return bytes(source.read(CHUNK))
    except (OSError, EOFError, zlib.error, lzma.LZMAError, UnicodeError) as error:
        raise _unreadable(name, error) from error


def _forget(path: Path, folder: Path) -> None:
    """Remove an earlier form of the log, if it is a copy in the private folder."""
    if path.parent == folder:
        path.unlink()


def _head(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> InputFileError:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return InputFileError(f"{name} cannot be read", f"{why}.", "Nothing was sent. See whether the file is whole.")


def _no_room(name: str, to: Path, error: OSError) -> InputFileError:
    return InputFileError(
        f"{name} cannot be copied to {to.parent}",
        f"{error.strerror or error}. A pipe or a compressed log is checked before it is sent, so it needs a copy.",
        "Nothing was sent. Free space there, or set TMPDIR to a folder with more.",
    )


def _gzip(path: Path) -> Any:
    import gzip

    return gzip.open(path)


def _bz2(path: Path) -> Any:
    import bz2

    return bz2.open(path)


def _xz(path: Path) -> Any:
    import lzma

    return lzma.open(path)


def _arrow(codec: str) -> Callable[[Path], Any]:
    def opened(path: Path) -> Any:
        import pyarrow as pa

        return pa.CompressedInputStream(pa.OSFile(os.fspath(path)), codec)

    return opened


_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": _gzip,
    b"BZh": _bz2,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": _arrow("zstd"),
    b"\x04\x22\x4d\x18": _arrow("lz4"),
}
