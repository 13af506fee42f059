"""The two jobs: `adclick jobs` lists them, `stop` and `cancel` end them, `savepoints` lists what `stop` kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from adclick_cli.commands.options import OUTPUT, TARGET

if TYPE_CHECKING:
    from adclick_cli.flink.rest import FlinkRest, Job


def jobs(target: str | None = TARGET, output: str | None = OUTPUT) -> None:
    """List the jobs that Flink knows, newest first, and why one does not run."""
    from adclick_cli import settings
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    found = FlinkRest(settings.load(flink_url=target).flink_rest).jobs()
    console.write_jobs(found, output)
    console.next_step("adclick watch ctr" if any(job.active for job in found) else "adclick submit")


def stop(
    savepoint: bool = typer.Option(
        False, "--savepoint", help="Keep the jobs' state: `submit --from-savepoint latest` goes on from there."
    ),
    target: str | None = TARGET,
    output: str | None = OUTPUT,
) -> None:
    """End both jobs when all that they have computed is committed. The cluster, the events and the results stay."""
    import time

    from adclick_cli import settings
    from adclick_cli.flink import stopping
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console
    from adclick_cli.views import savepoints as view

    loaded = settings.load(flink_url=target)
    if savepoint:
        view.show([stopping.stop_with_savepoint(loaded, time.time(), console.say)], output)
        console.next_step("adclick submit --from-savepoint latest")
        return
    _show_ended(FlinkRest(loaded.flink_rest), stopping.stop(loaded, console.say), output)


def cancel(target: str | None = TARGET, output: str | None = OUTPUT) -> None:
    """End both jobs at once; rows that are not committed yet are dropped."""
    from adclick_cli import settings, submission
    from adclick_cli.flink import stopping
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    loaded = settings.load(flink_url=target)
    rest = FlinkRest(loaded.flink_rest)
    running = stopping.active_jobs(rest)
    pipeline = submission.current_pipeline(loaded) or loaded.pipeline()
    stopping.cancel(rest, loaded.servers, pipeline, running, console.say)
    _show_ended(rest, running, output)


def _show_ended(rest: FlinkRest, ended: Sequence[Job], output: str | None) -> None:
    from adclick_cli.views import console

    ids = [job.id for job in ended]
    if ids:
        console.write_jobs([job for job in rest.jobs() if job.id in ids], output)
    else:
        console.say("No job of adclick was running.")
    console.next_step("adclick submit --replace, or adclick down")


def savepoints(output: str | None = OUTPUT) -> None:
    """List the savepoints, newest first."""
    from adclick_cli import savepoints as core
    from adclick_cli import settings
    from adclick_cli.views import console
    from adclick_cli.views import savepoints as view

    view.show(core.known(settings.load()), output)
    console.next_step("adclick submit --from-savepoint latest")
