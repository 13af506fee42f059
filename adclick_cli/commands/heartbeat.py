"""`adclick heartbeat`: lets windows close where no events come."""

from __future__ import annotations

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import SERVERS


def heartbeat(
    after: str | None = typer.Option(
        None,
        "--after",
        metavar="TIME",
        help=f"A partition without an event for so long gets heartbeats. Default: {defaults.HEARTBEAT_AFTER}.",
    ),
    servers: str | None = SERVERS,
    follow: bool = typer.Option(False, "--follow", hidden=True),
    runtime: str | None = typer.Option(None, "--runtime", hidden=True),
) -> None:
    """Write heartbeats into silent partitions, so that their windows close, until Ctrl-C.

    `adclick up` runs this in the background for its own broker. Run it yourself beside a broker of yours: it writes
    events with the id adclick-heartbeat, which no result counts, into the topics of the impressions and the clicks.
    """
    import itertools

    from adclick_cli import following, settings
    from adclick_cli.events import beating
    from adclick_cli.views import console

    loaded = settings.load(heartbeat_after=after, bootstrap_servers=servers, runtime=runtime)
    if follow:
        following.follow(loaded, console.say)
    beating.beat(loaded, loaded.pipeline(), console.say, itertools.count())
