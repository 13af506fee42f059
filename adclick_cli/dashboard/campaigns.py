"""The campaigns as they stand: the table's page of them, and those that moved most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adclick_cli.dashboard.boards import Boards, Window
from adclick_cli.dashboard.view import View
from adclick_cli.results.board import WindowBoard
from adclick_cli.results.rows import WindowRow
from adclick_cli.results.wilson import interval, two_proportion_z

HISTORY = 30
MOVERS = 5
LEAST_Z = 1.0
SIZE_WINDOWS = 10
_DIGITS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True)
class Standing:
    """One campaign in the window that all are compared in, or in its newest one before.

    Attributes:
        name: the campaign.
        row: its window.
        before: the window just before; None where that is empty.
        fresh: whether `row` is the window that all are compared in.
    """

    name: str
    row: WindowRow
    before: WindowRow | None
    fresh: bool

    @property
    def change(self) -> float | None:
        """CTR by that of the window before."""
        before = None if self.before is None else self.before.ctr
        return None if not before or self.row.ctr is None else self.row.ctr / before

    @property
    def z(self) -> float | None:
        """Standard errors between the two windows' CTRs."""
        if self.before is None:
            return None
        return two_proportion_z(self.row.clicks, self.row.impressions, self.before.clicks, self.before.impressions)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts camp-2 before camp-10."""
    # Digits beyond what int() takes at once are compared as text: a name may be anything.
    parts = _DIGITS.split(name.casefold())
    return tuple(
        (1, int(part), "") if _DIGITS.fullmatch(part) and len(part) < 19 else (0, 0, part) for part in parts if part
    )


def largest(boards: Boards, axis: Sequence[Window], names: Iterable[str]) -> list[str]:
    """Names by their impressions in the newest windows, most first."""
    newest = axis[-SIZE_WINDOWS:]
    return sorted(names, key=lambda name: (-_size(boards.ctr, name, newest), natural(name)))


def _size(board: WindowBoard, name: str, windows: Sequence[Window]) -> int:
    rows = (board.window(name, start, end) for start, end in windows)
    return sum(row.impressions for row in rows if row is not None)


def numbers(row: WindowRow | None) -> dict[str, Any]:
    """A window's counts, rate, band and state; None where there is no row."""
    return {
        "impressions": None if row is None else row.impressions,
        "clicks": None if row is None else row.clicks,
        "ctr": None if row is None else row.ctr,
        "band": None if row is None else interval(row.clicks, row.impressions),
        "state": None if row is None else row.state,
    }


def summary(boards: Boards, view: View, settled: Window | None) -> dict[str, Any]:
    """The table and the movers."""
    known = [] if settled is None else _standings(boards.ctr, settled)
    wanted = view.find.casefold()
    found = [one for one in known if wanted in one.name.casefold()]
    shown = sorted(found, key=lambda one: _order(one, view.sort))[: view.top]
    return {
        "campaigns": {
            "start": _ms(settled[0]) if settled else None,
            "known": len(known),
            "found": len(found),
            "limit": boards.ctr.limit,
            "rows": [_table_row(boards.ctr, one) for one in shown],
        },
        "movers": _movers(known),
    }


def _standings(board: WindowBoard, settled: Window) -> list[Standing]:
    start, end = settled
    found = []
    for name in board.names():
        here = board.window(name, start, end)
        row = here or board.newest(name, end)
        if row is not None:
            before = board.window(name, row.start - row.length, row.start)
            found.append(Standing(name, row, before, here is not None))
    return found


def _order(one: Standing, sort: str) -> tuple[Any, ...]:
    by = {
        "impressions": one.row.impressions,
        "ctr": one.row.ctr,
        "change": None if one.change is None else abs(one.change - 1),
    }.get(sort)
    # Silent campaigns last, whatever they had.
    return (sort != "name" and not one.fresh, by is None, -(by or 0), natural(one.name))


def _table_row(board: WindowBoard, one: Standing) -> dict[str, Any]:
    length = one.row.length
    rows = [
        board.window(one.name, one.row.start - step * length, one.row.end - step * length)
        for step in reversed(range(HISTORY))
    ]
    return {
        "name": one.name,
        "start": _ms(one.row.start),
        "fresh": one.fresh,
        **numbers(one.row),
        "change": one.change,
        "z": one.z,
        "history": [None if row is None else row.ctr for row in rows],
    }


def _movers(known: Sequence[Standing]) -> dict[str, Any]:
    """Those whose CTR moved most, in standard errors: a large ratio of small numbers is chance."""
    moved = [(one.z, one) for one in known if one.fresh and one.z is not None]
    up = sorted((pair for pair in moved if pair[0] >= LEAST_Z), key=lambda pair: (-pair[0], natural(pair[1].name)))
    down = sorted((pair for pair in moved if pair[0] <= -LEAST_Z), key=lambda pair: (pair[0], natural(pair[1].name)))
    return {
        "compared": len(moved),
        "up": [_mover(*pair) for pair in up[:MOVERS]],
        "down": [_mover(*pair) for pair in down[:MOVERS]],
    }


def _mover(z: float, one: Standing) -> dict[str, Any]:
    return {
        "name": one.name,
        "z": z,
        "ctr": one.row.ctr,
        "before": one.before.ctr if one.before else None,
        "change": one.change,
        "state": one.row.state,
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
