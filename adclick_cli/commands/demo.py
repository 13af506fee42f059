"""`adclick demo`: the whole way once, in a home of its own."""

from __future__ import annotations

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import KAFKA_PORT, UI_PORT
from adclick_cli.errors import EXIT_DIFFERENCES


def demo(
    keep: bool = typer.Option(False, "--keep", help="Leave the cluster up at the end."),
    kafka_port: int | None = KAFKA_PORT,
    ui_port: int | None = UI_PORT,
) -> None:
    """See it all: up, submit, 40 minutes of events, live table, alerts, verify, down."""
    import time

    from adclick_cli import demo as core
    from adclick_cli import settings
    from adclick_cli.results.watching import open_watch
    from adclick_cli.runtime.choose import choose, decide
    from adclick_cli.views import console, progress
    from adclick_cli.views import demo as view
    from adclick_cli.views import watch as watch_view

    begun = time.monotonic()
    base = settings.load(kafka_port=kafka_port, ui_port=ui_port)
    loaded = base.model_copy(
        update={
            "home": base.home / "demo",
            "jar_cache": base.jar_cache or base.home / "jars",
            "listen": defaults.BIND_ADDRESS,
            "flink_url": None,
        }
    )
    with progress.downloads() as told:
        runtime = choose(loaded, told)
        console.say(f"Runtime: {runtime.name}. {decide(loaded).why}")
        view.step("1/5", "Bringing up broker, JobManager and TaskManager; submitting both jobs")
        try:
            core.start(loaded, runtime, console.say)
            view.step("2/5", "Sending 40 minutes of events at once; camp-1 goes through normal, low and high CTR")
            sent = [core.backfill(loaded, console.say)]
            view.step("3/5", "Sending some seconds of events at the pace of the clock")
            sent.append(core.live(loaded, console.say))
            view.step("4/5", "Results as Flink writes them: FINAL windows are exact, LIVE ones still grow")
            watched = open_watch(loaded, "ctr", [], None, None, keep_all=False)
            watch_view.follow(core.until_settled(loaded, watched.steps()), watched.board, "ctr", "Waiting for rows …")
            view.step("5/5", "Recomputing every result from the raw events in DuckDB, and comparing")
            summary = core.summarise(loaded, sent, begun, console.say)
        finally:
            if not keep:
                runtime.down(delete_data=True, report=console.say)
    view.summary(summary)
    if not summary.verdict.ok:
        raise typer.Exit(EXIT_DIFFERENCES)
    console.next_step("adclick up")
