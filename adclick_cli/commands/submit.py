"""`adclick submit`: render both jobs and submit them through sql-client or a SQL gateway."""

from __future__ import annotations

from typing import Any

import typer

from adclick_cli.commands.options import OUTPUT, TARGET
from adclick_cli.commands.pipeline_flags import BOUNDED, with_pipeline_flags


@with_pipeline_flags
def submit(
    flags: dict[str, Any],
    replace: bool = typer.Option(
        False, "--replace", help="End what runs, empty the result topics and compute all anew from the raw events."
    ),
    from_savepoint: str | None = typer.Option(
        None,
        "--from-savepoint",
        metavar="latest|NAME|PATH",
        help="Go on from the state that `stop --savepoint` kept, with its parameters where no flag says otherwise;"
        " the results stay.",
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the SQL and submit nothing."),
    target: str | None = TARGET,
    bounded: bool = BOUNDED,
    via: str | None = typer.Option(
        None,
        "--via",
        metavar="sql-client|gateway",
        help="How the SQL gets to Flink. gateway: a process that `up --gateway` or the first such submission starts,"
        " and that stays; quicker from the second time on. Local runtime only. Default: sql-client.",
    ),
    output: str | None = OUTPUT,
) -> None:
    """Submit both jobs; they run when this returns (with --bounded: they have finished)."""
    from adclick_cli import savepoints, settings
    from adclick_cli.errors import ParameterError
    from adclick_cli.flink.tables import connected
    from adclick_cli.sql.render import script
    from adclick_cli.views import console

    begin = None
    if from_savepoint is not None:
        if replace or bounded:
            raise ParameterError(
                "from-savepoint",
                from_savepoint,
                "--replace and --bounded begin with the first raw event.",
                "Give --from-savepoint alone.",
            )
        begin = savepoints.find(settings.load(), from_savepoint)
        flags = begin.flags(flags)
    loaded = settings.load(**flags, flink_url=target, via=via)
    pipeline = loaded.pipeline(bounded=bounded)
    if dry_run:
        console.write(script(pipeline, connected(loaded, pipeline), begin.paths if begin else None))
        return
    from adclick_cli.flink import health
    from adclick_cli.flink import submit as core

    if begin is not None:
        jobs = core.resume(loaded, pipeline, begin, console.say)
    else:
        jobs = core.submit(loaded, pipeline, replace=replace, report=console.say)
    console.write_jobs(jobs, output)
    then = "adclick generate, then adclick watch ctr"
    # A job that fails at the first event is RUNNING before it.
    console.next_step("adclick verify" if bounded else health.next_step(loaded, health.seen(loaded), then))
