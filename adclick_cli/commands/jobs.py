"""The two jobs: `adclick jobs` lists them, `stop` and `cancel` end them, `savepoints` lists what `stop` kept."""

from __future__ import annotations

import typer

from adclick_cli.commands.options import OUTPUT, TARGET


def jobs(target: str | None = TARGET, output: str | None = OUTPUT) -> None:
    """List the jobs that Flink knows, newest first, and why one does not run."""
    from adclick_cli import settings
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    console.write_jobs(FlinkRest(settings.load(flink_url=target).flink_rest).jobs(), output)


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
    from adclick_cli.views import console
    from adclick_cli.views import savepoints as view

    loaded = settings.load(flink_url=target)
    if savepoint:
        view.show([stopping.stop_with_savepoint(loaded, time.time(), console.say)], output)
        console.next_step("adclick submit --from-savepoint latest")
        return
    ended = stopping.stop(loaded, console.say)
    for job in ended:
        console.say(f"Ended {job.name} ({job.id}).")
    if not ended:
        console.say("No job of adclick was running.")
    console.next_step("adclick submit --replace, or adclick down")


def cancel(target: str | None = TARGET) -> None:
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
    for job in running:
        console.say(f"Cancelled {job.name} ({job.id}).")
    if not running:
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
