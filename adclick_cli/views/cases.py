"""How `adclick test` looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from adclick_cli.casebook.lines import shown
from adclick_cli.casebook.run import Outcome
from adclick_cli.views import console

_COLUMNS = ("engine", "rows", "difference", "row")
_CSV = ("file", "line", "case", "passed", "seconds", "error")


def show(outcomes: Iterable[Outcome], form: str | None) -> list[Outcome]:
    """Each case as it ends: a line, and a table of what is missing and unexpected; returns them all."""
    chosen = console.choose_format(form)
    seen: list[Outcome] = []
    for outcome in outcomes:
        seen.append(outcome)
        if chosen == "json":
            console.write_json(_plain(outcome))
        elif chosen == "table":
            _table(outcome)
    if chosen == "csv":
        console.write_rows([_plain(outcome) for outcome in seen], _CSV, chosen)
    failed = sum(not outcome.passed for outcome in seen)
    seconds = sum(outcome.seconds for outcome in seen)
    console.say(f"{len(seen)} cases, {failed} failed. {seconds:.1f} s.")
    return seen


def _plain(outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    return {
        "file": str(case.path),
        "line": case.line,
        "case": case.name,
        "passed": outcome.passed,
        "seconds": round(outcome.seconds, 3),
        "portable": case.pipeline.portable,
        "differences": [
            {"engine": one.engine, "rows": one.record, "difference": one.kind, "row": dict(one.row)}
            for one in (*outcome.differences, *outcome.disagreement)
        ],
        "error": outcome.error,
    }


def _table(outcome: Outcome) -> None:
    word = "ok  " if outcome.passed else "FAIL"
    by = ", plain SQL" if outcome.case.pipeline.portable else ""
    place = f"{outcome.case.path}:{outcome.case.line}"
    console.write(f"{word} {place} {outcome.case.name} ({outcome.seconds:.1f} s{by})\n")
    if outcome.error:
        console.write(f"{outcome.error}\n")
    found = [*outcome.differences, *outcome.disagreement]
    if found:
        table = [
            {"engine": one.engine, "rows": one.record, "difference": one.kind, "row": shown(one.row)} for one in found
        ]
        console.write_rows(table, _COLUMNS, "table")
