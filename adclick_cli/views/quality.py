"""How `adclick watch quality` looks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from adclick_cli.results.conditions import EVERYTHING, Wish
from adclick_cli.verify.quality import CLASSES, COLUMNS, Quality
from adclick_cli.views import console

if TYPE_CHECKING:
    from rich.table import Table

FIELDS = {name: name not in ("minute", "topic") for name in COLUMNS}
PAUSE_S = 5.0
"""Between two looks: each classifies all messages anew."""
_FRAME_LINES = 7


def table(rows: list[dict[str, Any]], height: int | None = None) -> Table:
    """The newest minutes, newest first, as many as fit into `height` lines; classes that do not occur are left out."""
    from rich.table import Table

    seen = [name for name in CLASSES if any(row.get(name) for row in rows)]
    room = len(rows) if height is None else max(1, height - _FRAME_LINES)
    hidden = len(rows) - room
    made = Table(
        title="adclick quality: each message in one class, by minute of arrival (UTC)",
        title_justify="left",
        caption=f"+{hidden} more" if hidden > 0 else None,
        caption_justify="left",
    )
    for name in ("minute", "topic", "raw", *seen):
        made.add_column(name, justify="left" if name in ("minute", "topic") else "right", no_wrap=True)
    for row in list(reversed(rows))[:room]:
        made.add_row(row["minute"], row["topic"], *(f"{row[one]:,}" if one in row else "" for one in ("raw", *seen)))
    return made


def show(quality: Quality, form: str, *, once: bool, wish: Wish = EVERYTHING) -> None:
    """What is there now; or for ever each row that is new or has changed. Ctrl-C is its ordinary end."""
    if once:
        quality.refresh()
        rows = wish.choose(quality.rows(), dict)
        if form == "table":
            console.out().print(table(rows))
        else:
            console.write_rows(rows, COLUMNS, form)
        return
    try:
        _follow(quality, wish) if form == "table" else _stream(quality, form, wish)
    except KeyboardInterrupt:
        return


def _stream(quality: Quality, form: str, wish: Wish) -> None:
    if form == "csv":
        console.write_rows([], COLUMNS, form)
    for rows in quality.changes():
        for row in wish.choose(rows, dict):
            if form == "csv":
                console.write_csv_line(row, COLUMNS)
            else:
                console.write_json(row)
        time.sleep(PAUSE_S)


def _follow(quality: Quality, wish: Wish) -> None:
    from rich.live import Live

    known: dict[tuple[str, str], dict[str, Any]] = {}
    screen = console.out()
    with Live(table([]), console=screen) as live:
        for rows in quality.changes():
            known |= {(row["minute"], row["topic"]): row for row in rows}
            newest = [known[key] for key in sorted(known, key=lambda key: (key[0], -len(key[1])))]
            live.update(table(wish.choose(newest, dict), screen.height), refresh=True)
            time.sleep(PAUSE_S)
