"""Ending the two jobs: with a savepoint to go on from, in order, or at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from adclick_cli import savepoints, submission
from adclick_cli.broker import admin, transactions
from adclick_cli.broker.whole import holds_beyond
from adclick_cli.errors import BrokerError, FlinkError
from adclick_cli.exclusive import JOBS, exclusive
from adclick_cli.flink import own
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.pipeline import Pipeline
from adclick_cli.savepoints import Savepoint
from adclick_cli.security import Servers
from adclick_cli.settings import Settings
from adclick_cli.sql import fit, render

ENDING_DEADLINE_S = 60.0
SAVEPOINT_DEADLINE_S = 120.0
CAUGHT_UP_SLACK_S = 20.0
POLL_S = 0.1

Report = Callable[[str], None]


def active_jobs(rest: FlinkRest) -> list[Job]:
    """Those of adclick's jobs that have not ended, in the order in which rows pass through them."""
    jobs = [job for job in rest.jobs() if job.name in render.JOBS and job.active]
    return sorted(jobs, key=lambda job: render.JOBS.index(job.name))


def cancel(rest: FlinkRest, servers: Servers, pipeline: Pipeline, jobs: Sequence[Job], report: Report) -> None:
    """Cancel `jobs` at once, wait until each has ended, and abort what they were about to write.

    Raises:
        FlinkError: one has not ended in time.
    """
    for job in jobs:
        rest.cancel(job.id)
    _wait_ended(rest, [job.id for job in jobs])
    _abort_leftovers(servers, pipeline, report)


def cancel_all(settings: Settings, report: Report) -> list[Job]:
    """Cancel both jobs at once; return those that were active.

    Raises:
        FlinkError: one has not ended in time.
    """
    with exclusive(settings.home, JOBS, "cancel", report):
        own.end_sql_client(settings, report)
        rest = FlinkRest(settings.flink_rest)
        running = active_jobs(rest)
        pipeline = submission.current_pipeline(settings) or settings.pipeline()
        cancel(rest, settings.servers, pipeline, running, report)
        return running


def _abort_leftovers(servers: Servers, pipeline: Pipeline, report: Report) -> None:
    """A task that was killed leaves its transaction open, and every reader of committed rows would wait behind it."""
    prefixes = [pipeline.transactions(topic) for topic in pipeline.final_topics]
    try:
        transactions.abort(servers, transactions.open_ids(servers, prefixes))
    except BrokerError as error:
        report(f"Rows that were not committed may hold readers up for {pipeline.transaction_timeout}: {error.what}.")


def stop(settings: Settings, report: Report) -> list[Job]:
    """End both jobs after everything that they have computed is committed; what can't commit now is cancelled.

    Returns:
        The jobs that were active.

    Raises:
        FlinkError: a job could not commit, or has not ended in time.
    """
    with exclusive(settings.home, JOBS, "stop", report):
        return _stop(settings, report)


def _stop(settings: Settings, report: Report) -> list[Job]:
    own.end_sql_client(settings, report)
    rest = FlinkRest(settings.flink_rest)
    jobs = active_jobs(rest)
    stuck = [job for job in jobs if job.state != "RUNNING" or job.reason]
    for job in stuck:
        report(f"{job.name} is {job.state} and can commit nothing now: it is cancelled.")
        rest.cancel(job.id)
    for job in jobs:
        if job not in stuck:
            rest.dispose(_stop_one(rest, job))
    _wait_ended(rest, [job.id for job in jobs])
    if stuck:
        submitted = submission.current_pipeline(settings) or settings.pipeline()
        _abort_leftovers(settings.servers, submitted, report)
    return jobs


def stop_with_savepoint(settings: Settings, now_s: float, report: Report) -> Savepoint:
    """End both jobs and keep their state, so that `submit --from-savepoint` goes on where they ended.

    The alerts' job ends last, when it has seen every CTR row: so each row is judged by one rule, before or after.

    Args:
        settings: the settings.
        now_s: the clock, seconds since the epoch; it names the savepoint.
        report: told what happens.

    Raises:
        FlinkError: a job does not run, or its savepoint failed.
        BrokerError: the broker does not answer.
    """
    with exclusive(settings.home, JOBS, "stop", report):
        return _stop_with_savepoint(settings, now_s, report)


