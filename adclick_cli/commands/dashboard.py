"""`adclick dashboard`: the web page."""

from __future__ import annotations

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import SERVERS


def dashboard(
    port: int | None = typer.Option(
        None,
        "--port",
        min=0,
        max=65535,
        help=f"Where to listen; 0 takes a free port. Default: {defaults.DASHBOARD_PORT}.",
    ),
    host: str = typer.Option(
        defaults.BIND_ADDRESS, "--host", help="Address to listen on. Others than this machine's own are a risk."
    ),
    allow_host: list[str] | None = typer.Option(
        None, "--allow-host", metavar="NAME", help="Also answer under this host name; may be repeated."
    ),
    windows: int = typer.Option(
        defaults.DASHBOARD_WINDOWS, "--windows", min=10, max=1440, help="How many windows of each campaign to keep."
    ),
    servers: str | None = SERVERS,
) -> None:
    """Serve a web page with CTR, engagement, alerts and data quality, live; Ctrl-C ends."""
    from adclick_cli import settings
    from adclick_cli.dashboard import serve as core
    from adclick_cli.views import console
    from adclick_cli.why import nothing_yet

    core.require_packages()
    loaded = settings.load(dashboard_port=port, bootstrap_servers=servers)
    listener = core.listen(host, loaded.dashboard_port)
    url = f"http://{host if core.is_local(host) else 'localhost'}:{listener.getsockname()[1]}"
    if not core.is_local(host):
        console.say(f"Warning: whoever reaches this machine at {host} can read the results; there is no password.")
        console.say("Under other names than localhost it answers only with --allow-host NAME.")
    core.serve(
        loaded,
        listener,
        allow_host or [],
        windows,
        lambda: nothing_yet(loaded, "ctr"),
        lambda: console.say(f"Dashboard: {url}  (Ctrl-C ends)"),
    )
