"""The one writer to stdout and the one writer to stderr.

Data goes to stdout, messages to stderr. Colour and spinners only on a terminal (`NO_COLOR` is respected by Rich).
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from adclick_cli.errors import AdclickError
from adclick_cli.views import clean

if TYPE_CHECKING:
    from rich.console import Console

    from adclick_cli.flink.rest import Job

FORMATS = ("table", "json", "csv")


def out() -> Console:
    """Rich's console on stdout."""
    from rich.console import Console

    return Console(highlight=False)


def err() -> Console:
    """Rich's console on stderr."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """One line for a person, to stderr. No markup is read from it: it may hold a user's text."""
    err().print(clean.message(message), markup=False, soft_wrap=True)


def next_step(command: str) -> None:
    """Name the next useful command."""
    err().print(clean.message(f"Next: {command}"), style="dim", markup=False, soft_wrap=True)


def report(error: AdclickError) -> None:
    """What happened, why, and what to do next."""
    console = err()
    console.print(clean.message(f"Error: {error.what}"), style="bold red", markup=False, soft_wrap=True)
    if error.why:
        console.print(clean.message(error.why), markup=False, soft_wrap=True)
    if error.mend:
        console.print(clean.message(error.mend), style="green", markup=False, soft_wrap=True)


def choose_format(wanted: str | None) -> str:
    """The output format: as asked for, else a table on a terminal and JSON lines elsewhere."""
    if wanted:
        return wanted
    return "table" if sys.stdout.isatty() else "json"


def write(text: str) -> None:
    """Data, as it is, to stdout."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """One JSON value on one line; where stdout does not take all its characters, with JSON's own escapes."""
    text = _json(value, ascii_only=False)
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        text = _json(value, ascii_only=True)
    write(text + "\n")


def _json(value: Any, *, ascii_only: bool) -> str:
    """JSON in which a decimal is a number with all its digits, which the library cannot write."""
    decimals: list[str] = []
    mark = f"decimal {uuid4()} "

    def place(one: object) -> str:
        if not isinstance(one, Decimal):
            raise TypeError(f"{type(one).__name__} is no JSON")
        decimals.append(f"{one:f}")
        return f"{mark}{len(decimals) - 1}"

    text = json.dumps(value, ensure_ascii=ascii_only, default=place)
    for number, digits in enumerate(decimals):
        text = text.replace(f'"{mark}{number}"', digits)
    return text


def write_csv_line(row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """One row of CSV, without a header."""
    buffer = io.StringIO()
    csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore").writerow(row)
    write(buffer.getvalue())


def write_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], form: str, title: str = "") -> None:
    """Rows as JSON lines, CSV with a header, or a table."""
    if form == "json":
        for row in rows:
            write_json(dict(row))
    elif form == "csv":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        write(buffer.getvalue())
    else:
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left")
        for column in columns:
            table.add_column(column)
        for row in rows:
            cells = ("" if row.get(column) is None else clean.message(str(row[column])) for column in columns)
            table.add_row(*(Text(cell) for cell in cells))
        out().print(table)


def write_jobs(jobs: Iterable[Job], form: str | None) -> None:
    """Jobs with id, name, state and, where one does not run, the reason."""
    rows = [{"id": job.id, "name": job.name, "state": job.state, "reason": job.reason} for job in jobs]
    write_rows(rows, ("id", "name", "state", "reason"), choose_format(form))
