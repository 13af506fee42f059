"""How late an event may come and still count: both sides of each limit, to the millisecond (docs/correctness.md).

One topic is read to its end, so that the other one alone decides the watermark; every rise of that is passed on before
the next event is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adclick_cli.parameters import Duration
from tests.builders.sent import click, impression
from tests.flink.conftest import EmbeddedFlink, write_lines
from tests.flink.windows import ATTRIBUTION, DELAY, FAR, WINDOW, Windows

pytestmark = pytest.mark.flink

HELD = [
    ({}, ATTRIBUTION + 1),
    ({"portable": True}, ATTRIBUTION + 1),
    ({"clock_skew": Duration(2 * ATTRIBUTION)}, 2 * ATTRIBUTION + 1),
    ({"dedup_window": Duration(7_000)}, 2 * ATTRIBUTION + 2),
]


@pytest.mark.parametrize(("rules", "held"), HELD, ids=["function", "plain-sql", "clock-skew", "dedup"])
def test_how_late_an_impression_may_come(
    embedded: EmbeddedFlink, tmp_path: Path, rules: dict[str, Any], held: int
) -> None:
    write_lines(tmp_path / "clicks" / "0.json", [click(0, 0)], portable=rules.get("portable", False))
    windows = Windows(embedded, tmp_path, "impressions", **rules)
    # The clicks are read to their end when this window closes; its last millisecond counts (docs/decisions/0052).
    windows.put(impression(1, -1, "before"), impression(2, held + DELAY - 1, "mark"))
    assert windows.until("before") == {"before": (1, 0)}
    newest = WINDOW - 1 + held + DELAY
    windows.put(
        impression(3, newest - 1, "mark"),
        impression(4, 0, "in-time"),
        impression(5, newest, "mark"),
    )
    # At that very millisecond the window closes: no later event has been put in yet.
    found = windows.until("in-time")
    windows.put(
        impression(6, 0, "too-late"),
        impression(7, WINDOW, "next-window"),
        impression(8, FAR, "mark"),
        impression(9, FAR - WINDOW, "end"),
        impression(10, 2 * FAR, "mark"),
    )
    found |= windows.until("end")
    windows.close()
    assert {name: found.get(name) for name in ("in-time", "too-late", "next-window")} == {
        "in-time": (1, 0),
        "too-late": None,
        "next-window": (1, 0),
    }


@pytest.mark.parametrize("portable", [False, True], ids=["function", "plain-sql"])
def test_how_late_a_click_may_come(embedded: EmbeddedFlink, tmp_path: Path, portable: bool) -> None:
    shown = 50_000
    write_lines(
        tmp_path / "impressions" / "0.json",
        [impression(1, -1, "before"), impression(2, shown, "clicked"), impression(3, FAR, "end")],
        portable=portable,
    )
    windows = Windows(embedded, tmp_path, "clicks", portable=portable)
    windows.put(click(0, ATTRIBUTION + DELAY + 1, of=0))
    assert windows.until("before") == {"before": (1, 0)}
    newest = shown + ATTRIBUTION + DELAY
    windows.put(
        click(1, newest, of=0),
        click(2, shown, of=2),
        click(3, newest + 1, of=0),
        click(4, shown, of=2),
        click(5, 2 * FAR, of=0),
    )
    found = windows.until("end")
    windows.close()
    assert found["clicked"] == (1, 1)
