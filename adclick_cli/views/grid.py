"""A plain table for a screen that is drawn again and again: Rich's own takes several times as long for one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from adclick_cli.views import clean

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_GAP = "  "
LEAST = 8
"""Cells that a column keeps when it is cut."""


class Grid:
    """Columns as wide as their widest cell, under a title; what does not fit into the width is cut off.

    Args:
        title: the line above.
    """

    def __init__(self, title: str = "") -> None:
        self._title = clean.message(title)
        self._names: list[str] = []
        self._right: list[bool] = []
        self._shrinks: list[bool] = []
        self._rows: list[tuple[list[tuple[str, str]], str]] = []

    def add_column(self, name: str, *, justify: str = "left", no_wrap: bool = True) -> None:
        """One more column. One with `no_wrap=False` is cut first where the width is too small for all columns."""
        self._names.append(name)
        self._right.append(justify == "right" and no_wrap)
        self._shrinks.append(not no_wrap)

    def add_row(self, *cells: str | Text, style: str | None = None) -> None:
        """One more row; a Text's own style is kept."""
        made = [
            (clean.name(cell.plain), str(cell.style)) if isinstance(cell, Text) else (clean.name(cell), "")
            for cell in cells
        ]
        self._rows.append((made, style or ""))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's way to ask for the lines."""
        widths = [
            max([cell_len(name), *(cell_len(row[place][0]) for row, _ in self._rows)])
            for place, name in enumerate(self._names)
        ]
        self._shrink(widths, options.max_width)
        head = [(name, "bold") for name in self._names]
        above = [([(self._title, "italic")], "")] if self._title else []
        for cells, style in above:
            yield from self._line(cells, style, [cell_len(self._title)], options.max_width)
        for cells, style in ((head, ""), *self._rows):
            yield from self._line(cells, style, widths, options.max_width)

    def _shrink(self, widths: list[int], room: int) -> None:
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - room
        for place, shrinks in enumerate(self._shrinks):
            if shrinks and excess > 0:
                least = max(cell_len(self._names[place]), LEAST)
                taken = min(excess, max(0, widths[place] - least))
                widths[place] -= taken
                excess -= taken

    def _line(self, cells: list[tuple[str, str]], style: str, widths: list[int], room: int) -> RenderResult:
        for (whole, own), width, right in zip(cells, widths, self._right, strict=False):
            text = whole if cell_len(whole) <= width else f"{set_cell_size(whole, width - 1)}…"
            size = cell_len(text)
            padded = f"{' ' * (width - size)}{text}{_GAP}" if right else f"{text}{' ' * (width - size)}{_GAP}"
            if room <= 0:
                break
            cut = padded if cell_len(padded) <= room else set_cell_size(padded, room)
            room -= cell_len(cut)
            yield Segment(cut, Style.parse(f"{own} {style}".strip()) if own or style else None)
        yield Segment.line()
