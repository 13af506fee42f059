"""The reference's open question: does a LEFT interval join show `impression_count == click_count`?

Minute 0 holds 200 impressions and 20 clicks; one sentinel on each stream at T0 + 13 min carries the watermark past the
window's end plus the attribution time, and not so far that the fault hides. Before Flink 1.18 unmatched rows came out
of the join behind its own watermark; `table.exec.interval-join.min-cleanup-interval` brings that fault back. The
pipeline's own impressions go through no join, so it cannot have the fault.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from adclick_cli.sql import options, render
from tests.flink.conftest import EmbeddedFlink, Row, RunPipeline, pipeline_of, read_rows, write_lines
from tests.flink.test_semantics import click, impression

pytestmark = pytest.mark.flink

SENTINEL_MS = 13 * 60_000
CLEANUP = "table.exec.interval-join.min-cleanup-interval"
IMPRESSIONS = [*(impression(number, number * 100) for number in range(200)), impression(9_999, SENTINEL_MS)]
CLICKS = [*(click(number, number * 100 + 5_000) for number in range(0, 200, 10)), click(9_999, SENTINEL_MS)]


def _first_window(rows: list[Row]) -> list[tuple[int, int]]:
    return [
        (row["impression_count"], row["click_count"]) for row in rows if row["window_start"] == "2026-01-01T00:00:00Z"
    ]


@pytest.mark.parametrize("cleanup", ["0 s", "5 min"])
def test_unmatched_impressions_are_counted(run_pipeline: RunPipeline, cleanup: str) -> None:
    rows = run_pipeline(IMPRESSIONS, CLICKS, extra={CLEANUP: cleanup})
    assert _first_window(rows.ctr) == [(200, 20)]


@pytest.mark.parametrize(("cleanup", "right"), [("0 s", True), ("5 min", False)])
def test_the_old_fault_would_be_seen_in_the_references_own_sql(
    embedded: EmbeddedFlink, tmp_path: Path, cleanup: str, right: bool
) -> None:
    write_lines(tmp_path / "impressions" / "events.json", IMPRESSIONS)
    write_lines(tmp_path / "clicks" / "events.json", CLICKS)
    embedded.execute(render.bench(pipeline_of(), "reference", options.files(tmp_path)), {CLEANUP: cleanup})
    assert (_first_window(read_rows(tmp_path / "ctr")) == [(200, 20)]) == right
