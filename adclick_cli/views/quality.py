"""How `adclick watch quality` looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adclick_cli import streams
from adclick_cli.results.conditions import Fields, Wish
from adclick_cli.verify.quality import CLASSES, COLUMNS, Quality
from adclick_cli.views import console

if TYPE_CHECKING:
    from rich.table import Table

    from adclick_cli.views.grid import Grid

FIELDS: Fields = {name: name not in ("minute", "topic") for name in COLUMNS}


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """These rows under their title."""
    from rich.table import Table

    made = Table(title="adclick quality: each message in one class, by minute of arrival (UTC)", title_justify="left")
    fill(made, rows, rows)
    return made


def fill(
    made: Table | Grid, rows: Sequence[dict[str, Any]], known: Sequence[dict[str, Any]], cursor: int | None = None
) -> None:
    """Columns and rows; classes that occur in none of the `known` rows are left out, the row at `cursor` is marked."""
    seen = [name for name in CLASSES if any(row.get(name) for row in known)]
    for name in ("minute", "topic", "raw", *seen):
        made.add_column(name, justify="left" if name in ("minute", "topic") else "right", no_wrap=True)
    for number, row in enumerate(rows):
        counts = (f"{row[one]:,}" if one in row else "" for one in ("raw", *seen))
        made.add_row(row["minute"], row["topic"], *counts, style="reverse" if number == cursor else None)


def show(quality: Quality, form: str, wish: Wish) -> list[dict[str, Any]]:
    """What is there now, as data oldest first, as a table newest first; returns it."""
    quality.refresh()
    rows = quality.rows()
    if form == "table":
        rows.reverse()
    chosen = wish.choose(rows, dict)
    if form == "table":
        console.out().print(table(chosen))
    else:
        console.write_rows(chosen, COLUMNS, form)
    return chosen


def stream(quality: Quality, form: str, wish: Wish) -> None:
    """For ever each row that is new or has changed. Ctrl-C is its ordinary end."""
    if form == "csv":
        console.write_rows([], COLUMNS, form)
    try:
        for rows in quality.changes(console.say):
            streams.require_reader()
            for row in wish.choose(rows, dict):
                if form == "csv":
                    console.write_csv_line(row, COLUMNS)
                else:
                    console.write_json(row)
    except KeyboardInterrupt:
        return
