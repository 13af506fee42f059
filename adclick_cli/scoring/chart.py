"""The sweep as a picture: F1 by threshold, a panel for each rule, a line for each number of impressions. Plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from adclick_cli import private
from adclick_cli.scoring.run import Line

WIDTH, HEIGHT, MARGIN, GAP = 300, 220, 36, 30
# Okabe and Ito's colours, which people who see few colours can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_KNOBS = {"ratio": "drop threshold"}


def svg(lines: Sequence[Line]) -> str:
    """A picture of the scores of a sweep.

    Args:
        lines: scores with thresholds; those without (alerts that were sent) are left out.
    """
    shown = [line for line in lines if line.knob is not None]
    rules = list(dict.fromkeys(line.rule for line in shown))
    levels = list(dict.fromkeys(line.impressions for line in shown))
    width = MARGIN + len(rules) * (WIDTH + GAP)
    height = HEIGHT + 2 * MARGIN + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, rule in enumerate(rules):
        own = [line for line in shown if line.rule == rule]
        parts += _panel(rule, own, levels, MARGIN + number * (WIDTH + GAP))
    for number, level in enumerate(levels):
        name = "topics" if level is None else f"{level} impressions"
        parts.append(_text(MARGIN + number * 130, height - 6, name, COLOURS[number % len(COLOURS)]))
    return "\n".join([*parts, "</svg>"]) + "\n"


def save(path: Path, lines: Sequence[Line]) -> None:
    """Write the picture to a file.

    Raises:
        ParameterError: it cannot be written.
    """
    private.write_for_user("chart", path, svg(lines))


def _panel(rule: str, lines: Sequence[Line], levels: Sequence[int | None], left: int) -> list[str]:
    knobs = [line.knob or 0.0 for line in lines]
    low, high = min(knobs), max(knobs)
    bottom = MARGIN + HEIGHT

    def place(knob: float, f1: float) -> str:
        across = (knob - low) / (high - low) if high > low else 0.5
        return f"{left + across * WIDTH:.1f},{bottom - f1 * HEIGHT:.1f}"

    parts = [_text(left, MARGIN - 12, f"{rule}: F1 by {_KNOBS.get(rule, 'least |z|')}", "black")]
    for tenth in (0, 5, 10):
        y = bottom - tenth / 10 * HEIGHT
        parts.append(f'<line x1="{left}" x2="{left + WIDTH}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(_text(left - 22, y + 4, f"{tenth / 10:g}", "#555"))
    for knob in (low, high):
        parts.append(_text(float(place(knob, 0).split(",")[0]) - 6, bottom + 14, f"{knob:g}", "#555"))
    for number, level in enumerate(levels):
        points = " ".join(place(line.knob or 0.0, line.score.f1 or 0.0) for line in lines if line.impressions == level)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts


def _text(x: float, y: float, text: str, colour: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}">{escape(text)}</text>'
