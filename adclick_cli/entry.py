"""The first lines of the program: from here on Ctrl-C ends it with exit code 130 and without a traceback.

Nothing but built-in modules is imported before. The module installs a signal handler: only the console script and
`python -m adclick_cli` may import it.
"""

import _signal  # type: ignore[import-not-found]  # `signal` takes 9 ms: it imports enum
import os

EXIT_INTERRUPTED = 130


def _leave(_number: int, _frame: object) -> None:
    # Nothing was begun that would have to be ended, or all of it has ended.
    os._exit(EXIT_INTERRUPTED)


_raises = _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
"""False where whoever started the program has it ignore Ctrl-C (`nohup`, a job in the background)."""
if _raises:
    _signal.signal(_signal.SIGINT, _leave)


def main() -> None:
    """Run one command; see `adclick_cli.app.main`."""
    from adclick_cli import app

    try:
        if _raises:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        app.main()
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)
    finally:
        if _raises:
            _signal.signal(_signal.SIGINT, _leave)
