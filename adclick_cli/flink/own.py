"""Which jobs and which sql-client are this home's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adclick_cli import submission
from adclick_cli.errors import AlreadyRunningError, FlinkError
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.runtime import service
from adclick_cli.settings import Settings
from adclick_cli.sql import render

Report = Callable[[str], None]


def of_others(settings: Settings, rest: FlinkRest, jobs: Sequence[Job]) -> list[Job]:
    """Those of `jobs` that say of themselves that they are none of this home's last submission.

    Jobs without a fingerprint come from an older adclick, or from a script without one: nobody can tell.
    """
    submitted = submission.current(settings)
    if submitted is not None and not submitted.fingerprint:
        return []
    own = submitted.fingerprint if submitted else ""
    return [job for job in jobs if mark(rest, job, own) != own]


def mark(rest: FlinkRest, job: Job, otherwise: str) -> str:
    """The fingerprint that a job carries; `otherwise` where it carries none."""
    try:
        return rest.parameters(job.id).get(render.MARK, otherwise)
    except FlinkError:
        # It has ended meanwhile and is forgotten.
        return otherwise


def require_judged(settings: Settings, rest: FlinkRest, jobs: Sequence[Job]) -> None:
    """Check that the parameters that this home remembers are those of the jobs that run.

    Raises:
        FlinkError: they are not.
    """
    strangers = of_others(settings, rest, jobs)
    if strangers:
        raise FlinkError(
            "the running jobs have other parameters than the last submission from this home",
            "\n".join(f"{job.name} (job {job.id}) was submitted from another home or by hand." for job in strangers),
            "Use the home that submitted them (ADCLICK_HOME), or compute all anew: `adclick submit --replace`.",
        )


def require_current(settings: Settings) -> None:
    """The same of the jobs that run now; nothing is checked where Flink does not answer.

    Raises:
        FlinkError: they have other parameters.
    """
    rest = FlinkRest(settings.flink_rest)
    try:
        running = [job for job in rest.jobs() if job.name in render.JOBS and job.active]
    except FlinkError:
        return
    require_judged(settings, rest, running)


def require_no_sql_client(settings: Settings) -> None:
    """Check that nothing submits jobs for this home.

    Raises:
        AlreadyRunningError: a sql-client does.
    """
    found = service.sql_client(settings.home).running()
    if found:
        raise AlreadyRunningError(
            "a submission is there already",
            f"Its sql-client (pid {found.pid}) is still submitting jobs.",
            "Wait until it has ended; `adclick submit --replace` ends it and computes all anew.",
        )


def end_sql_client(settings: Settings, report: Report) -> None:
    """End what would start more jobs; harmless where nothing does."""
    client = service.sql_client(settings.home)
    found = client.running()
    if found:
        report(f"Ending the sql-client (pid {found.pid}) of an earlier submission …")
    client.stop()
