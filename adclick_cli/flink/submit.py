"""Submitting the two jobs and seeing them run, from the first raw event on or from a savepoint."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as replace_fields

from adclick_cli import savepoints, schema, submission
from adclick_cli.broker import admin
from adclick_cli.broker.whole import holds_beyond
from adclick_cli.errors import AlreadyRunningError, BrokerError, FlinkError, SavepointError
from adclick_cli.exclusive import JOBS, exclusive, folder
from adclick_cli.flink import gateway, own, sqlclient, tables
from adclick_cli.flink.lookout import Lookout
from adclick_cli.flink.rest import FlinkRest, Job, root_causes
from adclick_cli.flink.stopping import active_jobs, cancel
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.remote import require_home_without_cluster
from adclick_cli.savepoints import Savepoint
from adclick_cli.security import Servers
from adclick_cli.settings import Settings, shown
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
        AlreadyRunningError: jobs or results of an earlier submission are there and `replace` was not asked for, or the
            jobs are another home's.
        RuntimeFailure: another command starts or ends jobs and does not end in time.
        FlinkError: Flink refused a statement, or a job failed.
        BrokerError: the broker does not answer, or died and has the deleted results back.
    """
    require_home_without_cluster(settings)
    with _alone(settings, report) as release:
        return _submit(settings, pipeline, replace=replace, report=report, release=release)


def _submit(
    settings: Settings, pipeline: Pipeline, *, replace: bool, report: Report, release: Callable[[], None]
) -> list[Job]:
    _require_way(settings, report)
    rest = FlinkRest(settings.flink_rest)
    pipeline = inside(settings, pipeline)
    # A sink waits for ever for a topic that is not there.
    admin.ensure_topics(
        settings.servers, admin.topic_names(pipeline.topics, (*schema.EVENTS, schema.TRUTH, *pipeline.outputs))
    )
    emptied = _make_room(settings, rest, pipeline, replace=replace, report=report)
    jobs = _start(settings, rest, Submission(pipeline, (), pipeline.fingerprint), {}, report, release)
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
    with _alone(settings, report) as release:
        return _resume(settings, pipeline, savepoint, report, release)


def _resume(
    settings: Settings, pipeline: Pipeline, savepoint: Savepoint, report: Report, release: Callable[[], None]
) -> list[Job]:
    _require_way(settings, report)
    rest = FlinkRest(settings.flink_rest)
    pipeline = inside(settings, pipeline)
    require_fit(savepoint, pipeline)
    own.require_no_sql_client(settings)
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
        submitted = Submission(pipeline, earlier, pipeline.fingerprint)
        return _start(settings, rest, submitted, savepoint.paths, report, release)
    except AlreadyRunningError:
        raise
    except FlinkError as error:
        cancel(rest, settings.servers, pipeline, active_jobs(rest), report)
        if any(sign in str(error) for sign in _RESTORE_SIGNS):
            raise SavepointError(
                f"Flink cannot restore savepoint {savepoint.name}",
                error.why,
                "`adclick submit --replace` computes all anew from the raw events.",
            ) from error
        raise


@contextmanager
def _alone(settings: Settings, report: Report) -> Iterator[Callable[[], None]]:
    """Hold the home's jobs inside; a home that nothing can be submitted from stays as it is."""
    if not folder(settings.home).is_dir():
        _require_way(settings, report)
        folder(settings.home).mkdir(parents=True, exist_ok=True, mode=0o700)
    with exclusive(settings.home, JOBS, "submit", report) as release:
        yield release


