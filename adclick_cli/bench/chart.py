"""A benchmark's figures as a picture: one bar each for a median, and a line from the least to the most. SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

LETTER, BAR, STEP, TOP, SCALE, SAID = 7, 20, 34, 44, 440, 170
SHORTEST_LABEL = 16


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: stands before it.
        least, median, most: the figures, in one unit for the whole picture.
        said: stands behind it.
    """

    label: str
    least: float
    median: float
    most: float
    said: str


def svg(bars: Sequence[Bar], title: str) -> str:
    """The picture; its text is dark on light and light on dark."""
    most = max(bar.most for bar in bars)
    left = LETTER * max(SHORTEST_LABEL, *(len(bar.label) for bar in bars)) + 16
    width = left + SCALE + SAID
    height = TOP + STEP * len(bars) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="13">',
        "<style>text{fill:#333}line{stroke:#333}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#ddd}}</style>",
        f'<text x="8" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        y = TOP + STEP * number
        middle, least, most_x = y + BAR / 2, left + _x(bar.least, most), left + _x(bar.most, most)
        lines += [
            f'<text x="8" y="{middle + 5}">{escape(bar.label)}</text>',
            f'<rect x="{left}" y="{y}" width="{_x(bar.median, most):.1f}" height="{BAR}" fill="#4a7fb5"/>',
            f'<line x1="{least:.1f}" x2="{most_x:.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{most_x + 8:.1f}" y="{middle + 5}">{escape(bar.said)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _x(value: float, most: float) -> float:
    return SCALE * value / most if most else 0.0
