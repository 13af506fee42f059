"""The screen of a live watch: only the rows that fit are drawn, and only when something has changed."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from adclick_cli import private
from adclick_cli.results.board import Line
from adclick_cli.results.conditions import Fields, Wish
from adclick_cli.results.feeding import Source
from adclick_cli.results.screen import KEYS, Key, Rows, Screen, Tick, Windows, reduce
from adclick_cli.views import console
from adclick_cli.views import quality as quality_tables
from adclick_cli.views import watch as tables
from adclick_cli.views.keys import Keyboard, keyboard

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    from adclick_cli.views.grid import Grid

KEY_S = 0.1
FRAME_S = 0.25
TAKE_S = 0.1
SVG_WIDTH = 132
"""Columns of a picture."""
_FRAME_LINES = 8
"""Lines of the screen that are no row: two of the header, five of the table, one of the footer."""


def run(feed: Source, fields: Fields, wish: Wish, waiting: str) -> None:
    """Show a watch until `q` or Ctrl-C, on the terminal's other screen; the terminal is given back as it was.

    Args:
        feed: the rows.
        fields: the fields of a row.
        wish: conditions, order and number of the rows.
        waiting: what is said while there is no row.

    Raises:
        BrokerError: the broker does not answer at the start.
    """
    from rich.live import Live

    screen = console.out()
    feed.start()
    try:
        with (
            keyboard(wanted=screen.is_terminal) as keys,
            Live(console=screen, screen=True, auto_refresh=False, transient=True) as live,
        ):
            _loop(feed, Screen(fields, wish), keys, live, waiting)
    except KeyboardInterrupt:
        return
    finally:
        feed.stop()


def _loop(feed: Source, state: Screen, keys: Keyboard, live: Live, waiting: str) -> None:
    drawn, due = None, 0.0
    while not state.done:
        size = live.console.size
        changes = feed.take(TAKE_S)
        if changes:
            state = reduce(state, Rows(feed.items(), changes))
        state = reduce(state, Tick(size.height - _FRAME_LINES, feed.fresh.away))
        pressed = keys.wait(KEY_S)
        for key in pressed:
            state = reduce(state, Key(key))
        if state.view == "history":
            state = reduce(state, Windows(state.opened, feed.windows(state.opened)))
        now = time.monotonic()
        # The ages in the header move each second; everything else only with the state.
        if pressed or ((state, size, int(now)) != drawn and now > due):
            live.update(picture(state, feed, live.console, waiting, keys.there), refresh=True)
            drawn, due = (state, size, int(now)), now + FRAME_S


def picture(state: Screen, feed: Source, screen: Console, waiting: str, keys: bool = True) -> Group:
    """The whole screen: header, rows, footer."""
    from rich.console import Group
    from rich.text import Text

    from adclick_cli.views.grid import Grid

    what, width = feed.what, screen.width
    shown = state.shown()
    body: Grid | Text
    if state.view == "keys":
        known = {key: does for key, does in KEYS.items() if what != "quality" or key != "Enter"}
        body = Text("\n".join(f"  {key:34} {does}" for key, does in known.items()))
    elif state.view == "history":
        body = (
            _history(state, width) if feed.windows(state.opened) or what != "alerts" else _alerts(state, state.opened)
        )
    elif not shown:
        body = Text(_nothing(state, feed, waiting))
    elif what == "alerts":
        body = _alerts(state)
    else:
        part = [item.source for item in shown[state.first : state.first + state.room]]
        cursor = state.cursor - state.first if keys else None
        body = Grid()
        if what == "quality":
            quality_tables.fill(body, part, [item.source for item in state.items], cursor)
        else:
            tables.fill_lines(body, [line for line in part if isinstance(line, Line)], what, width, cursor)
    return Group(_header(state, feed, len(shown)), body, _footer(state, keys, what))


def _nothing(state: Screen, feed: Source, waiting: str) -> str:
    if state.items:
        return "No row fulfils the conditions."
    return waiting if feed.fresh.read else "Reading …"


def _header(state: Screen, feed: Source, count: int) -> Text:
    from rich.text import Text

    now = datetime.now(timezone.utc)
    told = [f"adclick {feed.what}", f"{count:,} of {len(state.items):,}"]
    if feed.limit is not None:
        kind = "alerts" if feed.what == "alerts" else "names"
        told[-1] += f" (only the newest {feed.limit:,} {kind} are kept)"
    if state.wish.sort:
        told.append(f"by {state.wish.sort}")
    if state.text:
        told.append(f"filter {state.text}")
    if feed.fresh.newest:
        told.append(f"newest row {_age(now, feed.fresh.newest)} ago")
    if feed.fresh.closed:
        told.append(f"newest closed window ended {_age(now, feed.fresh.closed)} ago")
    text = Text(" · ".join(told), style="bold", no_wrap=True, overflow="ellipsis")
    if state.paused:
        text.append(f" · paused, +{state.missed:,}", style="yellow")
    if state.away:
        text.append(
            f"\nbroker away since {time.monotonic() - feed.fresh.since:.0f} s, showing what was read", style="red"
        )
    return text


def _footer(state: Screen, keys: bool, what: str) -> Text:
    from rich.text import Text

    if state.typed is not None:
        return Text(f"/{state.typed}▏ {state.wrong}", no_wrap=True, overflow="ellipsis")
    told = ["q quit", "space pause", "s order", "/ filter", "Enter history", "Esc back", "? keys"]
    if what == "quality":
        told.remove("Enter history")
    return Text(" · ".join(told) if keys else "Ctrl-C ends.", style="dim", no_wrap=True, overflow="ellipsis")


def _age(now: datetime, moment: datetime) -> str:
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _history(state: Screen, width: int) -> Grid:
    return tables.history_table(state.opened, state.windows, state.scroll, state.room, width)


def _alerts(state: Screen, name: str | None = None) -> Grid:
    from adclick_cli.views.grid import Grid

    grid = Grid()
    if name is not None:
        rows = [item.source for item in state.items if item.name == name]
        tables.fill_alerts(grid, rows[: state.room])
    else:
        part = state.shown()[state.first : state.first + state.room]
        tables.fill_alerts(grid, [item.source for item in part], state.cursor - state.first)
    return grid


def write_svg(made: Table, what: str, path: Path) -> None:
    """A table as a picture of a terminal."""
    from rich.console import Console

    screen = Console(record=True, width=SVG_WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    screen.print(made)
    private.write_for_user("svg", path, screen.export_svg(title=f"adclick watch {what}", unique_id="adclick"))
