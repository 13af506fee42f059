"""Writing into a file of cases what came out, comments kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adclick_cli.casebook import reading, rows
from adclick_cli.casebook.run import Outcome
from adclick_cli.errors import AdclickError


def update(outcomes: Sequence[Outcome]) -> list[Path]:
    """Write the rows of those cases that differ from what they expect; returns the files that changed.

    An expectation that is met stays as it is, one that says `contains` becomes `exact`.

    Raises:
        AdclickError: the two engines disagree somewhere: then nothing is written.
    """
    broken = [one for one in outcomes if one.disagreement or one.error]
    if broken:
        first = broken[0].case
        raise AdclickError(
            f"{first.path}, line {first.line}: nothing was written",
            f"Flink and the oracle disagree on {first.name!r}, or it could not be run.",
            "Run it without --update and look at the rows.",
        )
    changed: dict[Path, Any] = {}
    for outcome in outcomes:
        wrong = {one.record for one in outcome.differences}
        if not wrong:
            continue
        path = outcome.case.path
        if path not in changed:
            changed[path] = reading.load(path)
        expect = changed[path]["cases"][outcome.case.place]["expect"]
        for record in wrong:
            expect[record] = _rows(outcome, record)
    for path, root in changed.items():
        with path.open("w", encoding="utf-8") as file:
            reading.yaml().dump(root, file)
    return list(changed)


def _rows(outcome: Outcome, record: str) -> Any:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    made = CommentedSeq()
    for row in outcome.flink[record]:
        if record == "late":
            made.append(row["event"])
            continue
        one = CommentedMap(rows.written(record, row))
        one.fa.set_flow_style()
        made.append(one)
    return made or "none"
