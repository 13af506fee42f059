"""Bringing a cluster up with the jobs that ran on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from adclick_cli import submission
from adclick_cli.errors import AdclickError
from adclick_cli.flink import leftovers
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.flink.tables import hand_over_secrets
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import start
from adclick_cli.runtime.jars import Progress
from adclick_cli.runtime.service import Report, Runtime
from adclick_cli.settings import Settings

JOBS_DEADLINE_S = 90.0
POLL_S = 0.2


def up(settings: Settings, progress: Progress, report: Report) -> tuple[Runtime, list[Job]]:
    """Choose the runtime, start what does not run, wait for jobs to go on where they were, and let their readers go on.

    Returns:
        The runtime, and the jobs that have not ended: none on a new cluster.

    Raises:
        AdclickError: the cluster does not come up, or a job does not come back; with Flink's reason.
    """
    runtime = start(settings, progress, report)
    if settings.wants_login:
        # A script that the user runs elsewhere, and jobs that come back, find the newest log-in.
        hand_over_secrets(settings)
    rest = FlinkRest(settings.flink_rest)
    jobs = active_jobs(rest)
    waiting = {job.name for job in jobs if _waits(job)}
    deadline = time.monotonic() + JOBS_DEADLINE_S
    for name in sorted(waiting):
        report(f"{name} comes back …")
    while any(_waits(job) for job in jobs):
        if time.monotonic() > deadline:
            raise AdclickError(
                f"the cluster is up, but not every job is after {JOBS_DEADLINE_S:.0f} s",
                "\n".join(f"{job.name} is {job.state}. {job.reason}" for job in jobs if _waits(job)),
                "It is tried again and again: look at `adclick jobs`.",
            )
        time.sleep(POLL_S)
        jobs = active_jobs(rest)
    for job in jobs:
        if job.name in waiting:
            report(f"{job.name} goes on where it was ({job.id}).")
    if jobs:
        leftovers.try_sweep(rest, settings.servers, _submitted(settings), report)
    return runtime, jobs


def watch_over(settings: Settings, report: Report) -> Callable[[], None]:
    """What the supervisor does beside starting services: abort transactions that no running job will end."""
    rest = FlinkRest(settings.flink_rest)

    def look() -> None:
        # What fails here is tried again, and a cluster that is down has its own words for it.
        with suppress(AdclickError):
            leftovers.sweep(rest, settings.servers, _submitted(settings), report)

    return look


def _submitted(settings: Settings) -> Pipeline:
    return submission.current_pipeline(settings) or settings.pipeline()


def _waits(job: Job) -> bool:
    return job.state != "RUNNING" or bool(job.reason)
