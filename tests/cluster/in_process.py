"""The command line inside the test's process: what it would print and exit with as a process of its own."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch

from adclick_cli import app


def run(args: Sequence[str], env: Mapping[str, str]) -> CompletedProcess[str]:
    """`adclick ARGS` under these environment variables; an exception that no command handles is raised."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        patch.dict(os.environ, env, clear=True),
        patch.object(sys, "argv", ["adclick", *args]),
        _as_before(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            app.main()
        except SystemExit as ended:
            code = 0 if ended.code is None else ended.code
    printed = [stream.buffer.getvalue().decode() for stream in (out, err)]
    assert isinstance(code, int), code
    return CompletedProcess(list(args), code, *printed)


@contextmanager
def _as_before() -> Iterator[None]:
    """The umask and the handlers of signals, which a run of the program sets for its whole process."""
    umask = os.umask(0o077)
    os.umask(umask)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        os.umask(umask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
