"""A sample of a log: its first rows, read as `adclick replay` reads them."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from adclick_cli.errors import InputFileError
from adclick_cli.events import log_file, log_table, reading
from adclick_cli.inference.sample import Sample, of_rows

ROWS = 2_000
MOST_BYTES = 8_388_608
MOST_ARRAY_BYTES = 134_217_728
"""An array is read as one whole."""


def of_file(path: Path) -> Sample:
    """The first rows of a log.

    Args:
        path: JSON, CSV or TSV, compressed or not; `-` is standard input.

    Raises:
        InputFileError: it cannot be read.
        ParameterError: its form is unknown.
        InferenceError: there is no row in it.
    """
    with tempfile.TemporaryDirectory(prefix="adclick-init-") as folder:
        log = log_file.prepare(path, None, Path(folder))
        if log.form == "parquet":
            raise InputFileError(
                f"{log.name} is Parquet",
                "`adclick init` looks at JSON, CSV and TSV.",
                "Write some rows of it as JSON lines, for example with DuckDB.",
            )
        rows = _json(log) if log.form == "json" else _csv(log)
        return of_rows(log.name, islice(rows, ROWS), "JSON objects" if log.form == "json" else log.form.upper())


def _json(log: log_file.LogFile) -> Iterator[Mapping[str, Any]]:
    most = MOST_ARRAY_BYTES if log_table.layout(log.head) == "array" else MOST_BYTES
    with log.path.open("rb") as file:
        found = file.read(most)
    for reason, record in reading.objects(found):
        if reason is None:
            yield record


def _csv(log: log_file.LogFile) -> Iterator[Mapping[str, Any]]:
    header = log_table.header(log)
    with log.path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.reader((line.replace("\0", "") for line in file), delimiter=header.delimiter)
        try:
            seen = False
            for row in rows:
                # The header, behind blank lines.
                if seen and row:
                    yield dict(zip(header.names, row, strict=False))
                seen = seen or bool(row)
        except csv.Error as error:
            raise InputFileError(
                f"{log.name}, line {rows.line_num} cannot be read", f"{error}.", "Correct the log, or cut it there."
            ) from error
