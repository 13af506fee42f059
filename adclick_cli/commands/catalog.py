"""`adclick catalog`: what is declared, and whether it can work."""

from __future__ import annotations

from typing import Optional

import typer

from adclick_cli.commands.options import OUTPUT

app = typer.Typer(
    help="Show what is declared: events, fields, metrics, results.", invoke_without_command=True, add_completion=False
)


@app.callback()
def show(context: typer.Context, output: Optional[str] = OUTPUT) -> None:  # noqa: UP045
    """Show what is declared: events, fields, metrics, results.

    It is built in, and ./adclick.toml adds to it with [events], [metrics] and [results].
    """
    if context.invoked_subcommand:
        return
    from adclick_cli import settings
    from adclick_cli.catalog import load
    from adclick_cli.views import catalog as view
    from adclick_cli.views import console

    # The rest of the file, too: a table of a mistyped name is no setting.
    settings.load()
    view.show(load.load(settings.project_file()), output)
    console.next_step("adclick catalog check")


@app.command("check")
def check() -> None:
    """Check that what is declared can work; exit 1 with all that cannot, each with its file and line."""
    from adclick_cli import settings
    from adclick_cli.catalog import load
    from adclick_cli.views import catalog as view
    from adclick_cli.views import console

    settings.load()
    path = settings.project_file()
    view.checked(load.load(path), path)
    console.next_step("adclick submit")
