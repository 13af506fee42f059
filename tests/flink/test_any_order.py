"""Cases at random by the function: events, watermarks and partitions in any order give the oracle's rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from adclick_cli.casebook import run
from tests.builders import any_order
from tests.flink.conftest import EmbeddedFlink

pytestmark = pytest.mark.flink

CASES = 20


def test_any_order_gives_the_rows_of_the_oracle(embedded: EmbeddedFlink, tmp_path: Path) -> None:
    cases = any_order.decided(tmp_path, 2, CASES)
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
