"""The oracle against a slow model that is plain to read, and the comparison against results that are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.errors import AdclickError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import AlertRule, EarlierRule
from adclick_cli.verify import compare, ledger, oracle
from adclick_cli.verify.check import Verdict, check, require_rows
from adclick_cli.verify.late import Dropped
from adclick_cli.verify.raw import empty
from tests.builders.verify import (
    PIPELINE,
    T0,
    click,
    gross_and_valid,
    impression,
    messages,
    model,
    results,
    verdict,
)

Row = dict[str, Any]

IMPRESSIONS = st.builds(
    impression, st.integers(0, 6), st.integers(0, 200_000), st.sampled_from("ab"), st.sampled_from("mt")
)
CLICKS = st.builds(click, st.integers(0, 8), st.integers(0, 8), st.integers(-1_000, 330_000))


def some(one: st.SearchStrategy[Row]) -> st.SearchStrategy[list[Row]]:
    """Few events, or so many that their ids meet: a query costs the same for both."""
    return st.lists(one, max_size=3) | st.lists(one, min_size=12, max_size=40)


@settings(max_examples=15, deadline=None)
@given(some(IMPRESSIONS), some(CLICKS), st.randoms(use_true_random=False))
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


RULES = [
    {"dedup_window": Duration(20_000)},
    {"dedup_window": Duration(20_000), "dedup_key": "user+ad"},
    {"unique_ids": Duration(60_000)},
    {"dedup_window": Duration(5_000), "dedup_key": "user+ad", "unique_ids": Duration(60_000)},
]
USERS = st.sampled_from(["u", "v", "", None])
BY_USERS = st.builds(
    impression,
    st.integers(0, 6),
    st.integers(0, 200_000),
    st.sampled_from(["a", "b", "aa"]),
    st.sampled_from("mt"),
    USERS,
)


@pytest.mark.parametrize("rules", RULES)
@settings(max_examples=4, deadline=None)
@given(some(BY_USERS), some(CLICKS), st.randoms(use_true_random=False))
def test_duplicates_and_unique_ids_are_those_of_the_model(
    rules: dict[str, Any], impressions: list[Row], clicks: list[Row], chance: Any
) -> None:
    pipeline = replace(PIPELINE, **rules)
    rows = gross_and_valid(impressions, clicks, pipeline)
    right = results({key: row[:2] for key, row in rows.items()}, pipeline)
    if pipeline.dedups:
        for row, counts in zip(right, rows.values(), strict=True):
            row["gross_click_count"] = counts[2]
    chance.shuffle(impressions)
    chance.shuffle(clicks)
    found = verdict(impressions, [*clicks, *clicks[:3]], right, pipeline)
    assert found.results["ctr"].differences == []
    classes = dict(found.ledger["clicks"])
    assert classes.pop("raw") == sum(classes.values()) == len(clicks) + len(clicks[:3])


def test_gross_clicks_are_checked_and_a_click_too_close_is_a_duplicate() -> None:
    pipeline = replace(PIPELINE, dedup_window=Duration(2_000))
    clicks = [click(1, 1, 0), click(2, 1, 2_000), click(3, 1, 4_001)]
    row = results({(T0, "a"): (1, 2)}, pipeline)[0]
    assert verdict([impression(1, 0)], clicks, [row | {"gross_click_count": 3}], pipeline).results["ctr"].ok
    found = verdict([impression(1, 0)], clicks, [row | {"gross_click_count": 2}], pipeline)
    assert found.results["ctr"].differences == [
        "ctr: a 2026-01-01T00:00:00Z: gross_click_count is 2, expected 3",
    ]
    assert {name: count for name, count in found.ledger["clicks"].items() if count} == {
        "raw": 3,
        "valid": 2,
        "duplicate": 1,
    }


@pytest.mark.parametrize(("users", "valid"), [(("u", "u"), 1), (("u", "v"), 2), (("", ""), 2), ((None, None), 2)])
def test_clicks_of_one_user_on_one_ad_may_be_too_close(users: tuple[str | None, str | None], valid: int) -> None:
    pipeline = replace(PIPELINE, dedup_window=Duration(2_000), dedup_key="user+ad")
    impressions = [impression(number, 0, user=user) for number, user in enumerate(users)]
    clicks = [click(number, number, 1_000) for number in range(2)]
    row = results({(T0, "a"): (2, valid)}, pipeline)[0] | {"gross_click_count": 2}
    assert verdict(impressions, clicks, [row], pipeline).results["ctr"].differences == []


def test_conflicts_are_listed_with_their_places_and_what_differs() -> None:
    impressions = [impression(1, 0), impression(2, 0), impression(1, 500, "b"), impression(1, 0)]
    clicks = [click(1, 1, 10), click(1, 2, 10)]
    rows = {(T0, "a"): (2, 1), (T0, "b"): (1, 0)}
    found = verdict(impressions, clicks, results(rows, PIPELINE))
    listed = [(one.topic, one.id, one.offset, one.first_offset, one.differs) for one in found.conflicts]
    assert listed == [
        ("impressions", "i1", 2, 0, ["campaign_id", "event_timestamp"]),
        ("clicks", "c1", 1, 0, ["impression_id"]),
    ]
    assert found.to_json(1)["conflicts"][0]["id"] == "i1"
    assert len(found.to_json(1)["conflicts"]) == 1
    assert found.ledger["impressions"]["conflict"] == found.ledger["clicks"]["conflict"] == 1
    # With unique ids the earliest of the contents counts, wherever it stands.
    unique = replace(PIPELINE, unique_ids=Duration(60_000))
    once = verdict(impressions[::-1], clicks, results({(T0, "a"): (2, 1)}, unique), unique)
    assert once.results["ctr"].differences == []


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


@pytest.mark.parametrize("stamp", [2**63 - 1, 2**63, -(2**63), 0, -1, T0 * 1_000])
@pytest.mark.parametrize("rules", [{}, *RULES])
def test_no_stamp_is_too_large_to_be_malformed(stamp: int, rules: dict[str, Any]) -> None:
    pipeline = replace(PIPELINE, **rules)
    wrong = {"event_timestamp": stamp}
    right = results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, pipeline), pipeline)
    for row in right if pipeline.dedups else ():
        row["gross_click_count"] = row["click_count"]
    found = verdict(
        [*GOOD_IMPRESSIONS, impression(7, 0) | wrong, impression(1, 0) | wrong],
        [*GOOD_CLICKS, click(7, 1, 0) | wrong, click(1, 1, 0) | wrong],
        right,
        pipeline,
    )
    assert found.results["ctr"].differences == []
    assert found.ledger["impressions"]["malformed"] == found.ledger["clicks"]["malformed"] == 2


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
        # A row that counts both tells that the late one came in time.
        assert found.ledger["impressions"]["late"] == (shown == 1)
    assert ledger.IMPRESSION_CLASSES


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


def test_flinks_own_count_of_late_rows_must_fit_the_results() -> None:
    pipeline = replace(PIPELINE, watermark_delay=Duration(0), attribution=Duration(60_000))
    events = [impression(1, 0), impression(2, 400_000), impression(3, 1)]

    def late(shown: int, dropped: Dropped | None, unique: int = 0) -> Verdict:
        rows = results({(T0, "a"): (shown, 0), (T0 + 360_000, "a"): (1, 0)}, pipeline)
        tables = {"impressions": messages(events), "clicks": empty(), "ctr": messages(rows)}
        rules = replace(pipeline, unique_ids=Duration(unique))
        return check(tables | {"engagement": empty(), "alerts": empty()}, rules, dropped=dropped)

    assert late(1, Dropped(1, whole=True)).late.contradiction is None
    assert late(1, None).late.contradiction is None
    assert (late(1, None).late.impressions, late(2, None).late.impressions) == (1, 0)
    assert "only 1 can have been late" in str(late(1, Dropped(2, whole=True)).late.contradiction)
    silent = late(1, Dropped(0, whole=True))
    assert "1 impressions are missing" in str(silent.late.contradiction)
    assert not silent.ok
    assert late(1, Dropped(0, whole=False)).late.contradiction is None
    assert late(1, Dropped(0, whole=True), unique=1_000).late.contradiction is None


def test_minutes_add_up_to_the_topic() -> None:
    values = [*GOOD_CLICKS, b"nonsense", click(1, 1, 0)]
    arrived = [0, 1, 59_999, 60_000, 60_001, 120_000, 180_000]
    pipeline = PIPELINE
    clicks = messages(values).set_column(2, "arrived_ms", pa.array([T0 + 600_000 + at for at in arrived], pa.int64()))
    db = oracle.connect()
    oracle.compute(db, messages(GOOD_IMPRESSIONS), clicks, pipeline)
    compare.load_windows(
        db, "ctr", "campaign_id", messages(results(model(GOOD_IMPRESSIONS, GOOD_CLICKS, pipeline), pipeline))
    )
    ledger.classify(db, pipeline)
    rows = [row for row in ledger.by_minute(db, None, None) if row["topic"] == "clicks"]
    assert [row["raw"] for row in rows] == [3, 2, 1, 1]
    assert [(rows[2]["malformed"], rows[3]["duplicate"])] == [(1, 1)]
    total = ledger.totals(db)["clicks"]
    assert {name: sum(row[name] for row in rows) for name in total} == total
    some = ledger.by_minute(db, T0 + 660_000, T0 + 720_000)
    assert [row["raw"] for row in some if row["topic"] == "clicks"] == [2]


@pytest.mark.parametrize(
    ("events", "submitted", "why", "mend"),
    [
        ([], False, "Nothing was submitted from this ADCLICK_HOME", "adclick submit"),
        ([], True, "The topics of impressions and clicks hold no message", "adclick generate"),
        ([impression(1, 0)], True, "1 messages were read, and 2 rows are pending", "adclick watch ctr"),
    ],
)
def test_a_check_that_judged_no_row_has_proven_nothing(events: list[Row], submitted: bool, why: str, mend: str) -> None:
    found = verdict(events, [], [], replace(PIPELINE, bounded=False))
    assert (found.checked, found.to_json(1)["ok"], found.to_json(1)["checked"]) == (0, False, 0)
    with pytest.raises(AdclickError, match="nothing to prove: no result row was checked") as raised:
        require_rows(found, submitted=submitted)
    assert why in raised.value.why
    assert mend in raised.value.mend
    assert raised.value.exit_code == 1


def test_a_check_that_judged_a_row_needs_no_submission() -> None:
    right = results(model([impression(1, 0)], [], PIPELINE), PIPELINE)
    require_rows(verdict([impression(1, 0)], [], right), submitted=False)
    # A row that is missing was judged, too: that is exit 3.
    require_rows(verdict([impression(1, 0)], [], []), submitted=True)
