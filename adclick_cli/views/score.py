"""How `adclick score` looks."""

from __future__ import annotations

from collections.abc import Sequence

from adclick_cli.scoring.run import COLUMNS, Line
from adclick_cli.views import console

_BAR = 20
_PLAIN = ("of", "rule", "at", "prec.", "recall", "F1", "delay s", "false/h")
_SWEEP = ("of", "rule", "at", "found", "false/h", "F1")


def show(lines: Sequence[Line], form: str | None, *, sweep: bool) -> None:
    """One row a score; in a table of a sweep F1 is drawn, too."""
    chosen = console.choose_format(form)
    if chosen != "table":
        console.write_rows((line.to_json() for line in lines), COLUMNS, chosen)
        return
    rows = []
    for line in lines:
        score = line.score
        filled = round((score.f1 or 0.0) * _BAR)
        rows.append(
            {
                "of": line.source if line.impressions is None else line.impressions,
                "rule": line.rule,
                "at": _threshold(line),
                "found": f"{score.true} of {score.changes}",
                "prec.": _short(score.precision),
                "recall": _short(score.recall),
                "F1": _short(score.f1) + (f" {'▇' * filled}{'·' * (_BAR - filled)}" if sweep else ""),
                "delay s": "" if score.delay_s is None else f"{score.delay_s:.0f}",
                "false/h": _short(score.false_per_hour),
            }
        )
    title = "Alerts against the truth, by impressions of a campaign in a window"
    if any(line.impressions is None for line in lines):
        title = "Alerts against the truth"
    console.write_rows(rows, _SWEEP if sweep else _PLAIN, chosen, title)


def _threshold(line: Line) -> str:
    if line.thresholds is None:
        return ""
    return f"{line.knob:g}x" if line.rule == "ratio" else f"|z| {line.knob:g}"


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
