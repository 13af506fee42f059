"""Whoever waits for a job to end learns that the TaskManager has died, without which it never will."""

from __future__ import annotations

import time
from collections.abc import Callable

from adclick_cli.errors import FlinkError
from adclick_cli.runtime.service import Runtime

WORKER = "taskmanager"
LOOK_S = 2.0
PATIENCE_S = 15.0
"""How long a dead TaskManager may take to come back: a supervisor needs some seconds."""
TAIL_LINES = 500
_NO_MEMORY = "OutOfMemoryError"


class Lookout:
    """A look at the TaskManager now and then, for as long as a job is waited for.

    Args:
        runtime: whose it is.
        report: told at once when it has died.
    """

    def __init__(self, runtime: Runtime, report: Callable[[str], None]) -> None:
        self._runtime, self._report = runtime, report
        self._due = 0.0
        self._died: float | None = None

    def __call__(self) -> None:
        """Look, if it is time for that.

        Raises:
            FlinkError: it has been dead for `PATIENCE_S`.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + LOOK_S
        if not any(one.name == WORKER and one.state == "dead" for one in self._runtime.services()):
            self._died = None
        elif self._died is None:
            self._died = now
            self._report(f"The {WORKER} has died. Start it again with `adclick up`, and the job goes on.")
        elif now - self._died > PATIENCE_S:
            raise self._gone()

    def _gone(self) -> FlinkError:
        what = f"the {WORKER} has died, so the job never ends"
        lines = self._runtime.logs(WORKER, follow=False, tail=TAIL_LINES)
        if why := [line.strip() for line in lines if _NO_MEMORY in line]:
            mend = "Give it more memory: `adclick down`, then `adclick up` with a larger ADCLICK_TASKMANAGER_MEMORY_MB"
            return FlinkError(what, why[-1], f"{mend}, and submit with --replace.")
        return FlinkError(
            what, "", f"Look at `adclick logs {WORKER}`, run `adclick up`, and submit again with --replace."
        )
