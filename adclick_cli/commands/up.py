"""`adclick up` and `adclick down`: the cluster's life."""

from __future__ import annotations

import typer

from adclick_cli.commands.options import KAFKA_PORT, UI_PORT

RUNTIME = typer.Option(None, "--runtime", metavar="auto|local|compose", help="Where the cluster runs. Default: auto.")


def up(
    runtime: str | None = RUNTIME,
    kafka_port: int | None = KAFKA_PORT,
    ui_port: int | None = UI_PORT,
) -> None:
    """Bring up broker, JobManager and TaskManager with the topics; harmless where they run."""
    from adclick_cli import settings
    from adclick_cli.runtime.choose import start
    from adclick_cli.views import console, progress

    loaded = settings.load(runtime=runtime, kafka_port=kafka_port, ui_port=ui_port)
    with progress.downloads() as told:
        start(loaded, told, console.say)
    console.say(f"The cluster is up. Broker: {loaded.servers}. Flink's UI: {loaded.flink_rest}")
    console.next_step("adclick submit")


def down(
    delete_data: bool = typer.Option(False, "--volumes", "-v", help="Also delete all data; only the jars stay."),
    runtime: str | None = RUNTIME,
) -> None:
    """Stop the cluster. Events and results stay on disk unless -v is given."""
    from adclick_cli import settings
    from adclick_cli.runtime.choose import choose
    from adclick_cli.views import console

    choose(settings.load(runtime=runtime)).down(delete_data=delete_data, report=console.say)
    console.say("The cluster is down.")
