"""`adclick score`: what the alerts are worth."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import OUTPUT, SERVERS, given_path

SIMULATION = "Simulation"
RULE = "Alert rule"


def score(
    simulate: bool = typer.Option(
        False,
        "--simulate",
        help="Draw the generator's cycle window by window instead of reading topics: no cluster, some seconds.",
        rich_help_panel=SIMULATION,
    ),
    runs: int = typer.Option(60, "--runs", help="Runs of 40 windows.", rich_help_panel=SIMULATION),
    impressions: str = typer.Option(
        "50,100,300,1000",
        "--impressions",
        metavar="N,N,…",
        help="Impressions of a campaign in a window, on the average.",
        rich_help_panel=SIMULATION,
    ),
    shift: str = typer.Option(
        "0s",
        "--shift",
        metavar="DURATION",
        help=f"How long after a window's beginning a CTR changes; less than a window of {defaults.WINDOW}.",
        rich_help_panel=SIMULATION,
    ),
    seed: int | None = typer.Option(
        None, "--seed", help=f"Decides every row. Default: {defaults.SEED}.", rich_help_panel=SIMULATION
    ),
    rule: list[str] = typer.Option(
        [],
        "--rule",
        metavar="baseline|significance|ratio",
        help="Score this one; may stand several times. Default: all.",
        rich_help_panel=RULE,
    ),
    threshold: float | None = typer.Option(None, "--threshold", help="As in `adclick submit`.", rich_help_panel=RULE),
    min_z: float | None = typer.Option(
        None, "--min-z", help="Least |z|. Default: what each rule is meant to have.", rich_help_panel=RULE
    ),
    late: int = typer.Option(
        0, "--late", min=0, help="An alert so many windows late is right, too.", rich_help_panel=RULE
    ),
    sweep: bool = typer.Option(False, "--sweep", help="Each rule with each of its thresholds.", rich_help_panel=RULE),
    chart: Path | None = typer.Option(
        None,
        "--chart",
        parser=given_path,
        metavar="FILE",
        help="Sweep, and draw F1 by threshold, as SVG.",
        rich_help_panel=RULE,
    ),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Compare alerts with what the generator injected: precision, recall, F1, delay, false alerts an hour.

    Scores the alerts that were sent, and what each rule makes of the final CTR rows.
    """
    from adclick_cli import settings, submission
    from adclick_cli.parameters import Duration
    from adclick_cli.scoring import chart as picture
    from adclick_cli.scoring import run as core
    from adclick_cli.views import console
    from adclick_cli.views import score as view

    sweep = sweep or chart is not None
    loaded = settings.load(seed=seed, threshold=threshold, bootstrap_servers=servers)
    if simulate:
        rules = core.chosen(rule, loaded.pipeline(), min_z)
        levels = core.parse_levels(impressions)
        into = Duration.parse(shift, "shift", allow_zero=True)
        lines = list(core.simulated(levels, runs, loaded.seed, rules, late=late, sweep=sweep, shift=into))
    else:
        pipeline = submission.current_pipeline(loaded) or loaded.pipeline()
        base = loaded.pipeline() if threshold is not None else pipeline
        rules = core.chosen(rule, base, min_z)
        found = core.read(loaded.servers, pipeline)
        lines = core.of_topics(found, pipeline, rules, late=late, sweep=sweep)
    view.show(lines, output, sweep=sweep)
    if chart is not None:
        picture.save(chart, lines)
        console.say(f"Drawn: {chart}")
    console.next_step("adclick submit" if simulate else "adclick score --sweep")
