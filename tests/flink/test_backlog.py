"""A backlog, whose clicks are read ahead: rows as in live traffic, whichever topic is ahead (docs/decisions/0014)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from adclick_cli.parameters import Duration
from tests.builders.sent import click, impression
from tests.flink.conftest import EmbeddedFlink, Event, RunPipeline, pipeline_of
from tests.flink.windows import ATTRIBUTION, DELAY, FAR, WINDOW, Windows

pytestmark = pytest.mark.flink

PLAIN = pipeline_of(attribution=Duration(ATTRIBUTION), watermark_delay=Duration(DELAY), portable=True)
LEAD = PLAIN.of_a_backlog().clicks_lead


def _disordered(events: list[Event], chance: random.Random) -> list[Event]:
    """Out of order by less than the watermark's delay."""
    return sorted(events, key=lambda one: one["event_timestamp"] + chance.randrange(DELAY))  # type: ignore[call-overload]


def test_the_rows_are_those_of_live_traffic(run_pipeline: RunPipeline) -> None:
    chance = random.Random(14)
    impressions: list[Event] = []
    clicks: list[Event] = []
    for number in range(400):
        at = chance.randrange(20 * WINDOW)
        impressions.append(impression(number, at, f"camp-{number % 3}", chance.choice(["mobile", "desktop"])))
        for after in (-2_001, -2_000, -1, 0, 1, ATTRIBUTION, ATTRIBUTION + 1):
            if chance.random() < 0.1 and at + after > 0:
                clicks.append(click(len(clicks), at + after, of=number))
    impressions += impressions[::17]
    clicks += [*clicks[::7], click(9_999, 60_000, of=9_999)]
    impressions, clicks = _disordered(impressions, chance), _disordered(clicks, chance)
    times = {"attribution": ATTRIBUTION, "clock_skew": 2_000, "watermark_delay": DELAY}
    rules: dict[str, Any] = {name: Duration(ms) for name, ms in times.items()} | {"portable": True}
    # Each rise of a watermark is passed on at once: most impressions come when it is past their last click.
    live = run_pipeline(impressions, clicks, **rules)
    backlog = run_pipeline(impressions, clicks, clicks_lead=LEAD, **rules)
    assert live.ctr
    assert sum(row["click_count"] for row in live.ctr) > 100
    assert live == backlog


def test_an_impression_finds_the_clicks_that_were_read_before(embedded: EmbeddedFlink, tmp_path: Path) -> None:
    at = {1: 0, 2: ATTRIBUTION, 3: ATTRIBUTION + 1, 4: -1}
    write = [click(number, 1_000 + after, of=number) for number, after in at.items()]
    windows = _read_ahead(embedded, tmp_path, [*write, click(9, FAR, of=0)])
    windows.put(
        *(impression(number, 1_000, f"camp-{number}") for number in at),
        impression(5, FAR, "mark"),
        impression(6, FAR - WINDOW, "end"),
        impression(7, 2 * FAR, "mark"),
    )
    found = windows.until("end")
    windows.close()
    assert {name: found.get(name) for name in ("camp-1", "camp-2", "camp-3", "camp-4")} == {
        "camp-1": (1, 1),
        "camp-2": (1, 1),
        "camp-3": (1, 0),
        "camp-4": (1, 0),
    }


def test_a_late_impression_counts_with_its_click(embedded: EmbeddedFlink, tmp_path: Path) -> None:
    windows = _read_ahead(embedded, tmp_path, [click(1, 2_000, of=1), click(2, FAR, of=0)])
    windows.put(
        # The watermark is then as far past the click as it can be with the click still there.
        impression(2, 2_000 + DELAY + ATTRIBUTION, "mark"),
        impression(1, 1_000, "late"),
        impression(5, FAR, "mark"),
        impression(6, FAR - WINDOW, "end"),
        impression(7, 2 * FAR, "mark"),
    )
    found = windows.until("end")
    windows.close()
    assert found["late"] == (1, 1)


def _read_ahead(embedded: EmbeddedFlink, folder: Path, clicks: list[dict[str, object]]) -> Windows:
    """A job that has read all the clicks; the impressions decide the watermark."""
    from tests.flink.conftest import write_lines

    write_lines(folder / "clicks" / "0.json", clicks)
    windows = Windows(embedded, folder, "impressions", clicks_lead=LEAD, portable=True)
    windows.put(impression(100, -4 * FAR, "begin"), impression(101, -3 * FAR, "mark"))
    windows.until("begin")
    return windows
