"""Cases at random by the function: events, watermarks and partitions in any order give the oracle's rows.

The settings are those of examples/tests/order.yaml, so the jobs are planned once for both.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from adclick_cli.casebook import reading, run
from adclick_cli.casebook.arrival import Arrival, arrive
from adclick_cli.casebook.model import Case, CaseFileError
from tests.flink.conftest import EmbeddedFlink

pytestmark = pytest.mark.flink

SETTINGS = ("", "clock_skew: 2m", "dedup_window: 2s", "unique_ids: 2m")
CASES = 24
TIMES = (0, 1, 1_999, 2_000, 30_000, 59_999, 60_000, 60_001)


def _steps(chance: random.Random) -> list[str]:
    """A few ids, so that they meet; a watermark that goes on by steps that are near the limits."""
    steps, mark = [], 0
    for _ in range(chance.randrange(8, 20)):
        kind, number = chance.random(), chance.randrange(4)
        at = 20_000 * number + chance.choice((*TIMES, chance.randrange(150_000)))
        partition = f" partition={chance.randrange(2)}" if chance.random() < 0.2 else ""
        if kind < 0.3:
            shown = chance.choice((20_000 * number, at))
            steps.append(f"impression i{number} camp-{chance.randrange(2)} m at +{shown}ms{partition}")
        elif kind < 0.75:
            steps.append(f"click c{chance.randrange(6)} of i{number} at +{at}ms{partition}")
        else:
            mark += chance.choice((1, 20_000, 59_999, 60_000, chance.randrange(90_000)))
            steps.append(f"watermark: +{mark}ms" if kind < 0.9 else f"heartbeat impressions at +{mark}ms")
    return steps


def _cases(folder: Path) -> list[tuple[Case, Arrival]]:
    """Those that some rule decides."""
    chance = random.Random(2026)
    path = folder / "random.yaml"
    text = "settings: {attribution: 1m}\ncases:\n"
    for number in range(CASES):
        given = "".join(f"      - {step}\n" for step in _steps(chance))
        text += f"  - name: n{number}\n    settings: {{{SETTINGS[number % len(SETTINGS)]}}}\n    given:\n{given}"
        text += "    expect:\n      engagement: {contains: []}\n"
    path.write_text(text, encoding="utf-8")
    found = []
    for case in reading.read(path, portable=False):
        with suppress(CaseFileError):
            found.append((case, arrive(case)))
    return found


def test_any_order_gives_the_rows_of_the_oracle(embedded: EmbeddedFlink, tmp_path: Path) -> None:
    cases = _cases(tmp_path)
    # Else it shows nothing: most are read step by step, and in some of them something is late.
    assert len(cases) > CASES * 2 // 3
    assert sum(found.behind for _, found in cases) > CASES // 2
    assert sum(bool(found.late) for _, found in cases) > CASES // 8
    clicks = 0
    for outcome in run.on(embedded.engine, [case for case, _ in cases], [found for _, found in cases]):
        given = [str(step) for step in outcome.case.given]
        assert outcome.passed, (outcome.error, outcome.case.pipeline, given, outcome.disagreement)
        clicks += sum(row["clicks"] for row in outcome.flink["ctr"])
    assert clicks > CASES
