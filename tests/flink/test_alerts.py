"""The anomaly job alone, on prepared CTR rows: its alerts against a plain model of the rule and against the oracle."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from adclick_cli import defaults
from adclick_cli.scoring.rules import Judge, Rule
from adclick_cli.scoring.simulate import CtrRow
from adclick_cli.sql import render
from adclick_cli.verify.compare import utc
from tests.builders.baseline import model
from tests.flink.conftest import EmbeddedFlink, Row, pipeline_of, read_rows, write_lines

pytestmark = pytest.mark.flink

MINUTE = 60_000
T0 = 1_767_225_600_000
Run = Callable[..., list[Row]]


@pytest.fixture
def run_alerts(embedded: EmbeddedFlink) -> Run:
    """`run_alerts(rows, **parameters)`: what the anomaly job alone makes of these CTR rows, in this order."""

    def run(rows: list[CtrRow], **parameters: object) -> list[Row]:
        lines = [
            {
                "window_start": utc(row.window_ms),
                "window_end": utc(row.window_ms + MINUTE),
                "campaign_id": row.campaign,
                "impression_count": row.impressions,
                "click_count": row.clicks,
                "ctr": row.clicks / row.impressions,
            }
            for row in rows
        ]
        folder = embedded.engine.clear()
        write_lines(folder / "ctr" / "rows.json", lines)
        pipeline = pipeline_of(method="baseline", **parameters)
        stages = ("settings", "sinks", "anomaly")
        embedded.execute("\n".join(render.stage(pipeline, name, embedded.where(pipeline)) for name in stages))
        return sorted(read_rows(folder / "alerts"), key=lambda row: (row["campaign_id"], row["alert_time"]))

    return run


def steps(campaign: str, *counts: tuple[int, int, int]) -> list[CtrRow]:
    """Rows of a campaign: minute, impressions, clicks."""
    return [CtrRow(campaign, T0 + minute * MINUTE, shown, clicked) for minute, shown, clicked in counts]


def z(now: tuple[int, int], before: tuple[int, int]) -> float:
    """Anscombe's z of two (impressions, clicks), by the formula."""
    angles = [math.asin(math.sqrt((clicks + 3 / 8) / (shown + 3 / 4))) for shown, clicks in (now, before)]
    return (angles[0] - angles[1]) / math.sqrt(1 / (4 * now[0] + 2) + 1 / (4 * before[0] + 2))


def test_the_baseline_is_the_four_windows_before_of_which_those_count_that_are_there(run_alerts: Run) -> None:
    rows = [
        # The row of minute 0 lies too far back for minute 5, though it is one of the four rows before it.
        *steps("far", (0, 10_000, 9_000), (2, 100, 10), (3, 100, 12), (4, 100, 9), (5, 300, 110)),
        # Minute 3 is empty: minute 4 has no window before, and minute 5 has only that one and those up to minute 1.
        *steps("gap", (0, 100, 90), (1, 100, 10), (2, 100, 12), (4, 300, 40), (5, 300, 150)),
        *steps("two", (8, 400, 200), (9, 400, 4)),
    ]
    found = {row["campaign_id"]: row for row in run_alerts(rows)}
    assert {name: row["alert_time"] for name, row in found.items()} == {
        "far": utc(T0 + 6 * MINUTE),
        "gap": utc(T0 + 6 * MINUTE),
        "two": utc(T0 + 10 * MINUTE),
    }
    for name, expected in (
        ("far", z((300, 110), (300, 31))),
        ("gap", z((300, 150), (500, 62))),
        ("two", z((400, 4), (400, 200))),
    ):
        assert found[name]["z_score"] == pytest.approx(expected, rel=1e-12)
        assert found[name]["rule"] == "baseline"
    previous = {name: row["previous_ctr"] for name, row in found.items()}
    assert previous == {"far": 9 / 100, "gap": 40 / 300, "two": 200 / 400}


@pytest.mark.parametrize("side", [-1e-9, 1e-9])
def test_a_least_z_is_passed_or_missed_at_its_edge(run_alerts: Run, side: float) -> None:
    pooled = z((100, 30), (400, 48))
    rows = [
        *steps("pooled", *((minute, 100, 12) for minute in range(4)), (4, 100, 30)),
        # Against the four windows it is sure, against the one before it is not, whatever the side.
        *steps("single", (0, 900, 50), (1, 900, 50), (2, 900, 50), (3, 20, 2), (4, 100, 30)),
    ]
    found = run_alerts(rows, min_z=pooled + side)
    assert [row["campaign_id"] for row in found] == (["pooled"] if side < 0 else [])


def test_many_campaigns_give_what_model_and_oracle_give(run_alerts: Run) -> None:
    chance = random.Random(11)
    rows = []
    for minute in range(40):
        for number in range(12):
            if chance.random() < 0.2:
                continue
            shown = chance.choice([20, 60, 400])
            rate = chance.choice([0.0, 0.02, 0.1, 0.1, 0.4, 1.1])
            rows.append(CtrRow(f"c{number:02}", T0 + minute * MINUTE, shown, round(shown * rate)))
    before = [(minute, 300, 30) for minute in range(4)]
    rows += steps("halfway", *before, (4, 300, 15), (5, 300, 3))
    rows += steps("halfway-gap", *before[:3], (4, 300, 15), (5, 300, 3))
    rows += steps("told", *((minute, 1_000, 100) for minute in range(4)), (4, 1_000, 10), (5, 1_000, 1))
    rule = Rule("baseline", min_impressions=30)
    alerts = run_alerts(rows, min_impressions=30)
    found = [(row["campaign_id"], row["window_start"], row["alert_type"]) for row in alerts]
    judge = Judge(rows, MINUTE)
    for expected in (model(rows, rule), judge.alerts(rule)):
        assert found == [(one.campaign, utc(one.window_ms), one.type) for one in expected]
    judge.close()
    assert len(found) > 30
    own = [(name, at) for name, at, _ in found if name in ("halfway", "halfway-gap", "told")]
    assert own == [("halfway", utc(T0 + 5 * MINUTE)), ("told", utc(T0 + 4 * MINUTE))]
    assert rule.min_z == defaults.MIN_Z
