"""What `adclick --help` shows, drawn as Typer draws a command's help through Rich, without importing either.

Importing both takes a quarter of a second of processor time; this takes a few milliseconds (docs/performance.md).
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence

WIDTH = 80
"""Columns where there is no terminal to ask."""
NARROWEST = 40
_BOLD_CYAN, _BOLD, _YELLOW, _DIM, _PLAIN = "\x1b[1;36m", "\x1b[1m", "\x1b[33m", "\x1b[2m", "\x1b[0m"

Panel = tuple[str, Sequence[tuple[str, str]]]
"""A title, and rows of a name and what it means."""


def width() -> int:
    """Columns of the terminal: `COLUMNS`, else as it says itself."""
    try:
        found = int(os.environ.get("COLUMNS", "")) or WIDTH
    except ValueError:
        try:
            found = os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
        except (OSError, ValueError):
            found = WIDTH
    return max(found, NARROWEST)


def coloured() -> bool:
    """Whether stdout takes colours: a terminal that can, and nobody said `NO_COLOR`."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def text(program: str, about: str, panels: Sequence[Panel], columns: int, *, colours: bool) -> str:
    """The whole help.

    Args:
        program: its name.
        about: what it is for.
        panels: the options' panel, then the commands' panels in order.
        columns: how wide it may be.
        colours: whether escape sequences may be in it.
    """

    def style(words: str, sequence: str) -> str:
        return f"{sequence}{words}{_PLAIN}" if colours and words.strip() else words

    usage = f" {style('Usage:', _YELLOW)} {style(f'{program} [OPTIONS] COMMAND [ARGS]...', _BOLD)}"
    lines = ["", usage, "", *(f" {line}" for line in textwrap.wrap(about, columns - 2)), ""]
    for title, rows in panels:
        head = f" {title} "
        lines.append(style(f"╭─{head}{'─' * (columns - 3 - len(head))}╮", _DIM))
        left = max(len(name) for name, _ in rows if name)
        for name, meaning in rows:
            for number, part in enumerate(textwrap.wrap(meaning, columns - left - 6)):
                cell = f"{'' if number else name:<{left}}"
                rest = " " * (columns - left - 6 - len(part))
                border = style("│", _DIM)
                lines.append(f"{border} {style(cell, _BOLD_CYAN)}  {part}{rest} {border}")
        lines.append(style(f"╰{'─' * (columns - 2)}╯", _DIM))
    return "\n".join(lines) + "\n\n"
