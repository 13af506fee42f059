"""A benchmark's record on disk."""

from __future__ import annotations

import json
from pathlib import Path

from adclick_cli import private
from adclick_cli.bench import chart
from adclick_cli.bench.run import Record


def write(record: Record, json_file: Path | None, picture: Path | None) -> None:
    """Write what was asked for.

    Raises:
        ParameterError: a file cannot be written.
    """
    title = f"{record.suite}: {record.events:,} events, seconds"
    texts = (
        ("record", json_file, json.dumps(record.to_json(), indent=2) + "\n"),
        ("svg", picture, chart.svg(record.figures, title)),
    )
    for flag, path, text in texts:
        if path is not None:
            private.write_for_user(flag, path, text)
