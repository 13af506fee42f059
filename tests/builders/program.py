"""The whole program, run inside the test's own process: what a user sees, without the start of another Python."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import NamedTuple, TextIO

from adclick_cli import app


class Done(NamedTuple):
    """How a run ended.

    Attributes:
        code: the exit code.
        out, err: what it wrote to stdout and to stderr.
    """

    code: int
    out: str
    err: str


@contextmanager
def _undone() -> Iterator[None]:
    """What `main` changes in its process is changed back."""
    before = sys.argv, sys.stdout, sys.stderr, threading.excepthook
    heeded, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
    os.umask(mask)
    try:
        yield
    finally:
        sys.argv, sys.stdout, sys.stderr, threading.excepthook = before
        signal.signal(signal.SIGTERM, heeded)
        os.umask(mask)


def run(*arguments: str, stdout: TextIO | None = None) -> Done:
    """Run `adclick` with these arguments; an exception that reaches the caller would be a traceback.

    Args:
        arguments: as a user types them.
        stdout: where it writes data to, instead of `Done.out`.
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
    return Done(code or 0, out.getvalue(), err.getvalue())
