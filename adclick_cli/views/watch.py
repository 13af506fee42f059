"""The live table of `adclick watch`, and its rows as JSON and CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from adclick_cli import streams
from adclick_cli.results.board import AlertBoard, Line, WindowBoard
from adclick_cli.results.conditions import EVERYTHING, Wish
from adclick_cli.results.items import alert_values, row_values, window_values
from adclick_cli.results.rows import BETWEEN, AlertRow, Row, WindowRow, metric_text
from adclick_cli.results.watching import Watch
from adclick_cli.results.wilson import interval
from adclick_cli.schema import Record
from adclick_cli.views import clean, console

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from adclick_cli.views.grid import Grid

HISTORY = 20
NARROW_HISTORY = 10
WIDE = 105
SURE = 17
"""Columns that the interval of the CTR takes."""
_GROSS = ("gross", "gross CTR")
"""Columns before the search for duplicates; a narrow table shows the first one, in the place of the sparkline."""
REFRESH_PER_SECOND = 4
_HEADINGS = {"impression_count": "impressions", "click_count": "clicks"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"
_FRAME_LINES = 7


def sparkline(history: Sequence[float | None], blocks: str) -> str:
    """One sign a window, scaled from 0 to the highest; a window without a row is a gap."""
    top = max((value for value in history if value is not None), default=0.0)
    if not top:
        return "".join(" " if value is None else blocks[0] for value in history)
    steps = len(blocks) - 1
    return "".join(" " if value is None else blocks[min(steps, round(value / top * steps))] for value in history)


def _blocks() -> str:
    try:
        _BLOCKS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _ASCII
    return _BLOCKS


def _change(line: Line) -> Text:
    from rich.text import Text

    if line.change is None:
        return Text("-", style="dim")
    return Text(f"{line.change:.2f}x", style="green" if line.change > 1 else "red" if line.change < 1 else "")


def _gross(row: WindowRow) -> tuple[str, str]:
    """Clicks and CTR before the search for duplicates, which the live lane does not make."""
    clicks = row.clicks if row.gross is None else row.gross
    return f"{clicks:,}", f"{clicks / row.impressions:.4f}" if row.impressions else "-"


def _interval(row: WindowRow) -> str:
    """Wilson's bounds of the CTR."""
    bounds = interval(row.clicks, row.impressions)
    return "-" if bounds is None else f"{bounds[0]:.4f}-{bounds[1]:.4f}"


def _state(line: Line) -> Text:
    from rich.text import Text

    live = line.latest.state == "LIVE"
    return Text(line.latest.state, style="yellow" if live else "bold")


def windows_table(board: WindowBoard, what: str, height: int, width: int = WIDE, wish: Wish = EVERYTHING) -> Table:
    """The latest window of each campaign or device, as many as fit into `height` lines; less of each below `WIDE`."""
    lines = wish.choose(board.lines(HISTORY), lambda line: window_values(what, line.latest, line.previous))
    room = max(1, height - _FRAME_LINES)
    hidden = len(lines) - room
    return lines_table(lines[:room], what, width, f"+{hidden} more" if hidden > 0 else None)


def lines_table(lines: Sequence[Line], what: str, width: int, caption: str | None) -> Table:
    """These campaigns or devices, each with its latest window."""
    from rich.table import Table

    table = Table(title=f"adclick {what}", title_justify="left", caption=caption, caption_justify="left")
    fill_lines(table, lines, what, width)
    return table


def fill_lines(table: Table | Grid, lines: Sequence[Line], what: str, width: int, cursor: int | None = None) -> None:
    """Columns and rows for these lines; the one at `cursor` is marked."""
    from rich.text import Text

    if lines and lines[0].latest.metrics:
        _fill_declared(table, lines, width, cursor)
        return
    wide, sure = width >= WIDE, width >= WIDE + SURE
    history = HISTORY if wide else NARROW_HISTORY
    # The one column that is cut where the width is too small for all.
    table.add_column("campaign" if what == "ctr" else "device", no_wrap=False)
    gross = any(line.latest.gross is not None for line in lines)
    sure = sure and (not gross or width >= WIDE + 2 * SURE)
    counts = ("clicks", "CTR", *(["95 %"] if sure else []), *_GROSS[: (2 if wide else 1) if gross else 0])
    sparks = wide or not gross
    for name in ("window (UTC)" if wide else "from UTC", "impressions" if wide else "impr.", *counts, "change"):
        table.add_column(name, justify="right", no_wrap=True)
    if sparks:
        table.add_column(f"last {history} windows" if wide else f"last {history}", no_wrap=True)
    table.add_column("state", no_wrap=True)
    if wide:
        table.add_column("updated", no_wrap=True)
    blocks = _blocks()
    for number, line in enumerate(lines):
        row = line.latest
        table.add_row(
            _name(row.name),
            f"{row.start:%m-%d %H:%M:%S}" if wide else f"{row.start:%H:%M:%S}",
            f"{row.impressions:,}",
            f"{row.clicks:,}",
            "-" if row.ctr is None else f"{row.ctr:.4f}",
            *([_interval(row)] if sure else []),
            *(_gross(row)[: 2 if wide else 1] if gross else ()),
            _change(line),
            *([Text(sparkline(line.history[-history:], blocks))] if sparks else []),
            _state(line),
            *([f"{row.updated:%H:%M:%S}"] if wide else []),
            style="reverse" if number == cursor else None,
        )


