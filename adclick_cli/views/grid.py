"""A plain table for a screen that is drawn again and again: Rich's own takes several times as long for one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_GAP = "  "


class Grid:
    """Columns as wide as their widest cell, under a title; what does not fit into the width is cut off.

    Args:
        title: the line above.
    """

    def __init__(self, title: str = "") -> None:
        self._title = title
        self._names: list[str] = []
        self._right: list[bool] = []
        self._rows: list[tuple[list[tuple[str, str]], str]] = []

    def add_column(self, name: str, *, justify: str = "left", no_wrap: bool = True) -> None:
        """One more column."""
        self._names.append(name)
        self._right.append(justify == "right" and no_wrap)

    def add_row(self, *cells: str | Text, style: str | None = None) -> None:
        """One more row; a Text's own style is kept."""
        made = [
            (_plain(cell.plain), str(cell.style)) if isinstance(cell, Text) else (_plain(cell), "") for cell in cells
        ]
        self._rows.append((made, style or ""))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's way to ask for the lines."""
        widths = [
            max([cell_len(name), *(cell_len(row[place][0]) for row, _ in self._rows)])
            for place, name in enumerate(self._names)
        ]
        head = [(name, "bold") for name in self._names]
        above = [([(self._title, "italic")], "")] if self._title else []
        for cells, style in above:
            yield from self._line(cells, style, [cell_len(self._title)], options.max_width)
        for cells, style in ((head, ""), *self._rows):
            yield from self._line(cells, style, widths, options.max_width)

    def _line(self, cells: list[tuple[str, str]], style: str, widths: list[int], room: int) -> RenderResult:
        for (text, own), width, right in zip(cells, widths, self._right, strict=False):
            size = cell_len(text)
            padded = f"{' ' * (width - size)}{text}{_GAP}" if right else f"{text}{' ' * (width - size)}{_GAP}"
            if room <= 0:
                break
            cut = padded if cell_len(padded) <= room else set_cell_size(padded, room)
            room -= cell_len(cut)
            yield Segment(cut, Style.parse(f"{own} {style}".strip()) if own or style else None)
        yield Segment.line()


def _plain(text: str) -> str:
    """A name may hold anything; what is no sign could drive the terminal."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "�" for sign in text)
