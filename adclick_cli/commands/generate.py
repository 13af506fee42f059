"""`adclick generate`: made-up impressions and clicks."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import OUTPUT, SERVERS, given_path

EXIT_INTERRUPTED = 130
SPOIL = "Events that go wrong (shares from 0 to 1)"


def generate(
    phase: str = typer.Option(
        defaults.PHASE,
        "--phase",
        metavar="normal|low|high|cycle",
        help="CTR of --campaign: normal 0.1, low a tenth, high four times it; cycle: 5 min of each, then normal.",
    ),
    rate: float | None = typer.Option(None, "--rate", help=f"Impressions a second. Default: {defaults.RATE}."),
    campaign: str = typer.Option(defaults.PHASE_CAMPAIGN, "--campaign", help="The campaign that --phase applies to."),
    campaigns: int = typer.Option(defaults.CAMPAIGNS, "--campaigns", help="How many campaigns there are."),
    duration: str | None = typer.Option(None, "--duration", metavar="TIME", help="End after so much event time."),
    count: int | None = typer.Option(None, "--count", help="End after so many impressions."),
    seed: int | None = typer.Option(
        None, "--seed", help=f"The same seed and start make the same events. Default: {defaults.SEED}."
    ),
    backfill: str | None = typer.Option(
        None, "--backfill", metavar="TIME", help="Events of the last TIME, ending now, as fast as it goes."
    ),
    start: str | None = typer.Option(
        None,
        "--start",
        metavar="TIME",
        help="Time of the first event (ISO, or ms since the epoch); as fast as it goes.",
    ),
    late: float = typer.Option(0.0, "--late", help="Delivered 10 to 60 s late.", rich_help_panel=SPOIL),
    duplicates: float = typer.Option(0.0, "--duplicates", help="Delivered twice.", rich_help_panel=SPOIL),
    orphans: float = typer.Option(0.0, "--orphans", help="Clicks without an impression.", rich_help_panel=SPOIL),
    malformed: float = typer.Option(0.0, "--malformed", help="Messages that are no event.", rich_help_panel=SPOIL),
    truth: Path | None = typer.Option(
        None, "--truth", parser=given_path, metavar="FILE", help="Write what was injected here, too, as JSON lines."
    ),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Send made-up impressions and clicks; Ctrl-C ends it after a flush."""
    from adclick_cli import settings
    from adclick_cli.events import generate as core
    from adclick_cli.events.generator import Shares
    from adclick_cli.views import console
    from adclick_cli.views import events as view

    request = core.Request(
        phase, campaign, duration, count, backfill, start, Shares(late, duplicates, orphans, malformed), campaigns
    )
    report = core.run(settings.load(rate=rate, seed=seed, bootstrap_servers=servers), request, truth, console.say)
    view.show_sent(report, output)
    if report.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
    console.next_step("adclick watch ctr")
