"""`adclick verify`: every result recomputed from the raw events and compared."""

from __future__ import annotations

import typer

from adclick_cli.commands.options import OUTPUT, SERVERS
from adclick_cli.errors import EXIT_DIFFERENCES


def verify(
    wait: str = typer.Option(
        "60s",
        "--wait",
        metavar="TIME",
        help="How long to wait for rows that must still come, from the last one written on.",
    ),
    limit: int = typer.Option(20, "--limit", min=0, help="How many differences of each kind to name."),
    servers: str | None = SERVERS,
    output: str | None = OUTPUT,
) -> None:
    """Recompute every result from the raw events and compare; exit 3 on any difference, 1 if no row was checked.

    The parameters (window, attribution, thresholds, topics) are those of the last submit.
    """
    from datetime import datetime, timezone

    from adclick_cli import settings, submission
    from adclick_cli.flink import dropped, health, own
    from adclick_cli.flink.lookout import PATIENCE_S
    from adclick_cli.parameters import Duration
    from adclick_cli.verify import last
    from adclick_cli.verify.check import Stopped, require_rows
    from adclick_cli.verify.check import verify as core
    from adclick_cli.views import console
    from adclick_cli.views import verify as view

    loaded = settings.load(bootstrap_servers=servers)
    last_submission = submission.current(loaded)
    submitted = last_submission or submission.Submission(loaded.pipeline())
    own.require_current(loaded)
    wait_s = Duration.parse(wait, "wait", allow_zero=True).seconds

    def stopped() -> Stopped:
        jobs = health.seen(loaded)
        trouble = health.sentence(jobs)
        return Stopped(trouble, PATIENCE_S if any(one.job.active for one in jobs.values()) else 0.0)

    trouble = stopped().why
    if trouble:
        console.say(trouble)
    verdict = core(
        loaded.servers,
        submitted.pipeline,
        wait_s,
        console.say,
        submitted.earlier,
        lambda: dropped.read(loaded),
        stopped,
    )
    last.save(loaded.home, verdict, datetime.now(timezone.utc))
    view.show(verdict, output, limit)
    require_rows(verdict, submitted=last_submission is not None)
    then = "adclick watch ctr" if verdict.ok else "adclick watch quality, then adclick doctor"
    jobs = health.seen(loaded)
    console.next_step(health.next_step(loaded, jobs, then) if trouble and jobs else then)
    if not verdict.ok:
        raise typer.Exit(EXIT_DIFFERENCES)
