"""The reference's open question: does a LEFT interval join show `impression_count == click_count`?

Minute 0 holds 200 impressions and 20 clicks; one sentinel on each stream at T0 + 13 min carries the watermark past the
window's end plus the attribution time, and not so far that the fault hides. Before Flink 1.18 unmatched rows came out
of the join behind its own watermark; `table.exec.interval-join.min-cleanup-interval` brings that fault back.
"""

from __future__ import annotations

import pytest

from tests.builders.sent import click, impression
from tests.flink.conftest import RunPipeline

pytestmark = pytest.mark.flink

SENTINEL_MS = 13 * 60_000
CLEANUP = "table.exec.interval-join.min-cleanup-interval"


def _first_window(run_pipeline: RunPipeline, cleanup: str) -> list[tuple[int, int]]:
    impressions = [impression(number, number * 100) for number in range(200)]
    clicks = [click(number, number * 100 + 5_000) for number in range(0, 200, 10)]
    rows = run_pipeline(
        [*impressions, impression(9_999, SENTINEL_MS)],
        [*clicks, click(9_999, SENTINEL_MS)],
        extra={CLEANUP: cleanup},
        portable=True,
    )
    return [
        (row["impression_count"], row["click_count"])
        for row in rows.ctr
        if row["window_start"] == "2026-01-01T00:00:00Z"
    ]


def test_unmatched_impressions_are_counted(run_pipeline: RunPipeline) -> None:
    assert _first_window(run_pipeline, "0 s") == [(200, 20)]


def test_the_old_fault_would_be_seen(run_pipeline: RunPipeline) -> None:
    assert _first_window(run_pipeline, "5 min") != [(200, 20)]
