"""Submitting the two jobs and seeing them run, from the first raw event on or from a savepoint."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace as replace_fields

from adclick_cli import savepoints, schema, submission
from adclick_cli.broker import admin
from adclick_cli.broker.whole import holds_beyond
from adclick_cli.errors import AlreadyRunningError, BrokerError, FlinkError, SavepointError
from adclick_cli.flink import gateway, sqlclient, tables
from adclick_cli.flink.lookout import Lookout
from adclick_cli.flink.rest import FlinkRest, Job, root_causes
from adclick_cli.flink.stopping import active_jobs, cancel
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.remote import require_home_without_cluster
from adclick_cli.savepoints import Savepoint
from adclick_cli.security import Servers
from adclick_cli.settings import Settings
from adclick_cli.sql import fit, render
from adclick_cli.submission import Submission

RUNNING_DEADLINE_S = 60.0
POLL_S = 0.1
VIA = {"sql-client": "sql-client", "gateway": "the SQL gateway"}
"""What a message calls the ways to submit."""

Report = Callable[[str], None]


def submit(settings: Settings, pipeline: Pipeline, *, replace: bool, report: Report) -> list[Job]:
    """Submit both jobs and return them, RUNNING (FINISHED where the pipeline is bounded).

    Everything is computed from the first raw event on, so results of an earlier submission must go first.

    Raises:
        AlreadyRunningError: jobs or results of an earlier submission are there and `replace` was not asked for.
        FlinkError: Flink refused a statement, or a job failed.
        BrokerError: the broker does not answer, or died and has the deleted results back.
    """
    require_home_without_cluster(settings)
    _require_way(settings, report)
    rest = FlinkRest(settings.flink_rest)
    pipeline = inside(settings, pipeline)
    # A sink waits for ever for a topic that is not there.
    admin.ensure_topics(settings.servers, admin.topic_names(pipeline.topics, schema.ALL))
    emptied = _make_room(settings, rest, pipeline, replace=replace, report=report)
    jobs = _start(settings, rest, Submission(pipeline), {}, report)
    _require_still_empty(settings.servers, emptied)
    return jobs


def resume(settings: Settings, pipeline: Pipeline, savepoint: Savepoint, report: Report) -> list[Job]:
    """Submit both jobs with the state of a savepoint and return them, RUNNING; all results stay.

    Args:
        settings: the settings.
        pipeline: the parameters, of which those in `fit.MAY_CHANGE` may differ from the savepoint's.
        savepoint: where to begin.
        report: told what happens.

    Raises:
        AlreadyRunningError: jobs run.
        SavepointError: the state means something else in `pipeline`, rows that it would write are there already, or
            Flink could not restore it.
        FlinkError: Flink refused a statement, or a job failed.
        BrokerError: the broker does not answer.
    """
    require_home_without_cluster(settings)
    _require_way(settings, report)
    rest = FlinkRest(settings.flink_rest)
    pipeline = inside(settings, pipeline)
    require_fit(savepoint, pipeline)
    running = active_jobs(rest)
    if running:
        raise AlreadyRunningError(
            "a submission is there already",
            "\n".join(f"{job.name} is {job.state} (job {job.id})." for job in running),
            "End it with `adclick stop --savepoint`, and go on from that one.",
        )
    _require_nothing_written_since(settings.servers, savepoint)
    earlier = savepoint.submission.earlier
    before = savepoint.submission.pipeline
    if before.rule != pipeline.rule:
        earlier = (*earlier, EarlierRule(before.rule, savepoint.ends[pipeline.topics.ctr]))
    report(f"Going on from savepoint {savepoint.name} …")
    try:
        return _start(settings, rest, Submission(pipeline, earlier), savepoint.paths, report)
    except FlinkError as error:
        cancel(rest, settings.servers, pipeline, active_jobs(rest), report)
        if any(sign in str(error) for sign in _RESTORE_SIGNS):
            raise SavepointError(
                f"Flink cannot restore savepoint {savepoint.name}",
                error.why,
                "`adclick submit --replace` computes all anew from the raw events.",
            ) from error
        raise


def _require_way(settings: Settings, report: Report) -> None:
    """See to it that the gateway is there before anything is ended or emptied."""
    if settings.via == "gateway":
        choose(settings).gateway(report)


def inside(settings: Settings, pipeline: Pipeline) -> Pipeline:
    """The same with the broker as Flink's processes reach it."""
    return replace_fields(pipeline, bootstrap_servers=choose(settings).flink_servers)


_RESTORE_SIGNS = ("savepoint", "Cannot map checkpoint", "restore", "_metadata")


def require_fit(savepoint: Savepoint, pipeline: Pipeline) -> None:
    """Check that the savepoint's state means the same in `pipeline`.

    Raises:
        SavepointError: it does not; the error names stages and parameters.
    """
    stages = fit.changed_stages(savepoint.stages, pipeline)
    if not stages:
        return
    parameters = fit.changed_parameters(savepoint.submission.pipeline, pipeline)
    raise SavepointError(
        f"savepoint {savepoint.name} does not fit: the stage{'s' if len(stages) > 1 else ''}"
        f" {', '.join(stages)} changed",
        "\n".join(parameters) or "The SQL is another one than that of the adclick that took the savepoint.",
        "Submit with the savepoint's own parameters (`adclick savepoints` shows them), or compute all anew:"
        " `adclick submit --replace`.",
    )


