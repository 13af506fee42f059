"""A benchmark's times as a picture: one bar a side, its median, and a line from the least to the most. SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from adclick_cli.bench.figures import Figures

LEFT, WIDTH, BAR, STEP, TOP = 130, 720, 20, 34, 44
SCALE = WIDTH - LEFT - 150


def svg(figures: Sequence[Figures], title: str) -> str:
    """The picture; it has no colour of its own for text, so that it can be read on light and on dark."""
    most = max(one.most_s for one in figures)
    height = TOP + STEP * len(figures) + 8
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' font-family="sans-serif" font-size="13">',
        "<style>text{fill:#333}line{stroke:#333}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}line{stroke:#ddd}}</style>",
        f'<text x="8" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for number, one in enumerate(figures):
        y = TOP + STEP * number
        middle, least, most_x = y + BAR / 2, LEFT + _x(one.least_s, most), LEFT + _x(one.most_s, most)
        said = f"{one.median_s:.1f} s · {one.events_per_s:,}/s"
        lines += [
            f'<text x="8" y="{middle + 5}">{escape(one.side)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{_x(one.median_s, most):.1f}" height="{BAR}" fill="#4a7fb5"/>',
            f'<line x1="{least:.1f}" x2="{most_x:.1f}" y1="{middle}" y2="{middle}"/>',
            f'<text x="{most_x + 8:.1f}" y="{middle + 5}">{said}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _x(seconds: float, most: float) -> float:
    return SCALE * seconds / most
