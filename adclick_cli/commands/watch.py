"""`adclick watch`: results, live."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT, SERVERS

DELIVERY = "To people"
ROWS = "Which rows, in which order"


def watch(
    what: str = typer.Argument(..., metavar="ctr|engagement|alerts|quality", help="Which results."),
    once: bool = typer.Option(False, "--once", help="Print what is there now and end."),
    campaign: list[str] | None = typer.Option(None, "--campaign", help="Only this campaign; may be repeated."),
    since: str | None = typer.Option(
        None, "--from", metavar="TIME", help="From here on: ISO time, ms since the epoch, -2h, start or end."
    ),
    until: str | None = typer.Option(None, "--to", metavar="TIME", help="Up to here (excluded)."),
    command: str | None = typer.Option(
        None, "--exec", metavar="CMD", help="Alerts: run CMD once for each, JSON on stdin.", rich_help_panel=DELIVERY
    ),
    webhook: str | None = typer.Option(
        None,
        "--webhook",
        metavar="URL|@FILE",
        help="Alerts: post each once, as JSON. @FILE holds the URL.",
        rich_help_panel=DELIVERY,
    ),
    where: str | None = typer.Option(
        None, "--where", metavar="CONDITIONS", help="Such as 'ctr>0.2 and campaign~camp-1*'.", rich_help_panel=ROWS
    ),
    sort: str | None = typer.Option(
        None, "--sort", metavar="FIELD", help="By this field; -FIELD: the highest first.", rich_help_panel=ROWS
    ),
    top: int | None = typer.Option(None, "--top", metavar="N", help="Only the first N.", rich_help_panel=ROWS),
    svg: Path | None = typer.Option(
        None, "--svg", metavar="FILE", help="With --once: the table as a picture, too.", rich_help_panel=ROWS
    ),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Show results as they come; Ctrl-C ends. Without a terminal: one JSON line for each row.

    `quality`: the raw messages by minute of arrival, each in one class of the ledger of `adclick verify`.
    """
    from adclick_cli import settings
    from adclick_cli.results import conditions, items, sending, watching
    from adclick_cli.views import console, live
    from adclick_cli.views import watch as view
    from adclick_cli.why import nothing_yet

    form = console.choose_format(output)
    loaded = settings.load(bootstrap_servers=servers)
    ways = sending.ways(what, command, webhook)
    if what == "quality":
        from adclick_cli.verify import quality
        from adclick_cli.views import quality as quality_view

        wish = conditions.Wish.parse(where, sort, top, quality_view.FIELDS)
        quality_view.show(quality.open_quality(loaded, campaign or [], since, until), form, once=once, wish=wish)
        return
    keep_all = bool(ways) or form != "table"
    watched = watching.open_watch(loaded, what, campaign or [], since, until, keep_all=keep_all)
    wish = conditions.Wish.parse(where, sort, top, items.fields(what))
    if ways:
        sending.send(watched, loaded.home, ways, console.say, once=once)
    elif once:
        watched.read_once()
        view.show(watched, form, wish)
        if svg is not None:
            live.write_svg(watched, wish, svg)
        if not watched.board.rows():
            reason, command = nothing_yet(loaded, what)
            console.say(reason)
            console.next_step(command)
    elif form == "table":
        live.run(watched, wish, nothing_yet(loaded, what)[0])
    else:
        view.stream(watched.wanted(wish, console.say), watched.record, form)
