"""The final rows against the reference's SQL on a Flink that nobody has set up, with as much memory."""

from __future__ import annotations

from adclick_cli import defaults
from adclick_cli.bench import backlog, place
from adclick_cli.errors import AdclickError
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.submit import inside
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

SUITE = "stock"
SIDES = (backlog.STOCK, backlog.FINAL)


def run(settings: Settings, events: int, rate: float, rounds: int, report: Report) -> backlog.Record:
    """Each side on a TaskManager that has just been started for it, so that both begin equally cold.

    The reference's is divided as Flink divides memory unasked, has its collector, and copies objects from operator to
    operator. Afterwards the cluster has a TaskManager of adclick's again.

    Args:
        settings: of a cluster on the local runtime.
        events: impressions of the backlog.
        rate: impressions a second of event time.
        rounds: how often each side runs.
        report: told what is done.

    Raises:
        FlinkError: a job of adclick runs, or a side fails, as the reference does where memory is short.
        AdclickError: the runtime is another one, or the sides did not write the same rows.
        RuntimeFailure: a TaskManager does not come up.
    """
    runtime = choose(settings)
    if not isinstance(runtime, LocalRuntime):
        raise AdclickError(
            f"the suite {SUITE} starts TaskManagers, and cannot on the {runtime.name} runtime",
            mend="Measure on a home of the local runtime: ADCLICK_RUNTIME=local.",
        )
    place.require_idle(FlinkRest(settings.flink_rest))
    own = place.own(settings)
    held = place.prepare(own, events, rate, defaults.CAMPAIGNS, report)
    runs = backlog.Runs(own, inside(own, own.pipeline(bounded=True)), SIDES)
    try:
        for number in range(1, rounds + 1):
            for side in SIDES:
                runtime.renew_taskmanager(stock=side == backlog.STOCK)
                report(f"Round {number} of {rounds}: {runs.run(side)}")
    finally:
        runtime.renew_taskmanager(stock=False)
    return runs.record(SUITE, held, rate, backlog.STOCK)
