"""The two jobs: `adclick jobs` lists them, `stop` and `cancel` end them, `savepoints` lists what `stop` kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from adclick_cli.commands.options import OUTPUT, TARGET

if TYPE_CHECKING:
    from adclick_cli.flink.rest import Job
    from adclick_cli.settings import Settings


def jobs(target: str | None = TARGET, output: str | None = OUTPUT) -> None:
    """List the jobs that Flink knows, newest first, and why one does not run."""
    from adclick_cli import settings
    from adclick_cli.flink import health
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    loaded = settings.load(flink_url=target)
    rest = FlinkRest(loaded.flink_rest)
    found = rest.jobs()
    looks = {name: health.look(rest, job) for name, job in health.newest(found).items()}
    trouble = health.sentence(looks)
    if trouble:
        console.say(trouble)
    console.write_jobs(found, output)
    console.next_step(health.next_step(loaded, looks))


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
    _show_ended(loaded, stopping.stop(loaded, console.say), output)


def cancel(target: str | None = TARGET, output: str | None = OUTPUT) -> None:
    """End both jobs at once; rows that are not committed yet are dropped."""
    from adclick_cli import settings
    from adclick_cli.flink import stopping
    from adclick_cli.views import console

    loaded = settings.load(flink_url=target)
    _show_ended(loaded, stopping.cancel_all(loaded, console.say), output)


def _show_ended(loaded: Settings, ended: Sequence[Job], output: str | None) -> None:
    from adclick_cli.flink import health
    from adclick_cli.flink.rest import FlinkRest
    from adclick_cli.views import console

    ids = [job.id for job in ended]
    if ids:
        console.write_jobs([job for job in FlinkRest(loaded.flink_rest).jobs() if job.id in ids], output)
    else:
        console.say("No job of adclick was running.")
    console.next_step(f"{health.next_submit(loaded)}, or adclick down")


def savepoints(output: str | None = OUTPUT) -> None:
    """List the savepoints, newest first."""
    from adclick_cli import savepoints as core
    from adclick_cli import settings
    from adclick_cli.views import console
    from adclick_cli.views import savepoints as view

    found = core.known(settings.load())
    view.show(found, output)
    console.next_step("adclick submit --from-savepoint latest" if found else "adclick stop --savepoint")
