"""The oracle against a slow model that is plain to read, and the comparison against results that are wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.parameters import Duration
from adclick_cli.pipeline import AlertRule, EarlierRule, Pipeline
from adclick_cli.verify import compare, oracle
from adclick_cli.verify.check import Verdict, check
from adclick_cli.verify.raw import empty

T0 = 1_767_225_600_000
PIPELINE = Pipeline(
    window=Duration(60_000), attribution=Duration(120_000), watermark_delay=Duration(10_000_000), bounded=True
)
Row = dict[str, Any]


def messages(rows: list[Any], partitions: int = 1) -> pa.Table:
    values = [row if isinstance(row, bytes) or row is None else json.dumps(row).encode() for row in rows]
    return pa.table(
        {
            "partition": pa.array([index % partitions for index in range(len(rows))], pa.int32()),
            "offset": pa.array(range(len(rows)), pa.int64()),
            "arrived_ms": pa.array([T0 + 86_400_000] * len(rows), pa.int64()),
            "value": pa.array(values, pa.binary()),
        }
    )


def impression(number: int, at: int, campaign: str = "a", device: str = "m") -> Row:
    return {
        "impression_id": f"i{number}",
        "campaign_id": campaign,
        "device_type": device,
        "event_timestamp": T0 + at,
    }


def click(number: int, of: int, at: int) -> Row:
    return {"click_id": f"c{number}", "impression_id": f"i{of}", "event_timestamp": T0 + at}


def model(impressions: list[Row], clicks: list[Row], pipeline: Pipeline) -> dict[tuple[int, str], tuple[int, int]]:
    """CTR rows by (window start, campaign): impressions and clicks."""
    shown: dict[tuple[int, str, str], set[str]] = {}
    clicked: dict[tuple[int, str, str], set[str]] = {}
    for one in impressions:
        start = one["event_timestamp"] // pipeline.window.ms * pipeline.window.ms
        group = (start, one["campaign_id"], one["device_type"])
        shown.setdefault(group, set()).add(one["impression_id"])
        for other in clicks:
            after = other["event_timestamp"] - one["event_timestamp"]
            if (
                other["impression_id"] == one["impression_id"]
                and -pipeline.clock_skew.ms <= after <= pipeline.attribution.ms
            ):
                clicked.setdefault(group, set()).add(other["click_id"])
    rows: dict[tuple[int, str], tuple[int, int]] = {}
    for group, ids in shown.items():
        before = rows.get(group[:2], (0, 0))
        rows[group[:2]] = (before[0] + len(ids), before[1] + len(clicked.get(group, ())))
    return rows


def results(rows: dict[tuple[int, str], tuple[int, int]], pipeline: Pipeline) -> list[Row]:
    return [
        {
            "window_start": compare.utc(start),
            "window_end": compare.utc(start + pipeline.window.ms),
            "campaign_id": name,
            "impression_count": shown,
            "click_count": clicked,
            "ctr": clicked / shown,
        }
        for (start, name), (shown, clicked) in rows.items()
    ]


def verdict(
    impressions: list[Any],
    clicks: list[Any],
    ctr: list[Any],
    pipeline: Pipeline = PIPELINE,
    earlier: Sequence[EarlierRule] = (),
) -> Verdict:
    tables = {
        "impressions": messages(impressions, 3),
        "clicks": messages(clicks, 3),
        "ctr": messages(ctr),
        "engagement": empty(),
        "alerts": empty(),
    }
    return check(tables, pipeline, earlier=earlier)


IMPRESSIONS = st.builds(
    impression, st.integers(0, 6), st.integers(0, 200_000), st.sampled_from("ab"), st.sampled_from("mt")
)
CLICKS = st.builds(click, st.integers(0, 8), st.integers(0, 8), st.integers(-1_000, 330_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(IMPRESSIONS, max_size=12), st.lists(CLICKS, max_size=12), st.randoms(use_true_random=False))
def test_the_oracle_is_the_model_whatever_the_order(impressions: list[Row], clicks: list[Row], chance: Any) -> None:
    right = results(model(impressions, clicks, PIPELINE), PIPELINE)
    chance.shuffle(impressions)
    chance.shuffle(clicks)
    found = verdict(impressions, [*clicks, *clicks[:3]], right)
    assert found.results["ctr"].differences == []
    assert found.results["ctr"].compared == len(right)
    for topic, count in (("impressions", len(impressions)), ("clicks", len(clicks) + len(clicks[:3]))):
        classes = dict(found.ledger[topic])
        assert classes.pop("raw") == count
        assert sum(classes.values()) == count


GOOD_IMPRESSIONS = [impression(1, 0), impression(2, 30_000), impression(3, 60_000, device="t"), impression(4, 0, "b")]
GOOD_CLICKS = [click(1, 1, 0), click(2, 2, 150_000), click(3, 3, 180_001), click(4, 9, 5), click(5, 4, -1)]


def test_both_ends_of_the_attribution_time_and_every_class() -> None:
    right = results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, PIPELINE), PIPELINE)
    assert sum(row["click_count"] for row in right) == 2
    found = verdict([*GOOD_IMPRESSIONS, b"nonsense", impression(1, 0)], [*GOOD_CLICKS, None, click(1, 1, 0)], right)
    assert found.results["ctr"].ok
    assert {name: count for name, count in found.ledger["clicks"].items() if count} == {
        "raw": 7,
        "valid": 2,
        "expired": 1,
        "orphan": 1,
        "before_impression": 1,
        "duplicate": 1,
        "malformed": 1,
    }
    assert found.ledger["impressions"]["duplicate"] == 1
    assert found.ledger["impressions"]["malformed"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"window": Duration(30_000)},
        {"attribution": Duration(119_999)},
        {"attribution": Duration(120_001)},
        {"clock_skew": Duration(1)},
    ],
)
def test_another_window_or_bound_is_found(changed: dict[str, Any]) -> None:
    wrong = replace(PIPELINE, **changed)
    found = verdict(GOOD_IMPRESSIONS, GOOD_CLICKS, results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, wrong), wrong))
    assert not found.ok


def test_differences_name_row_field_and_values() -> None:
    rows = results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, PIPELINE), PIPELINE)
    rows[0]["click_count"] += 1
    missing = rows.pop(1)
    extra = rows[0] | {"campaign_id": "ghost"}
    found = verdict(GOOD_IMPRESSIONS, GOOD_CLICKS, [*rows, extra, b"{"]).results["ctr"]
    text = "\n".join(found.differences)
    assert "click_count is 3, expected 2" in text
    assert f"{missing['campaign_id']} {missing['window_start']} is missing" in text
    assert "ghost" in text
    assert "cannot be read" in text
    assert (found.missing, found.unexpected) == (1, 1)


def test_a_repeated_row_and_a_contradiction_are_differences() -> None:
    rows = results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, PIPELINE), PIPELINE)
    repeated = verdict(GOOD_IMPRESSIONS, GOOD_CLICKS, [*rows, rows[0]]).results["ctr"]
    assert (repeated.repeated, repeated.different, repeated.ok) == (1, 0, False)
    assert "is there 2 times" in repeated.differences[0]
    assert not verdict(GOOD_IMPRESSIONS, GOOD_CLICKS, [*rows, rows[0] | {"impression_count": 99}]).results["ctr"].ok


def test_alerts_are_computed_from_the_window_before_and_no_other() -> None:
    impressions = [
        impression(number, minute * 60_000) for minute in (0, 1, 3) for number in range(minute * 10, minute * 10 + 10)
    ]
    clicks = [click(number, number, 1_000 + number // 10 * 60_000) for number in (0, 1, 2, 3, 10, 30, 31, 32, 33)]
    rows = results(model(impressions, clicks, PIPELINE), PIPELINE)
    found = verdict(impressions, clicks, rows).results["alerts"]
    assert found.differences == [f"alerts: a {compare.utc(T0 + 120_000)} is missing (DROP)"]


def test_late_events_leave_a_row_open_within_bounds() -> None:
    pipeline = replace(PIPELINE, watermark_delay=Duration(0), attribution=Duration(60_000))
    late = [impression(1, 0), impression(2, 400_000), impression(3, 1)]
    for shown in (1, 2):
        rows = results({(T0, "a"): (shown, 0), (T0 + 360_000, "a"): (1, 0)}, pipeline)
        tables = {"impressions": messages(late), "clicks": empty(), "ctr": messages(rows)}
        found = check(tables | {"engagement": empty(), "alerts": empty()}, pipeline)
        assert found.results["ctr"].ok
        assert found.results["ctr"].indeterminate == 1
        assert found.ledger["impressions"]["late"] == 1
    assert oracle.IMPRESSION_CLASSES


def test_an_alert_is_judged_by_the_rule_that_was_in_force_when_its_window_was_read() -> None:
    impressions = [
        impression(number, minute * 60_000) for minute in (0, 1, 2) for number in range(minute * 10, minute * 10 + 10)
    ]
    clicks = [click(number, number, 1_000 + number // 10 * 60_000) for number in (0, 1, 2, 10, 11, 20)]
    rows = results(model(impressions, clicks, PIPELINE), PIPELINE)
    # CTR 0.3, 0.2, 0.1: DROP at 0.667 and at 0.5 of the window before, under a rule that says 0.8 and under one that
    # says 0.6.
    strict = AlertRule(PIPELINE.spike, 0.8, "ratio", 0, 0.0)
    lax = replace(PIPELINE, drop=0.6)

    def missing(earlier: list[EarlierRule]) -> list[str]:
        found = verdict(impressions, clicks, rows, lax, earlier).results["alerts"]
        return [line.split()[2] for line in found.differences]

    second, third = compare.utc(T0 + 120_000), compare.utc(T0 + 180_000)
    assert missing([]) == [third]
    assert missing([EarlierRule(strict, {0: 2})]) == [second, third]
    # The first offset that a rule did not judge belongs to the next one.
    assert missing([EarlierRule(strict, {0: 1})]) == [third]
