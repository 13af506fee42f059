"""`adclick up` and `adclick down`: the cluster's life."""

from __future__ import annotations

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import KAFKA_PORT, UI_PORT

RUNTIME = typer.Option(None, "--runtime", metavar="auto|local|compose", help="Where the cluster runs. Default: auto.")


def up(
    runtime: str | None = RUNTIME,
    kafka_port: int | None = KAFKA_PORT,
    ui_port: int | None = UI_PORT,
    listen: str | None = typer.Option(
        None,
        "--listen",
        metavar="ADDRESS",
        help=f"Where broker and Flink listen. Others than this machine's own are a risk. "
        f"Default: {defaults.BIND_ADDRESS}.",
    ),
    metrics: bool | None = typer.Option(
        None,
        "--metrics/--no-metrics",
        help=f"Also give Flink's metrics to Prometheus, on 127.0.0.1:{defaults.METRICS_JOBMANAGER_PORT} and"
        f" :{defaults.METRICS_TASKMANAGER_PORT}. Default: --no-metrics.",
    ),
    gateway: bool = typer.Option(
        False,
        "--gateway",
        help=f"Also start Flink's SQL gateway, on 127.0.0.1:{defaults.GATEWAY_PORT}, for `submit --via gateway`."
        " Local runtime only.",
    ),
    supervise: bool | None = typer.Option(
        None, "--supervise/--no-supervise", help="Also run a process that starts again what dies, until `adclick down`."
    ),
) -> None:
    """Bring up broker, JobManager and TaskManager with the topics, and the jobs that ran; harmless where they run."""
    from adclick_cli import mending, settings
    from adclick_cli.flink import health
    from adclick_cli.views import console, progress

    loaded = settings.load(
        runtime=runtime, kafka_port=kafka_port, ui_port=ui_port, listen=listen, metrics=metrics, gateway=gateway or None
    )
    if loaded.reachable:
        console.say(f"Warning: whoever reaches this machine at {loaded.listen} can run any code here, through Flink")
        console.say(f"(port {loaded.ui_port}), and read and write every topic (port {loaded.kafka_port}).")
        console.say("Nobody is asked for a password. Let nobody near but those you trust: a firewall, an SSH tunnel.")
    with progress.downloads() as told:
        chosen, jobs = mending.up(loaded, told, console.say)
    if supervise is not None:
        chosen.supervise(supervise, console.say)
    console.say(f"The cluster is up. Broker: {loaded.servers}. Flink's UI: {settings.shown(loaded.flink_rest)}")
    if loaded.metrics:
        ports = loaded.metrics_jobmanager_port, loaded.metrics_taskmanager_port
        console.say("Metrics: " + " and ".join(f"http://{defaults.BIND_ADDRESS}:{port}/metrics" for port in ports))
    console.next_step("adclick watch ctr" if jobs else health.next_submit(loaded))


def down(
    delete_data: bool = typer.Option(False, "--volumes", "-v", help="Also delete all data; only the jars stay."),
    runtime: str | None = RUNTIME,
) -> None:
    """Stop the cluster. Events, results and the jobs' state stay on disk unless -v is given."""
    from adclick_cli import settings
    from adclick_cli.runtime.choose import choose
    from adclick_cli.views import console

    choose(settings.load(runtime=runtime)).down(delete_data=delete_data, report=console.say)
    console.say("The cluster is down.")
    console.next_step("adclick up")


def supervise(runtime: str | None = RUNTIME) -> None:
    """Start again what dies; `up --supervise` runs this in the background."""
    import itertools
    import time

    from adclick_cli import mending, settings
    from adclick_cli.runtime.choose import choose
    from adclick_cli.runtime.local import supervisor
    from adclick_cli.views import console

    loaded = settings.load(runtime=runtime)
    also = mending.watch_over(loaded, console.say)
    supervisor.supervise(choose(loaded), console.say, time.sleep, itertools.count(), also)


def metrics_relay(runtime: str | None = RUNTIME) -> None:
    """Hand on what Flink's processes push; `up --metrics` runs this in the background on the local runtime."""
    from adclick_cli import settings
    from adclick_cli.runtime.local import relay

    relay.serve(settings.load(runtime=runtime))
