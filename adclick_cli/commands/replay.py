"""`adclick replay`: a recorded log into the event topics."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT, SERVERS, given_path


def replay(
    path: Path = typer.Argument(
        ...,
        parser=given_path,
        metavar="FILE",
        help="The log: CSV, TSV, JSON or Parquet, compressed or not. - reads stdin.",
    ),
    form: str | None = typer.Option(
        None, "--format", metavar="csv|tsv|jsonl|parquet", help="Default: the file's ending, else its content."
    ),
    columns: list[str] | None = typer.Option(
        None, "--map", metavar="FIELD=COLUMN", help="Which column is which field; `clicked` says what was clicked."
    ),
    constants: list[str] | None = typer.Option(None, "--set", metavar="FIELD=TEXT", help="A fixed text for a field."),
    speed: float = typer.Option(0.0, "--speed", help="0: as fast as it goes. 1: at the recorded pace."),
    click_delay: str = typer.Option(
        "1s", "--click-delay", metavar="TIME", help="How long after its impression a click is."
    ),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Send a recorded log's impressions and clicks, in the order of their time."""
    from adclick_cli import settings
    from adclick_cli.events import replay as core
    from adclick_cli.views import console
    from adclick_cli.views import events as view

    mapped, fixed = core.pairs(columns or [], "map"), core.pairs(constants or [], "set")
    request = core.Request(path, form, mapped, fixed, speed, click_delay)
    view.show_sent(core.run(settings.load(bootstrap_servers=servers), request, console.say), output)
    console.next_step("adclick submit --bounded, then adclick verify")
