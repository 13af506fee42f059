"""One run of the program: typed errors become messages and exit codes.

Nothing heavy is imported before it is known what is wanted: `adclick --help` needs neither Typer nor Rich.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

from adclick_cli import faults, private, streams
from adclick_cli.commands import table
from adclick_cli.errors import EXIT_USAGE, AdclickError

EXIT_INTERRUPTED = 130
COMPLETING = "_ADCLICK_COMPLETE"
"""The variable by which a shell asks for completions; the words are in others then."""


def main() -> None:
    """Run one command.

    Exit codes: 0 done, 1 a clear failure, 2 wrong usage, 3 `verify`, `test`, `doctor` or `status --wait` says no.
    """
    # Being ended is like Ctrl-C: what was half-started is stopped, and the terminal is given back as it was.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    streams.prepare()
    private.keep()
    threading.excepthook = _in_a_thread
    try:
        with faults.typed():
            _run(sys.argv[1:])
            sys.stdout.flush()
    except AdclickError as error:
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    finally:
        streams.silence()


def _report(error: AdclickError) -> None:
    # The settings themselves may be what is wrong.
    with suppress(Exception):
        from adclick_cli import settings
        from adclick_cli.runtime import disk

        error = disk.explained(error, settings.load())
    try:
        from adclick_cli.views import console

        console.report(error)
    except ImportError:
        # An installation without Rich: the message counts, not its look.
        sys.stderr.write(f"Error: {error}\n")


def _in_a_thread(what: threading.ExceptHookArgs) -> None:
    """What ends a thread of ours is told like what ends a command; a bug keeps its traceback."""
    known = None if what.exc_value is None else faults.translate(what.exc_value)
    if known is None:
        threading.__excepthook__(what)
    else:
        _report(known)


def _run(arguments: list[str]) -> None:
    if (not arguments or (len(arguments) == 1 and arguments[0] in table.HELP_FLAGS)) and COMPLETING not in os.environ:
        from adclick_cli.commands import overview
        from adclick_cli.views import console

        console.write(overview.text())
        sys.exit(0 if arguments else EXIT_USAGE)
    from adclick_cli.commands import program

    program.app(prog_name=table.PROGRAM)
