"""The command line: panels, commands, and typed errors turned into messages and exit codes.

Command modules import nothing heavy at their top, so that `adclick --help` and shell completion stay fast.
"""

from __future__ import annotations

import os
import signal
import sys

import typer

from adclick_cli import __version__, private
from adclick_cli.commands import (
    bench,
    cases,
    chaos,
    config,
    dashboard,
    demo,
    doctor,
    examples,
    generate,
    heartbeat,
    jobs,
    render,
    replay,
    score,
    status,
    submit,
    up,
    verify,
    watch,
)
from adclick_cli.errors import AdclickError

EXIT_INTERRUPTED = 130

CLUSTER = "Cluster"
PIPELINE = "Pipeline"
EVENTS = "Events"
RESULTS = "Results"
SETUP = "Set-up"

app = typer.Typer(
    name="adclick",
    help="Ad impressions and clicks in, click-through rates, engagement and anomaly alerts out: Flink SQL, proven.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"adclick {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


app.command("demo", rich_help_panel=CLUSTER)(demo.demo)
app.command("up", rich_help_panel=CLUSTER)(up.up)
app.command("down", rich_help_panel=CLUSTER)(up.down)
app.command("supervise", rich_help_panel=CLUSTER, hidden=True)(up.supervise)
app.command("metrics-relay", rich_help_panel=CLUSTER, hidden=True)(up.metrics_relay)
app.command("status", rich_help_panel=CLUSTER)(status.status)
app.command("logs", rich_help_panel=CLUSTER)(status.logs)
app.command("render", rich_help_panel=PIPELINE)(render.render)
app.command("test", rich_help_panel=PIPELINE)(cases.cases)
app.command("submit", rich_help_panel=PIPELINE)(submit.submit)
app.command("jobs", rich_help_panel=PIPELINE)(jobs.jobs)
app.command("stop", rich_help_panel=PIPELINE)(jobs.stop)
app.command("cancel", rich_help_panel=PIPELINE)(jobs.cancel)
app.command("savepoints", rich_help_panel=PIPELINE)(jobs.savepoints)
app.command("generate", rich_help_panel=EVENTS)(generate.generate)
app.command("heartbeat", rich_help_panel=EVENTS)(heartbeat.heartbeat)
app.command("replay", rich_help_panel=EVENTS)(replay.replay)
app.command("watch", rich_help_panel=RESULTS)(watch.watch)
app.command("score", rich_help_panel=RESULTS)(score.score)
app.command("dashboard", rich_help_panel=RESULTS)(dashboard.dashboard)
app.command("verify", rich_help_panel=RESULTS)(verify.verify)
app.command("bench", rich_help_panel=RESULTS)(bench.bench)
app.command("chaos", rich_help_panel=RESULTS)(chaos.chaos)
app.command("doctor", rich_help_panel=SETUP)(doctor.doctor)
app.add_typer(config.app, name="config", rich_help_panel=SETUP)
for _command in (*app.registered_commands, *config.app.registered_commands):
    _command.epilog = examples.epilog(_command.name)


def main() -> None:
    """Run one command.

    Exit codes: 0 done, 1 a clear failure, 2 wrong usage, 3 `verify`, `test`, `doctor` or `status --wait` says no.
    """
    # Being ended is like Ctrl-C: what was half-started is stopped, and the terminal is given back as it was.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    private.keep()
    try:
        app()
    except AdclickError as error:
        from adclick_cli.views import console

        console.report(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): stdout is pointed at nothing, or Python's exit complains again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
