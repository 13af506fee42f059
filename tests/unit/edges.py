"""What tests of the process's edges share: the whole program, run inside the test's own process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any, TextIO

from adclick_cli import app, streams


@contextmanager
def _undone() -> Iterator[None]:
    """What `main` changes in its process is changed back."""
    before = sys.argv, sys.stdout, sys.stderr, threading.excepthook, signal.getsignal(signal.SIGTERM), os.umask(0o022)
    os.umask(before[5])
    try:
        yield
    finally:
        sys.argv, sys.stdout, sys.stderr, threading.excepthook = before[:4]
        signal.signal(signal.SIGTERM, before[4])
        os.umask(before[5])


def run(*arguments: str, stdout: TextIO | None = None) -> tuple[int, str, str]:
    """Run the program; return its exit code, its stdout (unless one is given) and its stderr.

    An exception that reaches the caller would be a traceback.
    """
    out, err = StringIO(), StringIO()
    with _undone():
        sys.argv, sys.stdout, sys.stderr = ["adclick", *arguments], stdout or out, err
        code: object = 0
        try:
            app.main()
        except SystemExit as ended:
            code = ended.code
    assert code is None or isinstance(code, int)
    return code or 0, out.getvalue(), err.getvalue()


@contextmanager
def full() -> Iterator[TextIO]:
    """A stdout on a disk without room."""
    number = os.open("/dev/full", os.O_WRONLY)
    with _stream(number) as made:
        yield made


@contextmanager
def closed() -> Iterator[TextIO]:
    """A stdout that was closed before the program began."""
    number = os.open(os.devnull, os.O_RDONLY)
    with _stream(number) as made:
        yield made


@contextmanager
def without_a_reader() -> Iterator[TextIO]:
    """A stdout whose reader has ended."""
    reading, number = os.pipe()
    os.close(reading)
    with _stream(number) as made:
        yield made


@contextmanager
def _stream(number: int) -> Iterator[TextIO]:
    made = streams.stdout(number, "utf-8")
    try:
        yield made
    finally:
        buffer: Any = made.buffer
        buffer.raw.silent = True
        made.detach()
        os.close(number)
