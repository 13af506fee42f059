"""What a live watch shows, as a value: `reduce(screen, event)` gives the next one, and does nothing else.

Keys, rows and the clock are events. Neither the terminal nor the broker is known here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from adclick_cli.errors import ParameterError
from adclick_cli.results.conditions import EVERYTHING, Condition, Fields, Sort, Wish, glob, parse_where
from adclick_cli.results.items import Item
from adclick_cli.results.rows import WindowRow

View = Literal["rows", "history", "keys"]
MAX_TYPED = 200
KEYS = {
    "q": "quit",
    "space": "pause the display; reading goes on",
    "s": "next order",
    "/": "filter: part of a name, a pattern like camp-1*, or a condition like ctr>0.2",
    "Up, Down, PgUp, PgDn, Home, End": "move",
    "Enter": "the windows of this campaign or device",
    "Esc": "back",
    "?": "these keys",
}


@dataclass(frozen=True)
class Key:
    """A key: one sign, or enter, esc, backspace, up, down, pageup, pagedown, home or end."""

    name: str


@dataclass(frozen=True)
class Rows:
    """The rows as they stand, and how many changes came since the last time."""

    items: tuple[Item, ...]
    changes: int = 0


@dataclass(frozen=True)
class Windows:
    """The windows of one name, newest first."""

    name: str
    rows: tuple[WindowRow, ...]


@dataclass(frozen=True)
class Tick:
    """The room for rows, in lines, and why the broker does not answer; empty while it does."""

    room: int
    away: str = ""


Event = Key | Rows | Windows | Tick


@dataclass(frozen=True)
class Screen:
    """Everything that decides the picture but the time of day.

    Attributes:
        fields: the fields of a row.
        wish: what was asked for on the command line; `s` changes its order.
        items: the rows that are shown from, before any filter.
        waiting: newer ones, while the display is paused.
        missed: changes that came since it was paused.
        text: the filter; typed: what is being typed for it, None while nothing is; wrong: why it cannot be used.
        cursor, first: the row that the keys are on, and the first one shown, counted from 0.
        room: how many rows fit.
        view: rows, history or keys.
        opened: the name whose history is shown; windows: its windows, newest first; scroll: the first one shown.
        away: why the broker does not answer.
        done: `q` was pressed.
    """

    fields: Fields
    wish: Wish = EVERYTHING
    items: tuple[Item, ...] = ()
    waiting: tuple[Item, ...] | None = None
    paused: bool = False
    missed: int = 0
    text: str = ""
    typed: str | None = None
    wrong: str = ""
    cursor: int = 0
    first: int = 0
    room: int = 1
    view: View = "rows"
    opened: str = ""
    windows: tuple[WindowRow, ...] = ()
    scroll: int = 0
    away: str = ""
    done: bool = False

    def shown(self) -> list[Item]:
        """The rows behind conditions, filter and order; `first` and `room` say which of them fit."""
        try:
            keep = _filter(self.text if self.typed is None else self.typed, self.fields)
        except ParameterError:
            keep = _filter(self.text, self.fields)
        if not keep:
            found = list(self.items)
        elif isinstance(keep, str):
            pattern = glob(f"*{keep.lower()}*")
            found = [item for item in self.items if pattern.fullmatch(item.name.lower())]
        else:
            found = [item for item in self.items if all(one.holds(item.values) for one in keep)]
        return self.wish.choose(found, lambda item: item.values)


def reduce(screen: Screen, event: Event) -> Screen:
    """The screen after an event."""
    if isinstance(event, Tick):
        return _fit(replace(screen, room=max(1, event.room), away=event.away))
    if isinstance(event, Rows):
        if screen.paused:
            return replace(screen, waiting=event.items, missed=screen.missed + event.changes)
        return _follow(screen, replace(screen, items=event.items))
    if isinstance(event, Windows):
        kept = screen.paused and screen.windows and screen.windows[0].name == event.name
        return screen if kept or event.name != screen.opened else replace(screen, windows=event.rows)
    if screen.typed is not None:
        return _fit(_type(screen, screen.typed, event.name))
    return _fit(_press(screen, event.name))


def _filter(text: str, fields: Fields) -> str | tuple[Condition, ...]:
    return parse_where(text, fields, "filter") if any(sign in text for sign in "<>=~!") else text


def _type(screen: Screen, typed: str, key: str) -> Screen:
    if key == "esc":
        return replace(screen, typed=None, wrong="")
    if key == "enter":
        try:
            _filter(typed, screen.fields)
        except ParameterError as error:
            return replace(screen, wrong=f"{error.why} {error.mend}")
        return replace(screen, text=typed, typed=None, wrong="", cursor=0, first=0)
    if key == "backspace":
        return replace(screen, typed=typed[:-1], wrong="")
    if len(key) == 1 and key.isprintable() and len(typed) < MAX_TYPED:
        return replace(screen, typed=typed + key, wrong="")
    return screen


def _press(screen: Screen, key: str) -> Screen:
    if key == "q":
        return replace(screen, done=True)
    if key == " ":
        return _pause(screen)
    if key == "?":
        return replace(screen, view="rows" if screen.view == "keys" else "keys")
    if key == "esc":
        if screen.view != "rows":
            return replace(screen, view="rows", opened="", windows=(), scroll=0)
        return replace(screen, text="", wrong="")
    if key in _STEPS:
        return _move(screen, _STEPS[key] * (screen.room if key.startswith("page") else 1))
    if key in ("home", "end"):
        return _move(screen, -(10**9) if key == "home" else 10**9)
    if screen.view != "rows":
        return screen
    if key == "s":
        return _next_order(screen)
    if key == "/":
        return replace(screen, typed=screen.text, wrong="")
    if key == "enter":
        return _open(screen)
    return screen


_STEPS = {"up": -1, "down": 1, "pageup": -1, "pagedown": 1}


def _pause(screen: Screen) -> Screen:
    if not screen.paused:
        return replace(screen, paused=True, missed=0)
    items = screen.items if screen.waiting is None else screen.waiting
    return _follow(screen, replace(screen, paused=False, missed=0, waiting=None, items=items))


def _move(screen: Screen, by: int) -> Screen:
    if screen.view == "history":
        last = max(0, len(screen.windows) - screen.room)
        return replace(screen, scroll=min(last, max(0, screen.scroll + by)))
    return replace(screen, cursor=screen.cursor + by) if screen.view == "rows" else screen


def _next_order(screen: Screen) -> Screen:
    # Numbers with the highest first, texts from A on; then as the rows come.
    orders = [None, *(Sort(name, number) for name, number in screen.fields.items())]
    known = screen.wish.sort
    place = orders.index(known) if known in orders else 0
    return replace(screen, wish=replace(screen.wish, sort=orders[(place + 1) % len(orders)]), cursor=0, first=0)


def _open(screen: Screen) -> Screen:
    shown = screen.shown()
    if not shown or "minute" in screen.fields:
        return screen
    return replace(screen, view="history", opened=shown[screen.cursor].name, windows=(), scroll=0)


def _follow(before: Screen, after: Screen) -> Screen:
    """Keep the cursor on its row where that is still shown; at the top it stays at the top."""
    if not before.cursor:
        return _fit(after)
    old, new = before.shown(), after.shown()
    key = old[before.cursor].key if before.cursor < len(old) else ""
    place = next((number for number, item in enumerate(new) if item.key == key), before.cursor)
    return _fit(replace(after, cursor=place))


def _fit(screen: Screen) -> Screen:
    count = len(screen.shown())
    cursor = max(0, min(screen.cursor, count - 1))
    first = min(max(screen.first, cursor - screen.room + 1), cursor, max(0, count - screen.room))
    return replace(screen, cursor=cursor, first=max(0, first))
