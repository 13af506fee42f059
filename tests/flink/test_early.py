"""The early lane: alerts by a short attribution, what the final windows say about them, and `verify` on both."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Method
from adclick_cli.verify.check import check
from tests.flink.conftest import FAR_FUTURE, Results, Row, RunPipeline, pipeline_of

pytestmark = pytest.mark.flink

T0 = 1_767_225_600_000
MINUTE = 60_000
SHOWN = 200
USUAL, MANY = 20, 100
SOON, LATER = 5_000, 60_000
CHANGE = 5
"""The minute in which the clicks of `more` are many, and those of `slow` come later than the early lane waits."""


def events() -> tuple[list[Row], list[Row]]:
    impressions, clicks = [], []
    for minute in range(8):
        for number in range(SHOWN):
            for campaign in ("more", "slow", "usual"):
                name = f"{campaign}-{minute}-{number}"
                at = T0 + minute * MINUTE + number * 200
                impressions.append(
                    {"impression_id": name, "campaign_id": campaign, "device_type": "m", "event_timestamp": at}
                )
                clicked = MANY if campaign == "more" and minute == CHANGE else USUAL
                wait = LATER if campaign == "slow" and minute == CHANGE else SOON
                if number < clicked:
                    clicks.append({"click_id": f"c-{name}", "impression_id": name, "event_timestamp": at + wait})
    return impressions, sorted(clicks, key=lambda one: one["event_timestamp"])


def when(minute: int) -> str:
    return f"2026-01-01T00:{minute + 1:02d}:00Z"


def table(rows: list[Row]) -> pa.Table:
    """These messages as `verify` reads them."""
    return pa.table(
        {
            "partition": pa.array([0] * len(rows), pa.int32()),
            "offset": pa.array(range(len(rows)), pa.int64()),
            "arrived_ms": pa.array([FAR_FUTURE * 1000] * len(rows), pa.int64()),
            "value": pa.array([json.dumps(row).encode() for row in rows], pa.binary()),
        }
    )


def verified(found: Results, shown: list[Row], clicked: list[Row], parameters: dict[str, Any]) -> Any:
    tables = {name: table(rows) for name, rows in vars(found).items()}
    return check(tables | {"impressions": table(shown), "clicks": table(clicked)}, pipeline_of(**parameters))


@pytest.mark.parametrize(("method", "min_z"), [("baseline", 4.75), ("significance", 4.0), ("ratio", 0.0)])
def test_what_is_raised_early_is_confirmed_or_withdrawn(
    run_pipeline: RunPipeline, method: Method, min_z: float
) -> None:
    parameters: dict[str, Any] = {"method": method, "min_z": min_z, "early": Duration(15_000)}
    shown, clicked = events()
    found = run_pipeline(shown, clicked, **parameters)

    early = {(row["campaign_id"], row["alert_time"]): row["alert_type"] for row in found.early_alerts}
    verdicts = {
        (row["campaign_id"], row["alert_time"]): (row["verdict"], row["final_ctr"]) for row in found.early_verdicts
    }
    assert early[("more", when(CHANGE))] == "SPIKE"
    assert early[("slow", when(CHANGE))] == "DROP"
    assert verdicts[("more", when(CHANGE))] == ("CONFIRMED", MANY / SHOWN)
    assert verdicts[("slow", when(CHANGE))] == ("WITHDRAWN", USUAL / SHOWN)
    assert early.keys() == verdicts.keys()
    assert {name for name, _ in early} == {"more", "slow"}
    final = {(row["campaign_id"], row["alert_time"]) for row in found.alerts}
    assert final == {key for key, (verdict, _) in verdicts.items() if verdict == "CONFIRMED"}

    right = verified(found, shown, clicked, parameters)
    assert right.ok, [line for one in right.results.values() for line in one.differences]
    assert right.results["ctr_early"].compared == 24
    assert right.results["early_alerts"].compared == len(early)
    assert right.results["early_verdicts"].compared == len(early)
    if method == "baseline":
        _verify_finds_what_is_wrong(found, shown, clicked, parameters)


def _verify_finds_what_is_wrong(
    found: Results, shown: list[Row], clicked: list[Row], parameters: dict[str, Any]
) -> None:
    # Of one key the newest row counts: the same again is no fault, another one is.
    found.ctr_early = [*found.ctr_early, found.ctr_early[0], {**found.ctr_early[1], "click_count": 0, "ctr": 0.0}]
    found.early_verdicts = [{**row, "verdict": "CONFIRMED"} for row in found.early_verdicts[1:]]
    wrong = verified(found, shown, clicked, parameters)
    assert (wrong.results["ctr_early"].different, wrong.results["ctr_early"].repeated) == (1, 0)
    assert wrong.results["early_verdicts"].missing == 1
    assert wrong.results["early_verdicts"].different > 0
    assert any(line.startswith("ctr_early: ") for line in wrong.results["ctr_early"].differences)
    assert any("verdict is CONFIRMED" in line for line in wrong.results["early_verdicts"].differences)
    assert wrong.results["ctr"].ok
