"""Whether the attribution function's state leaves the heap room to work."""

from __future__ import annotations

from collections.abc import Sequence

from adclick_cli.doctor.finding import Finding
from adclick_cli.doctor.picture import Held

MIB = 1_048_576
FULL = 0.5
"""A checkpoint is written while events go on: of a table that changes meanwhile there are two copies, so that state
may take twice its size for a moment. Beyond half of the heap that need not fit, and the collector works without end."""
_MEND = (
    "Raise ADCLICK_TASKMANAGER_MEMORY_MB, then `adclick down` and `adclick up`; or submit with a shorter --attribution;"
    " where there are several TaskManagers, with more --parallelism."
)


def findings(held: Sequence[Held]) -> list[Finding]:
    """One for all TaskManagers, by the fullest; none where no attribution function runs.

    Args:
        held: of each TaskManager that runs a part of the function.
    """
    if not held:
        return []
    fullest = max(held, key=lambda one: one.state / one.heap)
    what = (
        f"{_mib(fullest.state)} MiB of state are on a heap of {_mib(fullest.heap)} MiB, on TaskManager"
        f" {fullest.taskmanager}."
    )
    if fullest.state <= FULL * fullest.heap:
        return [Finding("state", "ok", what)]
    return [Finding("state", "warning", f"{what} A checkpoint may need as much again.", _MEND)]


def _mib(count: int) -> str:
    return f"{count / MIB:,.0f}"
