"""`adclick test`: unit tests for the pipeline."""

from __future__ import annotations

from pathlib import Path

import typer

from adclick_cli.commands.options import OUTPUT, given_path
from adclick_cli.errors import EXIT_DIFFERENCES


def cases(
    paths: list[Path] = typer.Argument(
        None, parser=given_path, metavar="[PATHS]...", help="Files and folders of cases. Default: tests."
    ),
    pattern: str | None = typer.Option(None, "-k", metavar="PATTERN", help="Only cases whose name matches."),
    update: bool = typer.Option(
        False, "--update", help="Write what came out into the files; refused where the two engines disagree."
    ),
    portable: bool | None = typer.Option(
        None,
        "--portable/--no-portable",
        help="Run the cases that do not say so by plain SQL, not by the attribution function. Default: --no-portable.",
    ),
    junit: Path | None = typer.Option(
        None, "--junit", parser=given_path, metavar="FILE", help="Also write JUnit's XML."
    ),
    output: str | None = OUTPUT,
) -> None:
    """Run cases in YAML: events in order of arrival in, result rows out; exit 3 when one fails.

    Each runs on Flink, inside one Java process, and on the oracle of verify: no Docker, no broker.
    """
    from adclick_cli import settings
    from adclick_cli.casebook import junit as xml
    from adclick_cli.casebook import reading, run, updating
    from adclick_cli.views import cases as view
    from adclick_cli.views import console

    portable = reading.PORTABLE if portable is None else portable
    files = reading.find(paths or [Path("tests")])
    found = [case for path in files for case in reading.read(path, portable=portable)]
    outcomes = view.show(run.run(run.chosen(found, pattern), settings.load(), console.say), output)
    if junit is not None:
        xml.write(junit, outcomes)
    if update:
        for path in updating.update(outcomes):
            console.say(f"Wrote {path}")
    passed = all(outcome.passed for outcome in outcomes)
    console.next_step("adclick submit" if passed or update else "adclick test --update, if what came out is right")
    if not passed and not update:
        raise typer.Exit(EXIT_DIFFERENCES)
