"""Which runtime: the one place that knows them all."""

from __future__ import annotations

from adclick_cli.errors import RuntimeFailure
from adclick_cli.runtime.jars import Progress
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import Runtime
from adclick_cli.settings import Settings


def _silent(done: int, total: int) -> None:
    pass


def choose(settings: Settings, progress: Progress = _silent) -> Runtime:
    """The runtime that the settings ask for.

    Raises:
        RuntimeFailure: this version has no such runtime.
    """
    if settings.runtime == "compose":
        raise RuntimeFailure(
            "this version of adclick has no Compose runtime", mend="Use --runtime local: it needs nothing but Python."
        )
    return LocalRuntime(settings, progress)
