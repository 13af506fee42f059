"""A run's record on disk."""

from __future__ import annotations

import json
from pathlib import Path

from adclick_cli import private
from adclick_cli.chaos.record import Record, markdown


def write(record: Record, json_file: Path | None, markdown_file: Path | None) -> None:
    """Write what was asked for.

    Raises:
        ParameterError: a file cannot be written.
    """
    wanted = (("record", json_file, json.dumps(record.to_json(), indent=2) + "\n"),)
    for flag, path, text in (*wanted, ("markdown", markdown_file, markdown(record))):
        if path is not None:
            private.write_for_user(flag, path, text)
