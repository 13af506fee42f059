"""Made-up events: the same for the same plan, in order, with the rates that the phases say."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli import schema
from adclick_cli.errors import ParameterError
from adclick_cli.events.generator import CLICK_DELAY_MS, Kind, Plan, Shares, events

START = 1_767_225_600_000
PLAN = Plan(seed=7, start_ms=START, rate=50, count=2_000, phase="normal", campaign="camp-1")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 2**41), st.sampled_from(["normal", "low", "high", "cycle"]))
def test_the_same_plan_makes_the_same_bytes_in_order_of_time(seed: int, start: int, phase: str) -> None:
    plan = replace(PLAN, seed=seed, start_ms=start, phase=phase, count=300)
    made = list(events(plan))
    assert made == list(events(plan))
    assert [event.at_ms for event in made] == sorted(event.at_ms for event in made)
    assert made != list(events(replace(plan, seed=seed + 1)))


def test_events_have_the_schemas_fields_and_their_clicks_follow() -> None:
    shown: dict[str, dict[str, Any]] = {}
    clicked: dict[str, dict[str, Any]] = {}
    for event in events(PLAN):
        body = json.loads(event.value or b"")
        record = schema.IMPRESSION if event.kind is Kind.IMPRESSION else schema.CLICK
        assert tuple(body) == record.field_names
        assert body["event_timestamp"] == event.at_ms
        assert event.key.decode() == body["impression_id"]
        (shown if event.kind is Kind.IMPRESSION else clicked)[body["impression_id"]] = body
    assert len(shown) == 2_000
    for name, body in clicked.items():
        delay = body["event_timestamp"] - shown[name]["event_timestamp"]
        assert CLICK_DELAY_MS[0] <= delay <= CLICK_DELAY_MS[1]
        assert body["user_id"] == shown[name]["user_id"]


@pytest.mark.parametrize(
    ("phase", "low", "high"), [("normal", 0.085, 0.115), ("low", 0.005, 0.016), ("high", 0.37, 0.43)]
)
def test_a_phase_changes_its_campaign_and_no_other(phase: str, low: float, high: float) -> None:
    plan = replace(PLAN, phase=phase, count=40_000, campaign="camp-3")
    shown: Counter[str] = Counter()
    clicked: Counter[str] = Counter()
    campaign_of = {}
    for event in events(plan):
        body = json.loads(event.value or b"")
        if event.kind is Kind.IMPRESSION:
            campaign_of[body["impression_id"]] = body["campaign_id"]
            shown[body["campaign_id"]] += 1
        else:
            clicked[campaign_of[body["impression_id"]]] += 1
    assert low < clicked["camp-3"] / shown["camp-3"] < high
    assert 0.08 < clicked["camp-4"] / shown["camp-4"] < 0.12
    assert len(shown) == 10


def test_there_are_as_many_campaigns_as_asked_for_and_the_last_can_have_the_phase() -> None:
    plan = replace(PLAN, campaigns=1_000, campaign="camp-1000", phase="high", count=60_000)
    shown: Counter[str] = Counter()
    clicked = 0
    of_last = set()
    for event in events(plan):
        body = json.loads(event.value or b"")
        if event.kind is Kind.IMPRESSION:
            shown[body["campaign_id"]] += 1
            if body["campaign_id"] == "camp-1000":
                of_last.add(body["impression_id"])
        else:
            clicked += body["impression_id"] in of_last
    assert set(shown) == {f"camp-{number}" for number in range(1, 1_001)}
    assert max(shown.values()) < 2 * 60_000 / 1_000
    assert 0.25 < clicked / len(of_last) < 0.55


def test_runs_of_another_start_share_no_id() -> None:
    first = {event.key for event in events(PLAN)}
    assert not first & {event.key for event in events(replace(PLAN, start_ms=START + 1))}


def test_shares_of_trouble() -> None:
    made = list(events(replace(PLAN, shares=Shares(late=0.1, duplicates=0.1, orphans=0.5, malformed=0.1))))
    good, bad = [], 0
    for event in made:
        try:
            good.append((event.at_ms, json.loads(event.value or b"")))
        except (json.JSONDecodeError, UnicodeDecodeError):
            bad += 1
    assert bad > 50
    ids = Counter(body["click_id"] for _, body in good if isinstance(body, dict) and "click_id" in body)
    assert any(count > 1 for count in ids.values())
    assert any("lost" in name for name in ids)
    late = [
        at - body["event_timestamp"]
        for at, body in good
        if isinstance(body, dict) and "cost" in body and isinstance(body.get("event_timestamp"), int)
    ]
    assert any(10_000 <= by <= 60_000 for by in late)
    assert [event.at_ms for event in made] == sorted(event.at_ms for event in made)


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": 0},
        {"count": 0},
        {"phase": "x"},
        {"campaign": "camp-11"},
        {"campaign": "camp-01"},
        {"campaigns": 0},
        {"shares": Shares(late=1.5)},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        next(islice(events(replace(PLAN, **changed)), 1))  # type: ignore[arg-type]
