"""`adclick status` and `adclick logs`: what is there, and what it says."""

from __future__ import annotations

import typer

from adclick_cli.commands.options import OUTPUT, TARGET
from adclick_cli.errors import EXIT_DIFFERENCES


def status(
    wait: float | None = typer.Option(
        None, "--wait", metavar="SECONDS", help="Wait so long for every service and job to run; exit 3 if one does not."
    ),
    target: str | None = TARGET,
    output: str | None = OUTPUT,
) -> None:
    """Show services, jobs and topics."""
    from adclick_cli import settings
    from adclick_cli import status as core
    from adclick_cli.views import console
    from adclick_cli.views import status as view

    loaded = settings.load(flink_url=target)
    found = core.wait_healthy(loaded, wait or 0)
    view.show(found, output)
    console.next_step(core.next_step(loaded, found))
    if wait is not None and not found.healthy:
        raise typer.Exit(EXIT_DIFFERENCES)


def logs(
    service: str | None = typer.Argument(
        None, metavar="[SERVICE]", help="broker, zookeeper, jobmanager, taskmanager, gateway, supervisor or heartbeat."
    ),
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on as lines come; Ctrl-C ends."),
    tail: int = typer.Option(100, "--tail", min=0, help="How many lines to show first."),
) -> None:
    """Print the services' logs."""
    from adclick_cli import settings
    from adclick_cli.runtime.choose import choose
    from adclick_cli.views import console

    for line in choose(settings.load()).logs(service, follow=follow, tail=tail):
        console.write(line + "\n")
    console.next_step("adclick doctor")
