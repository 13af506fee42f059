"""Rows as items: the values that conditions and orders look at, once for each kind of row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adclick_cli.results.board import AlertBoard, Line, WindowBoard
from adclick_cli.results.conditions import Fields, Value
from adclick_cli.results.rows import AlertRow, Row, WindowRow, is_declared
from adclick_cli.results.times import write_iso
from adclick_cli.results.wilson import interval
from adclick_cli.schema import TIMES, Kind, Record

_WINDOW: dict[str, bool] = {
    "impressions": True,
    "clicks": True,
    "ctr": True,
    "low": True,
    "high": True,
    "change": True,
    "state": False,
    "window": False,
}
_ALERT: dict[str, bool] = {
    "campaign": False,
    "type": False,
    "ctr": True,
    "before": True,
    "impressions": True,
    "z": True,
    "rule": False,
    "time": False,
    "state": False,
}
_NUMBERS = (Kind.COUNT, Kind.RATIO, Kind.DECIMAL)
HISTORY = 20


@dataclass(frozen=True, eq=False)
class Item:
    """A row of the screen.

    Attributes:
        name: the campaign, the device, or the topic.
        key: what identifies it.
        values: by field what conditions and orders look at; None where it is not defined.
        source: what it is made of.
    """

    name: str
    key: str
    values: dict[str, Value]
    source: Any


def fields(what: str, record: Record | None = None) -> Fields:
    """The fields of alerts or of a result; True for a number.

    Args:
        what: alerts or the name of a result.
        record: of a declared result, its rows.
    """
    if what == "alerts":
        return _ALERT
    if record is not None and is_declared(record):
        numbers = {one.name: one.kind in _NUMBERS for one in record.fields if one.name not in TIMES}
        return numbers | {"state": False, "window": False}
    return {"campaign" if what == "ctr" else "device": False} | _WINDOW


def window_values(what: str, row: WindowRow, previous: WindowRow | None) -> dict[str, Value]:
    """The values of a window; `low` and `high` bound its CTR (Wilson, 95 %), `change` is CTR by the window before."""
    if row.metrics:
        numbers = {name: float(one) if isinstance(one, Decimal) else one for name, one in row.values.items()}
        for name in TIMES:
            numbers.pop(name)
        return numbers | {"state": row.state, "window": write_iso(row.start)}
    low, high = interval(row.clicks, row.impressions) or (None, None)
    before = previous.ctr if previous else None
    return {
        "campaign" if what == "ctr" else "device": row.name,
        "impressions": row.impressions,
        "clicks": row.clicks,
        "ctr": row.ctr,
        "low": low,
        "high": high,
        "change": row.ctr / before if row.ctr is not None and before else None,
        "state": row.state,
        "window": write_iso(row.start),
    }


def alert_values(row: AlertRow) -> dict[str, Value]:
    """The values of an alert."""
    return {
        "campaign": row.name,
        "type": row.type,
        "ctr": row.current_ctr,
        "before": row.previous_ctr,
        "impressions": row.impressions,
        "z": row.z_score,
        "rule": row.rule,
        "time": write_iso(row.time),
        "state": row.state,
    }


def row_values(what: str, board: WindowBoard | AlertBoard, row: Row) -> dict[str, Value]:
    """The values of any row; the window before it comes from the board."""
    if isinstance(row, AlertRow):
        return alert_values(row)
    previous = board.window(row.name, row.start - row.length, row.start) if isinstance(board, WindowBoard) else None
    return window_values(what, row, previous)


class Items:
    """The items of a board, each the same object until its row changes.

    Args:
        what: ctr, engagement or alerts.
        board: where the rows are.
    """

    def __init__(self, what: str, board: WindowBoard | AlertBoard) -> None:
        self._what, self._board = what, board
        self._known: list[Item] = []

    def now(self) -> tuple[Item, ...]:
        """Most impressions first; alerts: newest first."""
        found: Iterable[AlertRow | Line]
        if isinstance(self._board, AlertBoard):
            found = list(reversed(self._board.rows()))
        else:
            found = self._board.lines(HISTORY)
        known = {id(item.source): item for item in self._known}
        made = [known.get(id(one)) or self._item(one) for one in found]
        self._known = made
        return tuple(made)

    def _item(self, one: AlertRow | Line) -> Item:
        if isinstance(one, AlertRow):
            return Item(one.name, f"{write_iso(one.time)} {one.name}", alert_values(one), one)
        return Item(one.name, one.name, window_values(self._what, one.latest, one.previous), one)
