"""`adclick bench`: how fast, side by side on the same rows."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT

EVENTS = 1_000_000
RATE = 1_000.0


def bench(
    events: int = typer.Option(EVENTS, "--events", min=1_000, help="Impressions of the backlog."),
    rate: float = typer.Option(RATE, "--rate", help="Impressions a second of event time."),
    rounds: int = typer.Option(3, "--rounds", min=1, help="How often each side runs, in turn."),
    sides: str | None = typer.Option(
        None,
        "--sides",
        metavar="SIDE,…",
        help="Some of: read and parse, reference, final, final + live. Default: all.",
    ),
    record: Path | None = typer.Option(None, "--record", metavar="FILE", help="Write all of it as JSON."),
    svg: Path | None = typer.Option(None, "--svg", metavar="FILE", help="Draw it."),
    output: str | None = OUTPUT,
) -> None:
    """Time a backlog through the pipeline, through the reference's SQL and through parsing alone; rows must be equal.

    Example: adclick up; adclick bench --events 3000000 --svg backlog.svg
    """
    from adclick_cli import settings
    from adclick_cli.bench import files, run
    from adclick_cli.views import bench as view
    from adclick_cli.views import console

    request = run.Request(events, rate, rounds, run.parse_sides(sides))
    found = run.backlog(settings.load(), request, console.say)
    files.write(found, record, svg)
    view.show(found, output)
