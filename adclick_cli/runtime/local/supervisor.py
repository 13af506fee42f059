"""A process that starts again what died: `adclick up --supervise`.

Jobs come back by themselves once their processes do (docs/decisions/0020); somebody has to start the processes. Without
the supervisor that is the user, with `adclick up`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from adclick_cli.errors import AdclickError
from adclick_cli.runtime.process import SECRET_VARIABLES
from adclick_cli.runtime.service import LocalService, Report, Runtime, own_service

NAME = "supervisor"
LOOK_EVERY_S = 1.0
LONGEST_PAUSE_S = 30.0
ALSO_EVERY = 10


def service(home: Path, runtime: str) -> LocalService:
    """The supervisor as a service."""
    # It brings services up, and so speaks with the broker: it alone is handed the secrets on.
    secrets = {name: value for name, value in os.environ.items() if name.upper() in SECRET_VARIABLES}
    return own_service(NAME, ("supervise", "--runtime", runtime), home, secrets)


def supervise(
    runtime: Runtime,
    report: Report,
    sleep: Callable[[float], None],
    looks: Iterable[object],
    also: Callable[[], None] = lambda: None,
) -> None:
    """Look every second, and start what is dead; what was stopped on purpose stays down.

    A cluster that does not come up, or dies again at once, is tried again after 1, 2, 4, … at most 30 s.

    Args:
        runtime: whose services.
        report: told about each death and each start.
        sleep: waits so many seconds.
        looks: how often; endless in real life.
        also: what else is to be looked after, every `ALSO_EVERY` looks that find nothing dead.
    """
    pause = LOOK_EVERY_S
    healthy = 0
    for _ in looks:
        dead = [one.name for one in runtime.services() if one.state == "dead"]
        if not dead:
            pause = LOOK_EVERY_S
            healthy += 1
            if healthy % ALSO_EVERY == 0:
                also()
        else:
            report(f"Dead: {', '.join(dead)}.")
            try:
                runtime.up(report)
            except AdclickError as error:
                report(str(error))
            pause = min(2 * pause, LONGEST_PAUSE_S)
        sleep(pause)
