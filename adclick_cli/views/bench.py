"""How `adclick bench` looks."""

from __future__ import annotations

from collections.abc import Sequence

from adclick_cli.bench import figures, measures
from adclick_cli.bench.suites import Result
from adclick_cli.views import console


def show(results: Sequence[Result], form: str | None) -> None:
    """One JSON object for each suite, or a table with a row for each side or figure."""
    chosen = console.choose_format(form)
    for one in results:
        if chosen == "json":
            console.write_json(one.to_json())
        elif isinstance(one, measures.Measured):
            rows = [found.to_json() for found in one.measures]
            columns = measures.TABLE if chosen == "table" else measures.COLUMNS
            console.write_rows(rows, columns, chosen, one.suite)
        else:
            title = f"{one.suite}: {one.events:,} events, the same {one.rows:,} rows"
            console.write_rows([found.to_json() for found in one.figures], figures.COLUMNS, chosen, title)
