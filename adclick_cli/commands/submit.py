"""`adclick submit`: render both jobs and submit them through sql-client."""

from __future__ import annotations

from typing import Any

import typer

from adclick_cli.commands.options import OUTPUT
from adclick_cli.commands.pipeline_flags import BOUNDED, with_pipeline_flags


@with_pipeline_flags
def submit(
    flags: dict[str, Any],
    replace: bool = typer.Option(
        False, "--replace", help="End what runs, empty the result topics and compute all anew from the raw events."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the SQL and submit nothing."),
    bounded: bool = BOUNDED,
    output: str | None = OUTPUT,
) -> None:
    """Submit both jobs; they run when this returns (with --bounded: they have finished)."""
    from adclick_cli import settings
    from adclick_cli.sql.render import script
    from adclick_cli.views import console

    loaded = settings.load(**flags)
    pipeline = loaded.pipeline(bounded=bounded)
    if dry_run:
        console.write(script(pipeline))
        return
    from adclick_cli.flink.submit import submit as core

    jobs = core(loaded, pipeline, replace=replace, report=console.say)
    console.write_jobs(jobs, output)
    console.next_step("adclick verify" if bounded else "adclick generate, then adclick watch ctr")