def _stop_with_savepoint(settings: Settings, now_s: float, report: Report) -> Savepoint:
    own.require_no_sql_client(settings)
    rest = FlinkRest(settings.flink_rest)
    jobs = {job.name: job for job in active_jobs(rest)}
    submitted = submission.current(settings)
    _require_both_running(jobs)
    if submitted is None:
        raise FlinkError("the running jobs were not submitted from here", mend="`adclick stop` ends them.")
    own.require_judged(settings, rest, list(jobs.values()))
    pipeline = submitted.pipeline
    paths = {}
    for name in render.JOBS:
        if name == render.JOB_ANOMALY:
            _wait_caught_up(settings.servers, pipeline)
        report(f"Stopping {name} with a savepoint …")
        paths[name] = _stop_one(rest, jobs[name])
    _wait_ended(rest, [job.id for job in jobs.values()])
    ends = admin.end_offsets(settings.servers, pipeline.final_topics)
    taken = Savepoint(savepoints.name_at(now_s), submitted, fit.stages(pipeline), paths, ends)
    savepoints.save(settings, taken)
    return taken


def _require_both_running(jobs: dict[str, Job]) -> None:
    wrong = []
    for name in render.JOBS:
        job = jobs.get(name)
        if job is None:
            wrong.append(f"{name} does not run.")
        elif job.state != "RUNNING" or job.reason:
            wrong.append(f"{name} is {job.state}. {job.reason}".strip())
    if wrong:
        raise FlinkError(
            "a savepoint needs both jobs running",
            "\n".join(wrong),
            "Wait until `adclick jobs` shows both RUNNING, or end them without one: `adclick stop`, `adclick cancel`.",
        )


def _stop_one(rest: FlinkRest, job: Job) -> str:
    """Stop one job; return the place of its savepoint."""
    trigger = rest.stop(job.id)
    deadline = time.monotonic() + SAVEPOINT_DEADLINE_S
    while True:
        try:
            place = rest.savepoint(job.id, trigger)
        except FlinkError as error:
            raise FlinkError(
                f"{job.name} could not be stopped with a savepoint",
                error.why,
                "It goes on. Look at `adclick jobs`; `adclick cancel` ends it without one.",
            ) from error
        if place:
            return place
        if time.monotonic() > deadline:
            raise FlinkError(
                f"the savepoint of {job.name} is not there after {SAVEPOINT_DEADLINE_S:.0f} s",
                mend="Look at `adclick logs taskmanager`; `adclick cancel` ends the job without one.",
            )
        time.sleep(POLL_S)


def _wait_caught_up(servers: Servers, pipeline: Pipeline) -> None:
    """Wait until the alerts' job has read every CTR row, which it says with its next checkpoint."""
    topic = pipeline.topics.ctr
    patience = pipeline.checkpoint_interval.seconds + CAUGHT_UP_SLACK_S
    deadline = time.monotonic() + patience
    while holds_beyond(servers, topic, admin.group_offsets(servers, pipeline.group(topic), topic)):
        if time.monotonic() > deadline:
            raise FlinkError(
                f"{render.JOB_ANOMALY} has not read all of {topic} after {patience:.0f} s",
                f"{render.JOB_CTR} has stopped; its rows are committed.",
                "`adclick stop` ends the other job, too; `adclick submit --replace` computes all anew.",
            )
        time.sleep(POLL_S * 5)


def _wait_ended(rest: FlinkRest, ids: Sequence[str]) -> None:
    wanted = set(ids)
    deadline = time.monotonic() + ENDING_DEADLINE_S
    while wanted:
        wanted -= {job.id for job in rest.jobs() if not job.active}
        if wanted and time.monotonic() > deadline:
            raise FlinkError(
                f"{len(wanted)} jobs have not ended within {ENDING_DEADLINE_S:.0f} s",
                ", ".join(sorted(wanted)),
                "Look at `adclick logs jobmanager`.",
            )
        if wanted:
            time.sleep(POLL_S)
