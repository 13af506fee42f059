"""One run of the program: typed errors become messages and exit codes.

Nothing heavy is imported before it is known what is wanted: `adclick --help` needs neither Typer nor Rich.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from adclick_cli import private
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
    private.keep()
    try:
        _run(sys.argv[1:])
    except AdclickError as error:
        _report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): stdout is pointed at nothing, or Python's exit complains again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _report(error: AdclickError) -> None:
    from adclick_cli import settings
    from adclick_cli.runtime import disk
    from adclick_cli.views import console

    # The settings themselves may be what is wrong.
    with suppress(Exception):
        error = disk.explained(error, settings.load())
    console.report(error)


def _run(arguments: list[str]) -> None:
    if (not arguments or (len(arguments) == 1 and arguments[0] in table.HELP_FLAGS)) and COMPLETING not in os.environ:
        from adclick_cli.commands import overview
        from adclick_cli.views import console

        console.write(overview.text())
        sys.exit(0 if arguments else EXIT_USAGE)
    from adclick_cli.commands import program

    program.app(prog_name=table.PROGRAM)
