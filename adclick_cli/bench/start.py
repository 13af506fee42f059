"""How long the first steps take: `up` once the jars are there, `submit` by either way, and the command line's help."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from adclick_cli.bench import place
from adclick_cli.bench.measures import Goal, Measured, measure
from adclick_cli.errors import RuntimeFailure
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs, cancel
from adclick_cli.flink.submit import submit
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

SUITE = "start"
HELPS = 10
GOALS = {"up": 6.0, "submit": 8.0, "gateway": 3.0, "help": 0.12}
"""Seconds."""


def run(settings: Settings, rounds: int, report: Report) -> Measured:
    """End the cluster, start it again and submit both jobs, some times over; then ask for help, then use a gateway.

    The data stay; the jobs write to topics of their own, and none of them runs afterwards. On a runtime without a
    gateway that part is left out.

    Raises:
        FlinkError: a job of adclick runs, which this would end.
        RuntimeFailure: the cluster does not come up.
    """
    place.require_idle(FlinkRest(settings.flink_rest))
    # Heartbeats follow a submission's topics, and would be counted by whoever reads a backlog from them.
    own = place.own(settings, f"{place.PREFIX}start-")
    runtime = choose(settings)
    ups, submits = [], []
    for number in range(1, rounds + 1):
        runtime.down(delete_data=False, report=_silent)
        ups.append(_timed(lambda: runtime.up(_silent)))
        submits.append(_submitted(own))
        report(f"Round {number} of {rounds}: up {ups[-1]:.1f} s, submit {submits[-1]:.1f} s")
    helps = [_timed(_help) for _ in range(HELPS)]
    found = [
        measure("up, jars there", "s", ups, Goal(GOALS["up"])),
        measure("submit, both jobs", "s", submits, Goal(GOALS["submit"])),
        measure("adclick --help", "s", helps, Goal(GOALS["help"])),
    ]
    if gateways := _through_gateway(own, rounds, report):
        found.append(measure("submit through a gateway that is warm", "s", gateways, Goal(GOALS["gateway"])))
    return Measured(SUITE, found, place.parameters(own, own.pipeline()))


def _through_gateway(settings: Settings, rounds: int, report: Report) -> list[float]:
    try:
        choose(settings).gateway(report)
    except RuntimeFailure as error:
        report(f"Not measured: {error.what}")
        return []
    own = settings.model_copy(update={"via": "gateway"})
    _submitted(own)
    found = []
    for number in range(1, rounds + 1):
        found.append(_submitted(own))
        report(f"Round {number} of {rounds}: submit through the gateway {found[-1]:.1f} s")
    return found


def _submitted(settings: Settings) -> float:
    """Seconds until both jobs run; they are ended then."""
    pipeline = settings.pipeline()
    seconds = _timed(lambda: submit(settings, pipeline, replace=True, report=_silent))
    rest = FlinkRest(settings.flink_rest)
    cancel(rest, settings.servers, pipeline, active_jobs(rest), _silent)
    return seconds


def _help() -> None:
    subprocess.run([sys.executable, "-m", "adclick_cli", "--help"], stdout=subprocess.DEVNULL, check=True)


def _timed(step: Callable[[], object]) -> float:
    begun = time.monotonic()
    step()
    return time.monotonic() - begun


def _silent(_: str) -> None:
    pass
