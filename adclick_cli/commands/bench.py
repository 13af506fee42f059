"""`adclick bench`: how fast, how fresh, and how cost grows."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT, given_path

EVENTS = 1_000_000
RATE = 1_000.0
SUITE = "backlog"
DURATION = "90s"
LIVE_RATE = 2_000.0


def bench(
    suite: str = typer.Option(
        SUITE, "--suite", metavar="backlog|stock|tools|freshness|scaling|start|full", help="What is measured."
    ),
    events: int = typer.Option(EVENTS, "--events", min=1_000, help="Impressions of the backlog; scaling: a fifth."),
    rate: float = typer.Option(RATE, "--rate", help="Impressions a second of event time."),
    rounds: int = typer.Option(3, "--rounds", min=1, help="How often each thing is measured, in turn."),
    sides: str | None = typer.Option(
        None,
        "--sides",
        metavar="SIDE,…",
        help="Of the backlog, some of: read and parse, reference, final, final + live, final + live + early,"
        " final + live by function. Default: all.",
    ),
    duration: str = typer.Option(DURATION, "--duration", metavar="TIME", help="Freshness: how long events flow."),
    live_rate: float = typer.Option(LIVE_RATE, "--live-rate", help="Freshness: impressions a second."),
    record: Path | None = typer.Option(
        None, "--record", parser=given_path, metavar="FILE", help="Write all of it as JSON."
    ),
    svg: Path | None = typer.Option(
        None, "--svg", parser=given_path, metavar="FILE", help="Draw it; with full, one file a suite."
    ),
    output: str | None = OUTPUT,
) -> None:
    """Measure on the cluster that is up; nothing else should run on the machine.

    backlog: through the pipeline, the reference's SQL and parsing alone, in turn; their rows must be equal.
    stock: the reference's SQL on a TaskManager as Flink sets it up unasked. tools: generate and verify.
    freshness: event to row, window to alert. scaling: cost of an event with more rows, campaigns, attribution,
    parallelism. start: up, submit, --help; it ends and starts the cluster. full: all.

    Example: adclick up; adclick bench --events 3000000 --svg backlog.svg
    """
    from adclick_cli import settings
    from adclick_cli.bench import backlog, files, suites
    from adclick_cli.parameters import Duration
    from adclick_cli.views import bench as view
    from adclick_cli.views import console

    seconds = Duration.parse(duration, "duration").seconds
    request = suites.Request(suite, events, rate, rounds, backlog.parse_sides(sides), seconds, live_rate)
    found = suites.run(settings.load(), request, console.say)
    files.write(found, record, svg)
    view.show(found, output)
    console.next_step("adclick down" if suite == suites.FULL else "adclick bench --suite full --record bench.json")
