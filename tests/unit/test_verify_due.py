"""To the millisecond: from which event on a row must be there, and when an id stands for another event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adclick_cli.parameters import Duration
from adclick_cli.verify.check import check
from adclick_cli.verify.oracle import MINI_BATCH_MS
from adclick_cli.verify.raw import empty
from tests.builders.verify import PIPELINE, T0, click, impression, messages, results, verdict

STREAMING = replace(PIPELINE, bounded=False, watermark_delay=Duration(1_000))
WATERMARK = STREAMING.window.ms - 1 + STREAMING.held_ms
"""The watermark that closes the first window, after T0: the row is written when it is reached."""
NEWEST = WATERMARK + STREAMING.watermark_delay.ms + 1 + MINI_BATCH_MS
"""The event time that lifts it there: Flink's watermark is a millisecond less than the newest event and the delay."""


def _first_window(newest: int, clicks: int | None = None, partitions: int = 2) -> tuple[int, int]:
    """Missing and pending rows of CTR, where the only row that is wanted is not there."""
    tables = {
        "impressions": messages([impression(1, 0), impression(2, newest)]),
        "clicks": empty() if clicks is None else messages([click(1, 9, clicks)]),
        "ctr": empty(),
        "engagement": empty(),
        "alerts": empty(),
    }
    found = check(tables, STREAMING, partitions=partitions).results["ctr"]
    # The second impression's own window is never due.
    return found.missing, found.pending - 1


def test_held_is_what_docs_correctness_says() -> None:
    assert STREAMING.held_ms == STREAMING.attribution.ms + 1
    assert T0 % STREAMING.window.ms == 0


@pytest.mark.parametrize(("newest", "wanted"), [(NEWEST, (1, 0)), (NEWEST - 1, (0, 1))])
def test_a_row_is_missing_from_the_very_event_on_that_closes_its_window(newest: int, wanted: tuple[int, int]) -> None:
    assert _first_window(newest, NEWEST) == wanted
    # The lower of the two topics decides.
    assert _first_window(10 * NEWEST, newest) == wanted


def test_a_partition_without_an_event_holds_every_row_back() -> None:
    assert _first_window(NEWEST, None) == (0, 1)
    assert _first_window(NEWEST, NEWEST, partitions=3) == (0, 1)


@pytest.mark.parametrize(("later", "campaigns"), [(60_000, {"a"}), (60_001, {"a", "b"})])
def test_an_id_is_another_impression_a_millisecond_after_the_time_of_unique_ids(
    later: int, campaigns: set[str]
) -> None:
    pipeline = replace(PIPELINE, unique_ids=Duration(60_000))
    impressions = [impression(1, 0, "a"), impression(1, later, "b")]
    rows = [
        row
        for row in results({(T0, "a"): (1, 0), (T0 + 60_000, "b"): (1, 0)}, pipeline)
        if row["campaign_id"] in campaigns
    ]
    assert verdict(impressions, [], rows, pipeline).results["ctr"].differences == []
