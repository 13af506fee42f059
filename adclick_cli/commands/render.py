"""`adclick render`: the SQL, per stage or whole, to stdout or into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import given_path
from adclick_cli.commands.pipeline_flags import BOUNDED, with_pipeline_flags


@with_pipeline_flags
def render(
    flags: dict[str, Any],
    stage: str | None = typer.Option(
        None, "--stage", help="Only this stage: settings, sources, join, sinks, aggregation, dead_letters or anomaly."
    ),
    out: Path | None = typer.Option(
        None,
        "--out",
        parser=given_path,
        help="Write one file for each stage into this folder instead of stdout.",
        metavar="DIR",
    ),
    target: str = typer.Option(
        "sql", "--target", metavar="sql|kubernetes", help="kubernetes: manifests for the Flink Kubernetes operator."
    ),
    image: str = typer.Option(
        defaults.KUBERNETES_IMAGE,
        "--image",
        help="With --target kubernetes: a Flink image with the Kafka SQL connector and zstd-jni in its lib/.",
    ),
    jar: Path | None = typer.Option(
        None,
        "--jar",
        parser=given_path,
        help="Also write the jar of adclick's Java classes, which SQL that is not --portable needs, into this file.",
        metavar="FILE",
    ),
    bounded: bool = BOUNDED,
) -> None:
    """Print the SQL that submit sends: a plain script for any Flink SQL client."""
    from adclick_cli import kubernetes, settings
    from adclick_cli.errors import ParameterError
    from adclick_cli.flink.tables import connected
    from adclick_cli.runtime import compiled, functions, jars
    from adclick_cli.sql import render as core
    from adclick_cli.views import console, progress

    loaded = settings.load(**flags)
    pipeline = loaded.pipeline(bounded=bounded)
    if target not in ("sql", "kubernetes") or (target != "sql" and (stage is not None or out is not None)):
        raise ParameterError(
            "target", target, "It is sql or kubernetes, the latter without --stage and --out.", "Correct the flag."
        )
    if jar is not None:
        with progress.downloads() as told:
            compiled.write(loaded, jar, told, console.say)
    if target != "sql":
        named = None if pipeline.portable else functions.expected(jars.cache(loaded)).name
        wishes = kubernetes.Wishes(image, functions=named)
        console.write(kubernetes.as_yaml(kubernetes.manifests(loaded, pipeline, wishes)))
        bring = f"{kubernetes.bring_functions(named, jar)}, then " if named else ""
        console.next_step(f"{bring}kubectl apply -f FILE")
        return
    tables = connected(loaded, pipeline)
    if out is None:
        console.write(core.script(pipeline, tables) if stage is None else core.stage(pipeline, stage, tables))
    else:
        for path in core.write(pipeline, out, stage, tables):
            console.say(f"Wrote {path}")
    console.next_step("sql-client.sh -f FILE on a Flink cluster of yours, or adclick submit")
