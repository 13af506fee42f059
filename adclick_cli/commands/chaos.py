"""`adclick chaos`: kill the cluster's processes while events flow, then check every row."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT, given_path
from adclick_cli.errors import EXIT_DIFFERENCES

KINDS = "taskmanager,jobmanager,broker,broker-pause"
RATE = 2000.0


def chaos(
    faults: int = typer.Option(20, "--faults", min=1, help="How many."),
    kinds: str = typer.Option(
        KINDS,
        "--kinds",
        metavar="KIND,…",
        help="kill -9: taskmanager, jobmanager, broker, zookeeper, everything; away for --outage: broker-pause, "
        "broker-stop.",
    ),
    seed: int | None = typer.Option(None, "--seed", help="The same seed makes the same faults and events."),
    rate: float = typer.Option(RATE, "--rate", help="Impressions a second."),
    outage: str = typer.Option("30s", "--outage", metavar="TIME", help="How long a broker is paused or stopped."),
    gap: str = typer.Option("10s", "--gap", metavar="TIME", help="Longest time between a recovery and the next fault."),
    record: Path | None = typer.Option(
        None, "--record", parser=given_path, metavar="FILE", help="Write all of it as JSON."
    ),
    markdown: Path | None = typer.Option(
        None, "--markdown", parser=given_path, metavar="FILE", help="Write tables as Markdown."
    ),
    output: str | None = OUTPUT,
) -> None:
    """Kill processes while events flow, mend as `up` does, verify every row; exit 3 on any difference."""
    from adclick_cli import settings
    from adclick_cli.chaos import files, plan, run
    from adclick_cli.parameters import Duration
    from adclick_cli.views import chaos as view
    from adclick_cli.views import console

    loaded = settings.load(seed=seed)
    request = run.Request(
        kinds=plan.parse_kinds(kinds),
        faults=faults,
        seed=loaded.seed,
        rate=rate,
        outage_s=Duration.parse(outage, "outage").seconds,
        gap_s=Duration.parse(gap, "gap", allow_zero=True).seconds,
    )
    found = run.run(loaded, request, console.say)
    files.write(found, record, markdown)
    view.show(found, output)
    console.next_step("adclick stop" if found.ok else "adclick verify, then adclick logs taskmanager")
    if not found.ok:
        raise typer.Exit(EXIT_DIFFERENCES)
