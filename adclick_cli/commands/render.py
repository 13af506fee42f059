"""`adclick render`: the SQL, per stage or whole, to stdout or into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from adclick_cli.commands.pipeline_flags import BOUNDED, with_pipeline_flags


@with_pipeline_flags
def render(
    flags: dict[str, Any],
    stage: str | None = typer.Option(
        None, "--stage", help="Only this stage: settings, sources, join, sinks, aggregation, dead_letters or anomaly."
    ),
    out: Path | None = typer.Option(
        None, "--out", help="Write one file for each stage into this folder instead of stdout.", metavar="DIR"
    ),
    bounded: bool = BOUNDED,
) -> None:
    """Print the SQL that submit sends: a plain script for any Flink SQL client."""
    from adclick_cli import settings
    from adclick_cli.flink.tables import connected
    from adclick_cli.sql import render as core
    from adclick_cli.views import console

    loaded = settings.load(**flags)
    pipeline = loaded.pipeline(bounded=bounded)
    tables = connected(loaded, pipeline)
    if out is None:
        console.write(core.script(pipeline, tables) if stage is None else core.stage(pipeline, stage, tables))
    else:
        for path in core.write(pipeline, out, stage, tables):
            console.say(f"Wrote {path}")
