"""Raw events that retention has deleted: what remains judges what it can, and nothing right is called wrong."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.errors import AdclickError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify.check import Verdict, check, require_rows
from adclick_cli.verify.raw import empty
from tests.builders.verify import PIPELINE, T0, click, gross_and_valid, impression, messages, model, results

DELAY = 5_000
ORDERED = replace(PIPELINE, watermark_delay=Duration(DELAY))
RULES = [
    ORDERED,
    replace(ORDERED, clock_skew=Duration(10_000)),
    replace(ORDERED, unique_ids=Duration(90_000)),
    replace(ORDERED, dedup_window=Duration(60_000)),
    replace(ORDERED, dedup_window=Duration(60_000), dedup_key="user+ad", clock_skew=Duration(10_000)),
]
PARTITIONS = 3
Deletes = dict[str, dict[int, int]]


def _after(events: list[Any], begins: dict[int, int]) -> pa.Table:
    table = messages(events, PARTITIONS)
    for number, begin in begins.items():
        gone = pc.and_(pc.equal(table["partition"], number), pc.less(table["offset"], begin))
        table = table.filter(pc.invert(gone))
    return table


def _verdict(shown: list[Any], clicked: list[Any], rows: list[Any], pipeline: Pipeline, begins: Deletes) -> Verdict:
    tables = {
        "impressions": _after(shown, begins["impressions"]),
        "clicks": _after(clicked, begins["clicks"]),
        "ctr": messages(rows),
        "engagement": empty(),
        "alerts": empty(),
    }
    verdict = check(tables, pipeline, begins=begins)
    del verdict.results["engagement"]
    return verdict


def _events() -> tuple[list[Any], list[Any]]:
    shown = [impression(number, number * 10_000, user=f"u{number % 4}") for number in range(60)]
    clicked = [click(number, number // 2 * 2, number * 10_000 + 15_000) for number in range(60)]
    return shown, clicked


@pytest.mark.parametrize(("topic", "last", "beyond"), [("impressions", 280_000, 5), ("clicks", 295_000, 6)])
def test_rows_of_deleted_events_are_not_judged_and_the_others_are(topic: str, last: int, beyond: int) -> None:
    shown, clicked = _events()
    rows = results(model(shown, clicked, ORDERED), ORDERED)
    begins: Deletes = {"impressions": {}, "clicks": {}} | {topic: {1: 28}}
    found = _verdict(shown, clicked, rows, ORDERED, begins)
    assert found.results["ctr"].differences == []
    # A window that starts at the time of the last deleted event may hold that event, too.
    assert (found.results["ctr"].beyond_retention, found.results["ctr"].compared) == (beyond, 10 - beyond)
    (gone,) = found.deleted
    assert (gone.topic, gone.partition, gone.messages, gone.until_ms) == (topic, 1, 28, T0 + last + DELAY)
    assert found.to_json(1)["results"]["ctr"]["beyond_retention"] == beyond

    for row in (rows[2], rows[7]):
        row["ctr"] += 0.5
    wrong = _verdict(shown, clicked, rows, ORDERED, begins).results["ctr"].differences
    assert [line.split(":", 1)[1].split()[1] for line in wrong] == [f"{rows[7]['window_start']}:"]


def test_a_deleted_dead_letter_is_not_judged() -> None:
    shown, clicked = _events()
    shown[1] = shown[46] = b"no event"
    letters = [
        {
            "source_topic": "ad-impressions",
            "source_partition": offset % 3,
            "source_offset": offset,
            "source_record": 0,
            "reason": "x",
            "line": base64.b64encode(b"no event").decode(),
        }
        for offset in (1, 46)
    ]
    tables = {
        "impressions": _after(shown, {1: 28}),
        "clicks": messages(clicked, PARTITIONS),
        "ctr": messages([]),
        "engagement": empty(),
        "alerts": empty(),
        "dead_letters": messages(letters),
    }
    found = check(tables, ORDERED, begins={"impressions": {1: 28}}).results["dead_letters"]
    assert (found.compared, found.beyond_retention, found.differences) == (1, 1, [])
    found = check(tables, ORDERED, begins={"impressions": {0: 28}}).results["dead_letters"]
    assert len(found.differences) == 1


def test_a_partition_that_has_lost_all_its_events_leaves_nothing_to_judge() -> None:
    shown, clicked = _events()
    rows = results(model(shown, clicked, ORDERED), ORDERED)
    found = _verdict(shown, clicked, rows, ORDERED, {"impressions": {2: 60}, "clicks": {}})
    assert (found.results["ctr"].beyond_retention, found.checked) == (10, 0)
    assert found.to_json(1)["deleted"][0]["until_ms"] is None
    with pytest.raises(AdclickError, match="have been deleted from the raw topics"):
        require_rows(found, submitted=True)


def test_what_was_deleted_while_it_was_read_is_judged() -> None:
    shown, clicked = _events()
    rows = results(model(shown, clicked, ORDERED), ORDERED)
    tables = {
        "impressions": messages(shown),
        "clicks": messages(clicked),
        "ctr": messages(rows),
        "engagement": empty(),
        "alerts": empty(),
    }
    found = check(tables, ORDERED, begins={"impressions": {0: 28}, "clicks": {0: 5}})
    assert (found.deleted, found.results["ctr"].compared) == ([], 10)


@st.composite
def _deleted(draw: st.DrawFn) -> tuple[list[Any], list[Any], Pipeline, Deletes]:
    pipeline = draw(st.sampled_from(RULES))
    chance = draw(st.randoms(use_true_random=False))
    shown = [
        impression(chance.randrange(30), chance.randrange(600_000), chance.choice("ab"), user=chance.choice("uvw"))
        for _ in range(40)
    ]
    # Without the rule of unique ids, an id means one event.
    shown = list({one["impression_id"]: one for one in shown}.values())
    clicked = [
        click(number, chance.randrange(30), chance.randrange(700_000)) for number in range(draw(st.integers(1, 40)))
    ]

    def arrival(events: list[Any]) -> list[Any]:
        repeated = [*events, *chance.sample(events, len(events) // 4)]
        return sorted(repeated, key=lambda event: event["event_timestamp"] + chance.randrange(DELAY))

    shown, clicked = arrival(shown), arrival(clicked)
    begins: Deletes = {
        name: {number: chance.randrange(len(events)) for number in range(PARTITIONS) if chance.random() < 0.5}
        for name, events in (("impressions", shown), ("clicks", clicked))
    }
    return shown, clicked, pipeline, begins


@settings(max_examples=25, deadline=None)
@given(_deleted())
def test_a_right_row_is_never_called_wrong(case: tuple[list[Any], list[Any], Pipeline, Deletes]) -> None:
    shown, clicked, pipeline, begins = case
    counts = gross_and_valid(shown, clicked, pipeline)
    rows = results({key: row[:2] for key, row in counts.items()}, pipeline)
    if pipeline.dedups:
        rows = [row | {"gross_click_count": one[2]} for row, one in zip(rows, counts.values(), strict=True)]
    found = _verdict(shown, clicked, rows, pipeline, begins)
    assert found.results["ctr"].differences == []
    assert found.results["ctr"].compared + found.results["ctr"].beyond_retention == len(rows)
