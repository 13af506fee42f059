"""Submitting the two jobs, seeing them run, and ending them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace as replace_fields

from adclick_cli import schema, submission
from adclick_cli.broker import admin
from adclick_cli.errors import AlreadyRunningError, FlinkError
from adclick_cli.flink import sqlclient
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.settings import Settings
from adclick_cli.sql import render

RUNNING_DEADLINE_S = 60.0
ENDING_DEADLINE_S = 60.0
POLL_S = 0.1

Report = Callable[[str], None]


def active_jobs(rest: FlinkRest) -> list[Job]:
    """Those of adclick's jobs that have not ended."""
    return [job for job in rest.jobs() if job.name in render.JOBS and job.active]


def submit(settings: Settings, pipeline: Pipeline, *, replace: bool, report: Report) -> list[Job]:
    """Submit both jobs and return them, RUNNING (FINISHED where the pipeline is bounded).

    Everything is computed from the first raw event on, so results of an earlier submission must go first.

    Raises:
        AlreadyRunningError: jobs or results of an earlier submission are there and `replace` was not asked for.
        FlinkError: Flink refused a statement, or a job failed.
        BrokerError: the broker does not answer.
    """
    rest = FlinkRest(settings.flink_rest)
    # A sink waits for ever for a topic that is not there.
    admin.ensure_topics(settings.servers, admin.topic_names(pipeline.topics, schema.ALL))
    _make_room(rest, settings.servers, pipeline, replace=replace, report=report)
    runtime = choose(settings)
    pipeline = replace_fields(pipeline, bootstrap_servers=runtime.flink_servers)
    client = runtime.sql_client_command()
    folder = settings.home / "run"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    report("Submitting through sql-client …")
    known = {job.id for job in rest.jobs()}
    sqlclient.run(client, render.script(pipeline), folder / "submit.sql")
    # Not the ids that sql-client prints: it prints none for a job that it waited for.
    ids = [job.id for job in reversed(rest.jobs()) if job.id not in known and job.name in render.JOBS]
    if len(ids) != len(render.JOBS):
        raise FlinkError(
            f"sql-client started {len(ids)} of {len(render.JOBS)} jobs", mend="Look at `adclick logs jobmanager`."
        )
    submission.save(settings, pipeline)
    (_require_finished if pipeline.bounded else wait_running)(rest, ids)
    by_id = {job.id: job for job in rest.jobs()}
    return [by_id[job_id] for job_id in ids]


def _require_finished(rest: FlinkRest, ids: Sequence[str]) -> None:
    for job_id in ids:
        detail = rest.job(job_id)
        if detail["state"] != "FINISHED":
            raise FlinkError(
                f"{detail['name']} is {detail['state']}",
                root_causes(rest.failure(job_id)),
                "See the whole trace with `adclick logs jobmanager`.",
            )


def _make_room(rest: FlinkRest, servers: str, pipeline: Pipeline, *, replace: bool, report: Report) -> None:
    topics = pipeline.topics
    outputs = admin.topic_names(topics, (*schema.RESULTS, *schema.LIVE))
    running = active_jobs(rest)
    filled = [topic for topic in outputs if _holds_rows(servers, topic)]
    if (running or filled) and not replace:
        why = [f"{job.name} is {job.state} (job {job.id})." for job in running]
        if filled:
            why.append(f"Rows of an earlier submission are in {', '.join(filled)}.")
        raise AlreadyRunningError(
            "a submission is there already",
            "\n".join(why),
            "`adclick submit --replace` ends the jobs, empties the result topics and computes all anew.",
        )
    for job in running:
        report(f"Ending {job.name} ({job.id}) …")
    end(rest, running)
    if filled:
        report(f"Emptying {', '.join(filled)} …")
        admin.delete_records(servers, filled)


def _holds_rows(servers: str, topic: str) -> bool:
    return any(low < high for low, high in admin.topic_offsets(servers, topic).values())


def end(rest: FlinkRest, jobs: Sequence[Job]) -> None:
    """Cancel `jobs` and wait until each has ended.

    Raises:
        FlinkError: one has not ended in time.
    """
    for job in jobs:
        rest.cancel(job.id)
    wanted = {job.id for job in jobs}
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


def wait_running(rest: FlinkRest, ids: Sequence[str]) -> None:
    """Wait until every task of every job runs.

    Raises:
        FlinkError: a job failed or restarts (with Flink's reason), or the tasks do not all run in time.
    """
    deadline = time.monotonic() + RUNNING_DEADLINE_S
    for job_id in ids:
        while True:
            detail = rest.job(job_id)
            states = {vertex["status"] for vertex in detail["vertices"]}
            if detail["state"] == "RUNNING" and states <= {"RUNNING", "FINISHED"}:
                break
            reason = rest.failure(job_id)
            if reason:
                raise FlinkError(
                    f"{detail['name']} is {detail['state']}",
                    root_causes(reason),
                    "See the whole trace with `adclick logs jobmanager`.",
                )
            if time.monotonic() > deadline:
                raise FlinkError(
                    f"{detail['name']} does not run after {RUNNING_DEADLINE_S:.0f} s",
                    f"The job is {detail['state']}, its tasks are {', '.join(sorted(states))}.",
                    "Are there free slots for --parallelism? Look at `adclick status` and `adclick logs taskmanager`.",
                )
            time.sleep(POLL_S)


def root_causes(trace: str) -> str:
    """The first line of a Java stack trace and its last `Caused by`, which is the reason."""
    lines = trace.splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return "\n".join(dict.fromkeys([lines[0], *causes[-1:]])) if lines else ""
