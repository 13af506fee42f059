"""What the rendered SQL computes, on Flink itself."""

from __future__ import annotations

import pytest

from adclick_cli.parameters import Duration
from tests.builders.sent import click, impression
from tests.flink.conftest import HOST_TIME_ZONE, EmbeddedFlink, RunPipeline

pytestmark = pytest.mark.flink


@pytest.mark.parametrize("portable", [False, True], ids=["function", "plain-sql"])
def test_counts_by_campaign_and_device(run_pipeline: RunPipeline, portable: bool) -> None:
    rows = run_pipeline(
        [impression(1, 0), impression(2, 1_000, device="desktop"), impression(3, 59_999), impression(4, 60_000)],
        [click(1, 500), click(3, 65_000)],
        portable=portable,
    )
    assert rows.ctr == [
        {
            "window_start": "2026-01-01T00:00:00Z",
            "window_end": "2026-01-01T00:01:00Z",
            "campaign_id": "camp-1",
            "impression_count": 3,
            "click_count": 2,
            "ctr": 2 / 3,
        },
        {
            "window_start": "2026-01-01T00:01:00Z",
            "window_end": "2026-01-01T00:02:00Z",
            "campaign_id": "camp-1",
            "impression_count": 1,
            "click_count": 0,
            "ctr": 0.0,
        },
    ]
    assert [(row["device_type"], row["impression_count"], row["click_count"]) for row in rows.engagement] == [
        ("desktop", 1, 0),
        ("mobile", 2, 2),
        ("mobile", 1, 0),
    ]
    assert [(row["campaign_id"], row["alert_type"], row["alert_time"]) for row in rows.alerts] == [
        ("camp-1", "DROP", "2026-01-01T00:02:00Z")
    ]


def test_repeated_events_count_once(run_pipeline: RunPipeline) -> None:
    rows = run_pipeline(
        [impression(1, 0), impression(1, 0), impression(2, 10), impression(1, 0)],
        [click(1, 500), click(1, 500), click(7, 700, of=1)],
    )
    assert [(row["impression_count"], row["click_count"]) for row in rows.ctr] == [(2, 2)]
    assert [(row["impression_count"], row["click_count"]) for row in rows.engagement] == [(2, 2)]


def test_an_empty_window_parts_its_neighbours(run_pipeline: RunPipeline) -> None:
    impressions = [
        *(impression(number, 0) for number in range(10)),
        # Nothing in minute 1: minute 2 has no previous window, though it has a previous row.
        *(impression(number, 120_000) for number in range(10, 20)),
        *(impression(number, 180_000) for number in range(20, 30)),
    ]
    clicks = [
        *(click(number, 1_000) for number in range(2)),
        *(click(number, 121_000) for number in range(10, 18)),
        *(click(number, 181_000) for number in range(20, 23)),
    ]
    rows = run_pipeline(impressions, clicks)
    assert [row["ctr"] for row in rows.ctr] == [0.2, 0.8, 0.3]
    assert [(row["window_start"], row["alert_type"], row["previous_ctr"]) for row in rows.alerts] == [
        ("2026-01-01T00:03:00Z", "DROP", 0.8)
    ]


def test_the_hosts_time_zone_changes_nothing(embedded: EmbeddedFlink, run_pipeline: RunPipeline) -> None:
    zone = embedded.jvm.java.java.util.TimeZone.getDefault().getID()
    assert zone == HOST_TIME_ZONE, "the JVM must live in another zone than UTC, or this test shows nothing"
    rows = run_pipeline([impression(1, 0)], [click(1, 500)], window=Duration(3_600_000))
    assert [row["window_start"] for row in rows.ctr] == ["2026-01-01T00:00:00Z"]


def test_bad_events_count_nowhere_and_move_no_watermark(run_pipeline: RunPipeline) -> None:
    good = impression(1, 0)
    bad: list[dict[str, object] | bytes] = [
        b"no json",
        b'{"impression_id": "x"',
        b"[]",
        b"\xff\xfe",
        {**good, "impression_id": "b1", "event_timestamp": None},
        {**good, "impression_id": "b2", "event_timestamp": -5},
        {**good, "impression_id": "b3", "event_timestamp": 2**63 - 1},
        {**good, "impression_id": "b4", "event_timestamp": "yesterday"},
        {**good, "impression_id": ""},
        {**good, "impression_id": "b5", "campaign_id": None},
        {**good, "impression_id": "b6", "device_type": ""},
    ]
    rows = run_pipeline([good, *bad, impression(2, 100)], [click(1, 500), b"{}", click(2, 700)])
    assert [(row["impression_count"], row["click_count"]) for row in rows.ctr] == [(2, 2)]
