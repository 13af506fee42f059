"""`adclick watch`: results, live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from adclick_cli.commands.options import OUTPUT, SERVERS, given_path

if TYPE_CHECKING:
    from adclick_cli.settings import Settings

DELIVERY = "To people"
ROWS = "Which rows, in which order"


def watch(
    what: str = typer.Argument(
        ..., metavar="ctr|engagement|alerts|quality|NAME", help="Which results; NAME is one that adclick.toml declares."
    ),
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
        None,
        "--svg",
        parser=given_path,
        metavar="FILE",
        help="With --once: the table as a picture, too.",
        rich_help_panel=ROWS,
    ),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Show results as they come; Ctrl-C ends. Without a terminal: one JSON line for each row.

    `quality`: the raw messages by minute of arrival, each in one class of the ledger of `adclick verify`.
    """
    from adclick_cli import settings
    from adclick_cli.errors import ParameterError
    from adclick_cli.flink import health
    from adclick_cli.results import conditions, feeding, sending, watching
    from adclick_cli.views import console, live
    from adclick_cli.views import watch as view
    from adclick_cli.why import nothing_yet

    form = console.choose_format(output)
    loaded = settings.load(bootstrap_servers=servers)
    if svg is not None and not once:
        raise ParameterError("svg", str(svg), "A picture is of what is there now.", "Add --once.")
    ways = sending.ways(what, command, webhook)
    if what == "quality":
        _quality(loaded, campaign or [], (since, until), (where, sort, top), form, once, svg)
        return
    keep_all = bool(ways) or form != "table"
    watched = watching.open_watch(loaded, what, campaign or [], since, until, keep_all=keep_all, once=once)
    wish = conditions.Wish.parse(where, sort, top, watched.fields)
    if ways:
        sending.send(watched, loaded.home, ways, console.say, once=once)
    elif once:
        jobs = health.seen(loaded)
        trouble = health.sentence(jobs)
        if trouble:
            console.say(trouble)
        watched.read_once()
        view.show(watched, form, wish)
        if svg is not None:
            live.write_svg(view.board_table(watched.board, what, live.SVG_WIDTH, wish), what, svg)
        if not watched.board.rows():
            reason, command = nothing_yet(loaded, what)
            if reason != trouble:
                console.say(reason)
        else:
            command = f"adclick watch {what}" if what == "alerts" else "adclick watch alerts"
            command = health.next_step(loaded, jobs, command) if jobs else command
        console.next_step(command)
    elif form == "table":
        live.run(feeding.Feed(watched), watched.fields, wish, nothing_yet(loaded, what)[0])
    else:
        trouble = health.sentence(health.seen(loaded))
        if trouble:
            console.say(trouble)
        view.stream(watched.wanted(wish, console.say), watched.record, form)


def _quality(
    loaded: Settings,
    campaigns: list[str],
    times: tuple[str | None, str | None],
    wishes: tuple[str | None, str | None, int | None],
    form: str,
    once: bool,
    svg: Path | None,
) -> None:
    from adclick_cli.results import conditions
    from adclick_cli.verify import quality
    from adclick_cli.views import console, live
    from adclick_cli.views import quality as view

    wish = conditions.Wish.parse(*wishes, view.FIELDS)
    opened = quality.open_quality(loaded, campaigns, *times)
    if once:
        rows = view.show(opened, form, wish)
        if svg is not None:
            live.write_svg(view.table(rows), "quality", svg)
        console.next_step("adclick verify" if rows else "adclick generate")
    elif form == "table":
        live.run(quality.QualityFeed(opened), view.FIELDS, wish, "No message of that time has come yet.")
    else:
        view.stream(opened, form, wish)