def _fill_declared(table: Table | Grid, lines: Sequence[Line], width: int, cursor: int | None) -> None:
    """The same for a declared result: its own metrics."""
    wide, newest = width >= WIDE, lines[0].latest
    table.add_column(BETWEEN.join(newest.by), no_wrap=False)
    for name in ("window (UTC)" if wide else "from UTC", *newest.metrics):
        table.add_column(_HEADINGS.get(name, name), justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for number, line in enumerate(lines):
        row = line.latest
        table.add_row(
            _name(row.name),
            f"{row.start:%m-%d %H:%M:%S}" if wide else f"{row.start:%H:%M:%S}",
            *(metric_text(row.values[name]) or "-" for name in row.metrics),
            _state(line),
            style="reverse" if number == cursor else None,
        )


def history_table(name: str, rows: Sequence[WindowRow], first: int, room: int, width: int) -> Grid:
    """The windows of one name, newest first, from the one numbered `first` on; over them their CTR as a sparkline."""
    from adclick_cli.views.grid import Grid

    shown = clean.name(name)[: max(1, width - NARROW_HISTORY - 2)]
    line = sparkline([row.ctr for row in reversed(rows)][-max(1, width - len(shown) - 4) :], _blocks())
    table = Grid(f"{shown}  {line}")
    for column in ("window (UTC)", "impressions", "clicks", "CTR", "95 %", "state"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows[first : first + max(1, room - 1)]:
        table.add_row(
            f"{row.start:%m-%d %H:%M:%S}",
            f"{row.impressions:,}",
            f"{row.clicks:,}",
            _ratio(row.ctr),
            _interval(row),
            row.state,
        )
    return table


def alerts_table(board: AlertBoard, height: int, wish: Wish = EVERYTHING) -> Table:
    """The alerts, newest first, as many as fit into `height` lines."""
    rows = wish.choose(list(reversed(board.rows())), alert_values)
    room = max(1, height - _FRAME_LINES)
    hidden = len(rows) - room
    return alert_rows_table(rows[:room], f"+{hidden} more" if hidden > 0 else None)


def alert_rows_table(rows: Sequence[AlertRow], caption: str | None) -> Table:
    """These alerts."""
    from rich.table import Table

    table = Table(title="adclick alerts", title_justify="left", caption=caption, caption_justify="left")
    fill_alerts(table, rows)
    return table


def fill_alerts(table: Table | Grid, rows: Sequence[AlertRow], cursor: int | None = None) -> None:
    """Columns and rows for these alerts; the one at `cursor` is marked."""
    from rich.table import Table
    from rich.text import Text

    lanes = any(row.state != "FINAL" for row in rows)
    for name in ("time (UTC)", "campaign", "type", "CTR", "CTR before", "impressions", "z", "rule"):
        # A grid cuts the campaign alone; Rich's table may also break lines where a terminal is narrow.
        table.add_column(name, no_wrap=name != "campaign" and not isinstance(table, Table))
    if lanes:
        table.add_column("state", no_wrap=True)
    for number, row in enumerate(rows):
        table.add_row(
            f"{row.time:%m-%d %H:%M:%S}",
            _name(row.name),
            Text(clean.name(row.type), style="green" if row.type == "SPIKE" else "red"),
            _ratio(row.current_ctr),
            _ratio(row.previous_ctr),
            f"{row.impressions:,}",
            "-" if row.z_score is None else f"{row.z_score:+.1f}",
            Text(clean.name(row.rule)),
            *([Text(row.state, style="dim" if row.state == "WITHDRAWN" else "")] if lanes else []),
            style="reverse" if number == cursor else None,
        )


def _name(text: str) -> Text:
    """A name in one line, which is cut where its column has no room for all of it."""
    from rich.text import Text

    return Text(clean.name(text), no_wrap=True, overflow="ellipsis")


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def board_table(
    board: WindowBoard | AlertBoard, what: str, width: int, wish: Wish = EVERYTHING, height: int = 10_000
) -> Table:
    """The table for a board."""
    if isinstance(board, AlertBoard):
        return alerts_table(board, height, wish)
    return windows_table(board, what, height, width, wish)


def show(watched: Watch, form: str, wish: Wish = EVERYTHING) -> None:
    """A board as it stands: every row as JSON or CSV, or the table."""
    if form == "table":
        screen = console.out()
        screen.print(board_table(watched.board, watched.what, screen.width, wish))
        return
    write(wish.choose(watched.board.rows(), partial(row_values, watched.what, watched.board)), watched.record, form)


def write(rows: Iterable[Row], record: Record, form: str) -> None:
    """Rows as JSON lines or CSV: the record's fields and `state`."""
    console.write_rows([row.to_json() for row in rows], (*record.field_names, "state"), form)


def stream(batches: Iterable[Iterable[Row]], record: Record, form: str) -> None:
    """Each row as it comes: JSON lines, or CSV under one header. Ctrl-C is its ordinary end."""
    columns = (*record.field_names, "state")
    if form == "csv":
        console.write_rows([], columns, form)
    try:
        for batch in batches:
            streams.require_reader()
            for row in batch:
                if form == "csv":
                    console.write_csv_line(row.to_json(), columns)
                else:
                    console.write_json(row.to_json())
    except KeyboardInterrupt:
        return


def follow(batches: Iterable[int], board: WindowBoard | AlertBoard, what: str, waiting: str) -> None:
    """Keep the table on the screen while `batches` fills the board (an item a step, its value is not looked at).

    Rich's Live gives the terminal back as it was, however this ends.
    """
    from rich.console import Group
    from rich.live import Live

    screen = console.out()

    def picture() -> Group:
        empty = not board.rows()
        return Group(board_table(board, what, screen.width, height=screen.height), waiting if empty else "Ctrl-C ends.")

    try:
        with Live(picture(), console=screen, refresh_per_second=REFRESH_PER_SECOND) as live:
            for _ in batches:
                live.update(picture())
    except KeyboardInterrupt:
        return
    finally:
        if not screen.is_terminal:
            console.write("\n")
