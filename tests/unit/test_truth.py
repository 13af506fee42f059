"""The truth that the generator writes: as planned, as it came, and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from adclick_cli import schema
from adclick_cli.errors import AdclickError
from adclick_cli.events import phases, truth
from adclick_cli.events.generator import Plan

MINUTE = 60_000
PLAN = Plan(seed=3, start_ms=1_000, rate=10, count=None, phase="cycle", campaign="camp-2")


def test_a_row_has_the_schemas_fields() -> None:
    assert tuple(truth.planned(PLAN)[0].to_json()) == schema.TRUTH.field_names


def test_planned_phases_are_the_timelines() -> None:
    found = truth.planned(PLAN)
    assert [one.phase for one in found] == ["normal", "low", "high", "normal"]
    assert [one.ctr for one in found] == pytest.approx([0.1, 0.01, 0.4, 0.1])
    assert [one.from_ms for one in found] == [1_000 + phase.from_ms for phase in phases.timeline("cycle")]
    assert [one.to_ms for one in found[:-1]] == [one.from_ms for one in found[1:]]
    assert found[-1].to_ms is None


def test_a_run_that_ended_early_takes_its_plan_back() -> None:
    ended = truth.ended(PLAN, 1_000 + 7 * MINUTE)
    assert [one.empty for one in ended] == [False, False, True, True]
    assert ended[1].to_ms == 1_000 + 7 * MINUTE
    assert ended[3].to_ms == ended[3].from_ms
    left = truth.newest([*truth.planned(PLAN), *ended])
    assert [(one.phase, one.to_ms) for one in left] == [("normal", 1_000 + 5 * MINUTE), ("low", 1_000 + 7 * MINUTE)]
    assert truth.newest([*truth.planned(PLAN), *truth.ended(PLAN, None)]) == []


def test_another_run_or_campaign_replaces_nothing() -> None:
    other = replace(PLAN, campaign="camp-3", start_ms=5_000)
    assert len(truth.newest([*truth.planned(PLAN), *truth.planned(other)])) == 8


def test_a_row_reads_back_and_anything_else_is_named() -> None:
    for one in truth.planned(PLAN):
        assert truth.parse(json.dumps(one.to_json()).encode(), "here") == one
    for wrong in (None, b"{", b"[]", b'{"campaign_id":"a"}', b'{"campaign_id":"a","phase":"x","ctr":"y","from_ms":1}'):
        with pytest.raises(AdclickError, match="here: not a row of the truth"):
            truth.parse(wrong, "here")