def _require_way(settings: Settings, report: Report) -> None:
    """Check that there is a way to submit to this home's own cluster, before anything is ended or emptied."""
    if settings.via == "gateway":
        choose(settings).gateway(report)
    else:
        choose(settings).sql_client_command(report)


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
    settings: Settings,
    rest: FlinkRest,
    submitted: Submission,
    state: dict[str, str],
    report: Report,
    release: Callable[[], None],
) -> list[Job]:
    """Write down what is wanted, and start both jobs; half of them, or none, are ended again.

    `release` lets others end the jobs. It is called early where the jobs end by themselves, which may take long.
    """
    report(f"Submitting through {VIA[settings.via]} …")
    script = render.script(submitted.pipeline, tables.connected(settings, submitted.pipeline), state)
    bounded = submitted.pipeline.bounded
    known = {job.id for job in rest.jobs()}
    forget = submission.save(settings, submitted)
    try:
        started = run_script(
            settings, rest, script, "submit", report, side_by_side=not bounded, begun=release if bounded else None
        )
    except (FlinkError, KeyboardInterrupt):
        # Half of a submission would write rows that the next attempt writes again.
        # The lock may be given back: then a later submission's jobs may be there, too.
        new = [job for job in active_jobs(rest) if job.id not in known]
        ours = [job for job in new if own.mark(rest, job, submitted.fingerprint) == submitted.fingerprint]
        cancel(rest, settings.servers, submitted.pipeline, ours, report)
        forget()
        raise
    by_name = {job.name: job.id for job in started}
    ids = [by_name[name] for name in render.JOBS if name in by_name]
    if len(ids) != len(render.JOBS):
        raise FlinkError(
            f"{VIA[settings.via]} started {len(ids)} of {len(render.JOBS)} jobs",
            mend="Look at `adclick logs jobmanager`.",
        )
    if not bounded:
        _require_no_others(settings, rest, submitted.pipeline, ids, report)
    (require_finished if bounded else wait_running)(rest, ids)
    by_id = {job.id: job for job in rest.jobs()}
    return [by_id[job_id] for job_id in ids]


def _require_no_others(
    settings: Settings, rest: FlinkRest, pipeline: Pipeline, ids: Sequence[str], report: Report
) -> None:
    """End our jobs where a command of another home, or a sql-client in a container, has started the same at once."""
    others = [job for job in active_jobs(rest) if job.id not in ids]
    if not others:
        return
    cancel(rest, settings.servers, pipeline, [job for job in active_jobs(rest) if job.id in ids], report)
    raise AlreadyRunningError(
        "another submission started at the same time",
        "\n".join(f"{job.name} is {job.state} (job {job.id})." for job in others)
        + "\nBoth would write the same rows. The jobs of this submission were ended.",
        "`adclick submit --replace` ends the others, empties the result topics and computes all anew.",
    )


def run_script(
    settings: Settings,
    rest: FlinkRest,
    script: str,
    name: str,
    report: Report,
    *,
    side_by_side: bool = False,
    begun: Callable[[], None] | None = None,
) -> list[Job]:
    """Run a script the way that the settings say, and return the jobs that it has started, oldest first.

    Args:
        settings: the settings.
        rest: of the cluster.
        script: whose tables are those of `tables.connected`.
        name: under which sql-client's script is kept in the home.
        report: told what is started for it.
        side_by_side: no job of the script needs another one to have ended: a gateway may plan them at the same time.
        begun: called once, when the first job of the script exists and the script still runs.

    Raises:
        FlinkError: Flink refused a statement, or a service died and did not come back.
    """
    known = {job.id for job in rest.jobs()}
    tables.hand_over_secrets(settings)
    runtime = choose(settings)
    lookout = Lookout(runtime, report)

    def look() -> None:
        nonlocal begun
        lookout()
        if begun is not None and any(job.id not in known for job in _jobs(rest)):
            begun()
            begun = None

    if settings.via == "gateway":
        gateway.run(runtime.gateway(report), script, look, side_by_side=side_by_side)
    else:
        sqlclient.run(runtime.sql_client_command(report), script, settings.home / "run" / f"{name}.sql", look)
    # Not the ids that sql-client prints: it prints none for a job that it waited for.
    return [job for job in reversed(rest.jobs()) if job.id not in known]


def _jobs(rest: FlinkRest) -> list[Job]:
    """Those that the JobManager knows; none while it does not answer."""
    try:
        return rest.jobs()
    except FlinkError:
        return []


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
    outputs = admin.topic_names(topics, pipeline.outputs)
    if replace:
        own.end_sql_client(settings, report)
    else:
        own.require_no_sql_client(settings)
    running = active_jobs(rest)
    strangers = own.of_others(settings, rest, running)
    filled = [topic for topic, count in admin.message_counts(servers, outputs).items() if count]
    if (running or filled) and not replace:
        why = [f"{job.name} is {job.state} (job {job.id})." for job in running]
        why += [f"Job {job.id} was not submitted from this home." for job in strangers]
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
    if strangers and settings.flink_url:
        raise AlreadyRunningError(
            f"jobs of another home run on {shown(settings.flink_rest)}",
            "\n".join(f"{job.name} is {job.state} (job {job.id})." for job in strangers),
            "End them where they were submitted. `adclick cancel` ends them from here, too.",
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
    for left in (settings.home / "checkpoints").glob("*"):
        if left.is_dir() and left.name not in kept:
            shutil.rmtree(left, ignore_errors=True)


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
