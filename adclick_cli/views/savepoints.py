"""How savepoints look."""

from __future__ import annotations

from collections.abc import Iterable

from adclick_cli.savepoints import Savepoint
from adclick_cli.views import console

_COLUMNS = ("name", "window", "attribution", "spike", "drop", "method", "paths")


def show(savepoints: Iterable[Savepoint], form: str | None) -> None:
    """One row each: when it was taken, what was computed, and where Flink put the two parts."""
    rows = []
    for savepoint in savepoints:
        pipeline = savepoint.submission.pipeline
        rows.append(
            {
                "name": savepoint.name,
                "window": str(pipeline.window),
                "attribution": str(pipeline.attribution),
                "spike": pipeline.spike,
                "drop": pipeline.drop,
                "method": pipeline.method,
                "paths": " ".join(savepoint.paths.values()),
            }
        )
    console.write_rows(rows, _COLUMNS, console.choose_format(form))
