"""How `adclick bench` looks."""

from __future__ import annotations

from adclick_cli.bench.figures import COLUMNS
from adclick_cli.bench.run import Record
from adclick_cli.views import console


def show(record: Record, form: str | None) -> None:
    """One JSON object, or a row for each side."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(record.to_json())
        return
    rows = [one.to_json() for one in record.figures]
    title = f"{record.suite}: {record.events:,} events, the same {record.rows:,} rows"
    console.write_rows(rows, COLUMNS, chosen, title)
