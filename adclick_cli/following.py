"""Heartbeats for whatever runs on this home's cluster: what `adclick up` starts in the background."""

from __future__ import annotations

import time
from functools import partial

from adclick_cli import submission
from adclick_cli.errors import AdclickError
from adclick_cli.events import beating
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

LOOK_EVERY_S = 1.0


def follow(settings: Settings, report: Report) -> None:
    """Write heartbeats for the submission that runs, as long as it runs, without an end.

    A run that ends by itself needs none, and somebody else's broker gets none unasked.
    """
    needed = partial(_needed, settings, FlinkRest(settings.flink_rest), choose(settings).flink_servers)
    while True:
        current = needed()
        if current is not None:
            report(f"Heartbeats for {current.topics.impressions} and {current.topics.clicks}.")
            beating.beat(settings, current, report, iter(partial(_same, needed, current), False))
        time.sleep(LOOK_EVERY_S)


def _same(needed: partial[Pipeline | None], before: Pipeline) -> bool:
    return needed() == before


def _needed(settings: Settings, rest: FlinkRest, own: str) -> Pipeline | None:
    try:
        found = submission.current_pipeline(settings)
        runs = bool(active_jobs(rest))
    except AdclickError:
        # A JobManager that is away comes back with its jobs; until then there is nobody to beat for.
        return None
    return found if runs and found and found.bootstrap_servers == own and not found.bounded else None
