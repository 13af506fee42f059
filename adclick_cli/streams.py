"""The three standard streams: one that is closed or full, a reader that has left, and an encoding without Unicode.

Nothing heavy is imported here: `adclick --help` needs it, too.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING

from adclick_cli.errors import AdclickError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ERRORS = "adclick-ascii"
"""The name of the codec error handler that writes ASCII for what an encoding does not have."""
_SIGNS = dict(
    zip("…·–—‘’“”×µ→←≤≥−▏▁▂▃▄▅▆▇█", ("...", *"---''\"\"xu><", "<=", ">=", *"-|_.-=+*#@"), strict=True)  # noqa: RUF001
)


class ReaderLeft(SystemExit):
    """Whoever read stdout has closed it (`| head`): an ordinary end, exit code 0.

    It is no `BrokenPipeError`, which a socket or a child process can raise, too.
    """

    def __init__(self) -> None:
        super().__init__(0)


class _Stdout(io.FileIO):
    """Raises `ReaderLeft`, or says which stream cannot be written and why."""

    silent = False

    def write(self, data: ReadableBuffer, /) -> int:
        while True:
            try:
                # mypy does not know it: the result is None where a stream that does not block takes nothing now.
                written: int | None = super().write(data)
            except BrokenPipeError:
                if self.silent:
                    return memoryview(data).nbytes
                raise ReaderLeft from None
            except OSError as error:
                if self.silent:
                    return memoryview(data).nbytes
                raise _unwritable(error) from error
            if written is not None:
                return written
            select.select([], [self], [])

    def require_reader(self) -> None:
        """Raise `ReaderLeft` where a pipe's reader has gone, without writing anything."""
        if hasattr(select, "poll"):
            asked = select.poll()
            asked.register(self, 0)
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in asked.poll(0)):
                raise ReaderLeft


class _Stderr(io.FileIO):
    """A message that nobody can read must not end the work: what stderr does not take is dropped."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            written: int | None = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def _unwritable(error: OSError) -> AdclickError:
    if error.errno == errno.EBADF:
        return AdclickError("stdout cannot be written", "It is closed.", "Send it to a file or a terminal.")
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return AdclickError(
        "stdout cannot be written",
        f"{error.strerror}: some of the output is missing.",
        "Make room on that disk, or send stdout elsewhere." if full else "Send stdout elsewhere.",
    )


def prepare() -> None:
    """Make the standard streams safe to use: call it once, before anything is written.

    A stream that somebody put in the place of Python's own (a test) keeps its target; its encoding errors end in ASCII.
    """
    # A closed number would be given to the next file that is opened. What was closed for writing stays unwritable.
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = stdout(1, getattr(sys.stdout, "encoding", None) or "utf-8")
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=ERRORS)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = stderr(2, getattr(sys.stderr, "encoding", None) or "utf-8")


def stdout(number: int, encoding: str) -> io.TextIOWrapper:
    """A text stream on a file descriptor, for data: what cannot be written raises `ReaderLeft` or an `AdclickError`."""
    raw = _Stdout(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, ERRORS, line_buffering=raw.isatty())


def stderr(number: int, encoding: str) -> io.TextIOWrapper:
    """A text stream on a file descriptor, for messages: what cannot be written is dropped."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Stderr(number, "w", closefd=False)), encoding, ERRORS, line_buffering=True
    )


def fitting(text: str) -> str:
    """A text as stdout takes it, for a writer that has an encoding of its own (Typer's, where stdout's is ASCII)."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, ERRORS).decode(encoding)


def require_reader() -> None:
    """For a command that waits long between two lines: end where nobody reads stdout any more.

    Raises:
        ReaderLeft: the reader has gone.
    """
    raw = _raw()
    if raw is not None:
        raw.require_reader()


def silence() -> None:
    """The program ends: what stdout still holds may be lost without another word (Python flushes it at its exit)."""
    raw = _raw()
    if raw is not None:
        raw.silent = True


def _raw() -> _Stdout | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Stdout) else None


def _ascii(error: UnicodeError) -> tuple[str, int]:
    """Signs and frames as ASCII that looks like them; anything else escaped, so that two names stay two names."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_sign, error.object[error.start : error.end])), error.end


def _sign(character: str) -> str:
    if "\u2500" <= character <= "\u257f":
        return {"─": "-", "━": "-", "═": "=", "│": "|", "┃": "|", "║": "|"}.get(character, "+")
    return _SIGNS.get(character) or character.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error(ERRORS, _ascii)
