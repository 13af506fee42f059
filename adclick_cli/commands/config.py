"""`adclick config show`: each setting, its value and where it came from."""

from __future__ import annotations

from typing import Optional

import typer

from adclick_cli.commands.options import OUTPUT

app = typer.Typer(help="Show the settings.", no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    pass


@app.command("show")
def show(output: Optional[str] = OUTPUT) -> None:  # noqa: UP045
    """Print each setting with its value and its source (flag, ADCLICK_*, a file, or default)."""
    from adclick_cli import settings
    from adclick_cli.views import console

    rows = [
        {"setting": name, "value": None if value is None else str(value), "source": source}
        for name, (value, source) in settings.sources(settings.load()).items()
    ]
    console.write_rows(rows, ("setting", "value", "source"), console.choose_format(output))
    console.next_step("adclick doctor")
