"""`adclick jobs`: what runs. `adclick stop`: end both jobs."""

from __future__ import annotations

from adclick_cli.commands.options import OUTPUT


def jobs(output: str | None = OUTPUT) -> None:
    """List the jobs that Flink knows, newest first."""
    from adclick_cli import settings
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    console.write_jobs(FlinkRest(settings.load().flink_rest).jobs(), output)


def stop() -> None:
    """End both jobs. The cluster, the events and the results stay."""
    from adclick_cli import settings
    from adclick_cli.flink import submit
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    rest = FlinkRest(settings.load().flink_rest)
    running = submit.active_jobs(rest)
    submit.end(rest, running)
    for job in running:
        console.say(f"Ended {job.name} ({job.id}).")
    if not running:
        console.say("No job of adclick was running.")
    console.next_step("adclick submit --replace, or adclick down")
