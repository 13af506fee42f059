"""Whether adclick's two jobs run: the sentence that every command says first, and the command that follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adclick_cli import savepoints, submission
from adclick_cli.errors import AdclickError
from adclick_cli.flink.rest import FlinkRest, Job, root_causes
from adclick_cli.settings import Settings
from adclick_cli.sql.render import JOBS


@dataclass(frozen=True)
class JobHealth:
    """One job, and what it went through.

    Attributes:
        job: as the JobManager sees it.
        restarts: how often it was restarted.
        failed_ms: when its newest failure was, ms since the epoch; 0 without one.
        checkpoint_ms: when its newest completed checkpoint was triggered; None where none is since its last restart.
        cause: the newest failure's root exception, one line, or empty.
    """

    job: Job
    restarts: int = 0
    failed_ms: int = 0
    checkpoint_ms: int | None = None
    cause: str = ""

    @property
    def ended_on_purpose(self) -> bool:
        """Whether it came to its own end, or the user ended it."""
        return self.job.state in ("FINISHED", "CANCELED")

    @property
    def trouble(self) -> str:
        """Why it writes no rows now, a sentence; empty where it runs or has come to its own end.

        A job that fails again and again is RUNNING between two failures. So one that has not completed a checkpoint
        since its newest failure counts as restarting: it commits no row.
        """
        job = self.job
        why = job.reason or self.cause
        if job.state == "RUNNING" and job.reason:
            return f"{job.name} is RUNNING, but {job.reason}"
        if job.state == "RUNNING" and self.restarts and (self.checkpoint_ms or 0) < self.failed_ms:
            times = "once" if self.restarts == 1 else f"{self.restarts} times"
            return (
                f"{job.name} was restarted {times} and has completed no checkpoint since: no row is committed. {why}"
            ).strip()
        if job.state in ("RUNNING", "FINISHED"):
            return ""
        return f"{job.name} is {job.state}. {why}".strip()


def newest(jobs: Sequence[Job]) -> dict[str, Job]:
    """By name the newest of each of adclick's jobs; an earlier run under the same name is history.

    Args:
        jobs: newest first, as `FlinkRest.jobs` gives them.
    """
    found: dict[str, Job] = {}
    for job in jobs:
        if job.name in JOBS:
            found.setdefault(job.name, job)
    return {name: found[name] for name in JOBS if name in found}


def look(rest: FlinkRest, job: Job) -> JobHealth:
    """Ask Flink what a job went through.

    Raises:
        FlinkError: Flink does not answer.
    """
    failed_ms, trace = rest.newest_failure(job.id)
    if not failed_ms and job.state == "RUNNING":
        return JobHealth(job)
    latest = (rest.checkpoint_statistics(job.id).get("latest") or {}).get("completed") or {}
    causes = root_causes(trace).splitlines()
    return JobHealth(
        job, rest.restarts(job.id), failed_ms, latest.get("trigger_timestamp"), causes[-1] if causes else ""
    )


def troubles(health: Mapping[str, JobHealth], *, submitted: bool = True) -> list[str]:
    """What is wrong with the jobs, a sentence for each; empty where both run or have finished.

    Args:
        health: by name, as `look` tells.
        submitted: whether both jobs ought to be there.
    """
    missing = [f"{name} does not run: Flink does not know it." for name in JOBS if submitted and name not in health]
    return [one.trouble for one in health.values() if one.trouble] + missing


def of_cluster(rest: FlinkRest) -> dict[str, JobHealth]:
    """The newest of each of adclick's jobs, by name.

    Raises:
        FlinkError: Flink does not answer.
    """
    return {name: look(rest, job) for name, job in newest(rest.jobs()).items()}


def seen(settings: Settings) -> dict[str, JobHealth]:
    """`of_cluster` of this home's Flink, or of the one that the settings name; empty where it does not answer."""
    try:
        return of_cluster(FlinkRest(settings.flink_rest))
    except AdclickError:
        return {}


def sentence(health: Mapping[str, JobHealth]) -> str:
    """What is wrong with the jobs, for people; empty where both run, or where Flink knows none."""
    return " ".join(troubles(health, submitted=bool(health)))


def next_submit(settings: Settings) -> str:
    """The command that gets the jobs to run where none does; it does not throw away what a savepoint keeps."""
    if savepoints.waiting(settings) is not None:
        return "adclick submit --from-savepoint latest"
    return "adclick submit --replace" if submission.made(settings) else "adclick submit"


def next_step(settings: Settings, health: Mapping[str, JobHealth], then: str = "adclick watch ctr") -> str:
    """The next useful command.

    Args:
        settings: for what is kept in the home.
        health: the newest of each job, by name.
        then: what follows where all is well.
    """
    if not any(one.job.active for one in health.values()):
        return next_submit(settings)
    return "adclick doctor, or adclick logs taskmanager" if troubles(health) else then
