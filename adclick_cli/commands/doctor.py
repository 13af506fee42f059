"""`adclick doctor`: what is wrong with the machine, the set-up or the pipeline, and the mend for it."""

from __future__ import annotations

import typer

from adclick_cli.commands.options import OUTPUT
from adclick_cli.errors import EXIT_DIFFERENCES


def doctor(
    fix: bool = typer.Option(
        False, "--fix", help="Mend what is safe to: file modes, records of dead processes, jars, links, missing topics."
    ),
    output: str | None = OUTPUT,
) -> None:
    """Check machine, set-up and pipeline: why are there no rows yet? Exits 3 if something is wrong."""
    from adclick_cli.doctor import examine as core
    from adclick_cli.views import console, progress
    from adclick_cli.views import doctor as view

    with progress.downloads() as told:
        found = core.examine(told)
        if fix and core.fix(found, console.say):
            found = core.examine(told)
    view.show(found, output)
    console.next_step("adclick status" if found.ok else "adclick logs" if fix else "adclick doctor --fix")
    if not found.ok:
        raise typer.Exit(EXIT_DIFFERENCES)
