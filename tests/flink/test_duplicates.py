"""Repeats, conflicts and clicks that are too close, on Flink itself: in whatever order the events come."""

from __future__ import annotations

import random
from typing import Any

import pytest

from adclick_cli.parameters import Duration
from adclick_cli.verify.check import check
from tests.builders.sent import T0, click, impression, time_of
from tests.builders.verify import messages
from tests.flink.conftest import EmbeddedFlink, Results, RunPipeline, pipeline_of

pytestmark = pytest.mark.flink
DEDUP = Duration(2_000)
DELAY = Duration(60_000)
Event = dict[str, Any]
RULES: list[dict[str, Any]] = [
    {},
    {"dedup_window": DEDUP, "unique_ids": Duration(300_000)},
    {"dedup_window": DEDUP, "dedup_key": "user+ad"},
]


def counts(rows: Results) -> list[tuple[int, int, int]]:
    return [(row["impression_count"], row["click_count"], row["gross_click_count"]) for row in rows.ctr]


def test_a_click_too_close_to_another_one_of_its_impression_is_a_duplicate(run_pipeline: RunPipeline) -> None:
    # By impression: the limit itself, beyond it, a chain, the same time twice, the same click again, an expired one.
    clicks = [
        *(click(10, 1_000, of=1), click(11, 3_000, of=1)),
        *(click(20, 1_000, of=2), click(21, 3_001, of=2)),
        *(click(30, 1_000, of=3), click(31, 2_500, of=3), click(32, 4_500, of=3)),
        *(click(40, 1_000, of=4), click(41, 1_000, of=4)),
        *(click(50, 1_000, of=5), click(50, 1_000, of=5)),
        *(click(60, 599_000, of=6), click(61, 600_001, of=6)),
    ]
    clicks.sort(key=time_of)
    rows = run_pipeline([impression(number, 0) for number in range(1, 7)], clicks, watermark_delay=DELAY, **RULES[1])
    assert counts(rows) == [(6, 7, 11)]
    assert [(row["click_count"], row["gross_click_count"]) for row in rows.engagement] == [(7, 11)]
    assert list(rows.ctr[0])[-2:] == ["ctr", "gross_click_count"]
    assert rows.ctr[0]["ctr"] == 7 / 6


def test_clicks_of_one_user_on_one_ad_are_close_across_windows(run_pipeline: RunPipeline) -> None:
    def shown(number: int, at: int, user: str | None, ad: str = "a") -> Event:
        return impression(number, at, campaign=f"camp-{number}") | {"user_id": user, "ad_id": ad}

    impressions = [
        *(shown(1, 59_000, "u"), shown(2, 60_500, "u"), shown(3, 60_500, "u", "b"), shown(4, 60_500, "v")),
        *(shown(5, 60_500, None), shown(6, 60_500, None), shown(7, 60_500, ""), shown(8, 60_500, "")),
    ]
    clicks = [click(number, 61_000) for number in range(1, 9)]
    rows = run_pipeline(impressions, clicks, watermark_delay=DELAY, **RULES[2])
    valid = {row["campaign_id"]: row["click_count"] for row in rows.ctr}
    assert valid == {f"camp-{number}": int(number != 2) for number in range(1, 9)}
    assert all(row["gross_click_count"] == 1 for row in rows.ctr)


def test_an_id_with_other_contents_counts_once_where_ids_are_unique(run_pipeline: RunPipeline) -> None:
    impressions = [
        impression(1, 30_000, "late-content"),
        impression(1, 20_000, "camp-1"),
        *(impression(2, 1_000, "b"), impression(2, 1_000, "a"), impression(2, 1_000, "aa")),
        impression(3, 0, "c"),
        impression(1, 90_000, "camp-1"),
        # Beyond the time of unique ids: another impression.
        impression(3, 300_001, "c"),
    ]
    clicks = [click(1, 40_000), click(1, 30_000, of=2)]
    rows = run_pipeline(impressions, clicks, watermark_delay=DELAY, **RULES[1])
    found = {(row["campaign_id"], row["window_start"][14:16]): row["impression_count"] for row in rows.ctr}
    assert found == {("camp-1", "00"): 1, ("a", "00"): 1, ("c", "00"): 1, ("c", "05"): 1}
    assert {row["campaign_id"]: row["click_count"] for row in rows.ctr} == {"camp-1": 0, "a": 1, "c": 0}


@pytest.mark.parametrize(("portable", "operator"), [(False, "ProcessTableFunction("), (True, "IntervalJoin(")])
def test_final_windows_and_live_lane_share_what_finds_clicks(
    embedded: EmbeddedFlink, portable: bool, operator: str
) -> None:
    plan = embedded.explain(pipeline_of(portable=portable))
    assert (plan.count(operator), plan.count("- Join("), plan.count("OverAggregate(")) == (1, 0, 0)


def events(chance: random.Random) -> tuple[list[Event], list[Event]]:
    """Ten minutes of few ids, users and ads, so that they meet; repeats and conflicts among them."""
    impressions: list[Event] = []
    for _ in range(120):
        one = impression(chance.randrange(100), chance.randrange(600_000), f"camp-{chance.randrange(3)}")
        impressions.append(one | {"user_id": chance.choice(["u", "v", "", None]), "ad_id": chance.choice("ab")})
    clicks: list[Event] = []
    for _ in range(200):
        of = chance.choice(impressions)
        after = chance.choice([0, 1, 2_000, 2_001, 600_000, 600_001, -1, chance.randrange(5_000)])
        at = int(of["event_timestamp"]) - T0 + after
        clicks.append(click(chance.randrange(150), at) | {"impression_id": of["impression_id"]})
    return impressions + chance.sample(impressions, 20), clicks + chance.sample(clicks, 20)


def arrival(kind: list[Event], chance: random.Random) -> list[Event]:
    """An order of arrival in which no event is later than the watermark delay; some come twice."""
    again = kind + chance.sample(kind, 10)
    return sorted(again, key=lambda event: event["event_timestamp"] + chance.randrange(DELAY.ms))


@pytest.mark.parametrize(
    "rules", [*RULES, {"portable": True}], ids=["as-they-come", "dedup-unique", "user-ad", "plain-sql"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_repeated_and_delayed_events_give_the_same_rows_and_the_oracles(
    run_pipeline: RunPipeline, rules: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    impressions, clicks = events(chance)
    made = [
        run_pipeline(arrival(impressions, chance), arrival(clicks, chance), watermark_delay=DELAY, **rules)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    tables = {"impressions": messages(impressions), "clicks": messages(clicks), "alerts": messages(made[0].alerts)}
    tables |= {"ctr": messages(made[0].ctr), "engagement": messages(made[0].engagement)}
    found = check(tables, pipeline_of(watermark_delay=Duration(10**9), **rules))
    assert {name: one.differences for name, one in found.results.items()} == {
        "ctr": [],
        "engagement": [],
        "alerts": [],
    }