def _require_nothing_written_since(servers: Servers, savepoint: Savepoint) -> None:
    again = [topic for topic, ends in savepoint.ends.items() if holds_beyond(servers, topic, ends)]
    if again:
        raise SavepointError(
            f"rows were written after savepoint {savepoint.name}",
            f"{', '.join(again)} would hold them twice.",
            "Go on from the newest savepoint, or compute all anew: `adclick submit --replace`.",
        )


def _start(
    settings: Settings, rest: FlinkRest, submitted: Submission, state: dict[str, str], report: Report
) -> list[Job]:
    report(f"Submitting through {VIA[settings.via]} …")
    script = render.script(submitted.pipeline, tables.connected(settings, submitted.pipeline), state)
    side_by_side = not submitted.pipeline.bounded
    try:
        started = run_script(settings, rest, script, "submit", report, side_by_side=side_by_side)
    except FlinkError:
        # Half of a submission would write rows that the next attempt writes again.
        cancel(rest, settings.servers, submitted.pipeline, active_jobs(rest), report)
        raise
    by_name = {job.name: job.id for job in started}
    ids = [by_name[name] for name in render.JOBS if name in by_name]
    if len(ids) != len(render.JOBS):
        raise FlinkError(
            f"{VIA[settings.via]} started {len(ids)} of {len(render.JOBS)} jobs",
            mend="Look at `adclick logs jobmanager`.",
        )
    submission.save(settings, submitted)
    (require_finished if submitted.pipeline.bounded else wait_running)(rest, ids)
    by_id = {job.id: job for job in rest.jobs()}
    return [by_id[job_id] for job_id in ids]


def run_script(
    settings: Settings, rest: FlinkRest, script: str, name: str, report: Report, *, side_by_side: bool = False
) -> list[Job]:
    """Run a script the way that the settings say, and return the jobs that it has started, oldest first.

    Args:
        settings: the settings.
        rest: of the cluster.
        script: whose tables are those of `tables.connected`.
        name: under which sql-client's script is kept in the home.
        report: told what is started for it.
        side_by_side: no job of the script needs another one to have ended: a gateway may plan them at the same time.

    Raises:
        FlinkError: Flink refused a statement, or a service died and did not come back.
    """
    known = {job.id for job in rest.jobs()}
    tables.hand_over_secrets(settings)
    runtime = choose(settings)
    look = Lookout(runtime, report)
    if settings.via == "gateway":
        gateway.run(runtime.gateway(report), script, look, side_by_side=side_by_side)
    else:
        sqlclient.run(runtime.sql_client_command(report), script, settings.home / "run" / f"{name}.sql", look)
    # Not the ids that sql-client prints: it prints none for a job that it waited for.
    return [job for job in reversed(rest.jobs()) if job.id not in known]


def require_finished(rest: FlinkRest, ids: Sequence[str]) -> None:
    """Check that jobs came to their own end.

    Raises:
        FlinkError: one did not; with Flink's reason.
    """
    for job_id in ids:
        detail = rest.job(job_id)
        if detail["state"] != "FINISHED":
            raise FlinkError(
                f"{detail['name']} is {detail['state']}",
                root_causes(rest.failure(job_id)),
                "See the whole trace with `adclick logs jobmanager`.",
            )


def _require_still_empty(servers: Servers, emptied: dict[str, dict[int, int]]) -> None:
    """A broker that died right after it was told to empty a topic may have forgotten that."""
    back = admin.came_back(servers, emptied)
    if back:
        raise BrokerError(
            f"rows that were deleted are back in {', '.join(back)}",
            "The broker died before it had written down that they were deleted. The jobs write the same rows again.",
            "Run `adclick submit --replace` once more.",
        )


def _make_room(
    settings: Settings, rest: FlinkRest, pipeline: Pipeline, *, replace: bool, report: Report
) -> dict[str, dict[int, int]]:
    """End what runs and empty its topics, if that is wanted; return where the emptied ones begin."""
    topics, servers = pipeline.topics, settings.servers
    outputs = admin.topic_names(topics, (*schema.RESULTS, *schema.LIVE, *schema.EARLY))
    running = active_jobs(rest)
    filled = [topic for topic, count in admin.message_counts(servers, outputs).items() if count]
    if (running or filled) and not replace:
        why = [f"{job.name} is {job.state} (job {job.id})." for job in running]
        if filled:
            why.append(f"Rows of an earlier submission are in {', '.join(filled)}.")
        waits = None if running else savepoints.waiting(settings)
        if waits is not None:
            raise AlreadyRunningError(
                "results and a savepoint of an earlier submission are there",
                "\n".join(why),
                f"`adclick submit --from-savepoint latest` goes on from {waits}. `adclick submit --replace` throws"
                " its state and the results away, and computes all again.",
            )
        raise AlreadyRunningError(
            "a submission is there already",
            "\n".join(why),
            "`adclick submit --replace` ends the jobs, empties the result topics and computes all anew.",
        )
    for job in running:
        report(f"Ending {job.name} ({job.id}) …")
    cancel(rest, servers, pipeline, running, report)
    emptied: dict[str, dict[int, int]] = {}
    if filled:
        report(f"Emptying {', '.join(filled)} …")
        emptied = admin.delete_records(servers, filled)
    _drop_checkpoints(settings, rest)
    return emptied


def _drop_checkpoints(settings: Settings, rest: FlinkRest) -> None:
    """Delete what ended jobs left behind; it is kept until results are computed anew, and of no use after that."""
    if settings.flink_url:
        return  # Another cluster's: those in this home belong to jobs that `rest` does not know.
    kept = {job.id for job in rest.jobs() if job.active}
    for folder in (settings.home / "checkpoints").glob("*"):
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


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
