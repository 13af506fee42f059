"""What could outgrow the function's layout: many windows, long windows, many groups, long ids, floods."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.builders.compiled import JAVA
from tests.functions.driver import Driver, Step
from tests.functions.model import Click, Impression, Rules

pytestmark = pytest.mark.process
MINUTE, DAY = 60_000, 86_400_000


def load(compiled: Path, impressions: int, per_second: int, *rest: int) -> dict[str, int]:
    """Figures of a run of the load driver, in a heap of a gigabyte."""
    numbers = map(str, (impressions, per_second, *rest))
    done = subprocess.run(
        [JAVA, "-Xmx1g", "-XX:+UseSerialGC", "-cp", compiled, "adclick.AttributionLoad", *numbers],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    names = ("ns", "bytes", "held", "impressions", "clicks", "live")
    return dict(zip(names, map(int, done.stdout.split()), strict=True))


@pytest.mark.parametrize(
    ("name", "per_second", "window", "attribution", "skew", "groups", "length", "most"),
    [
        ("usual", 1_000, MINUTE, 10 * MINUTE, 0, 30, 36, 100),
        ("100,000 groups", 1_000, MINUTE, 10 * MINUTE, 0, 100_000, 36, 160),
        ("a day of attribution", 5, MINUTE, DAY, 0, 30, 36, 160),
        pytest.param("a day of attribution and of skew", 5, MINUTE, DAY, DAY, 30, 36, 200, marks=pytest.mark.long),
        ("a window of a day", 1_000, DAY, 10 * MINUTE, 0, 30, 36, 100),
        pytest.param("a window of a second", 1_000, 1_000, 10 * MINUTE, 0, 30, 36, 150, marks=pytest.mark.long),
        ("ids of 1,024 characters", 1_000, MINUTE, 10 * MINUTE, 0, 30, 1_024, 100),
    ],
)
def test_every_event_counts_in_few_bytes(
    compiled: Path,
    name: str,
    per_second: int,
    window: int,
    attribution: int,
    skew: int,
    groups: int,
    length: int,
    most: int,
) -> None:
    found = load(compiled, 1_200_000, per_second, window, attribution, skew, groups, length)
    assert (found["impressions"], found["clicks"], found["live"]) == (1_200_000, 120_000, 1_320_000)
    assert found["bytes"] / found["held"] < most, name


def test_a_click_looks_at_few_slices_however_many_windows_the_attribution_spans(driver: Driver) -> None:
    # 1,440 windows: each closes at its own time, and no slice holds more than a tenth of the attribution.
    rules = Rules(window=MINUTE, attribution=DAY)
    steps: list[Step] = [Impression(number * MINUTE, f"i{number}") for number in range(1_440)]
    steps += [Click(DAY, f"c{number}", f"i{number}") for number in range(1_440)]
    steps += [f"w {MINUTE + DAY - 1}", "f", f"w {MINUTE + DAY}", "f", f"w {2 * MINUTE + DAY}"]
    rows = driver.run(rules, steps)
    assert rows.cells("final") == {(number * MINUTE, ("a",)): (1, 1, 1, ()) for number in range(1_440)}
    assert rows.errors == []


def test_a_flood_of_clicks_on_one_impression(driver: Driver) -> None:
    for dedup in (0, MINUTE):
        rules = Rules(window=MINUTE, attribution=10 * MINUTE, dedup=dedup)
        steps: list[Step] = [Impression(0, "i")]
        steps += [Click(number * 30, f"c{number:05d}", "i") for number in range(20_000)]
        began = time.monotonic()
        rows = driver.run(rules, steps)
        assert rows.cells("final") == {(0, ("a",)): (1, 1 if dedup else 20_000, 20_000, ())}
        assert time.monotonic() - began < 30


def test_times_far_apart(driver: Driver) -> None:
    times = [1, DAY, 400 * DAY, 30_000 * DAY]
    rules = Rules(window=DAY, attribution=MINUTE)
    steps: list[Step] = [Impression(time, f"i{time}") for time in reversed(times)]
    rows = driver.run(rules, [*steps, *(Click(time + MINUTE, f"c{time}", f"i{time}") for time in times)])
    assert rows.cells("final") == {(time // DAY * DAY, ("a",)): (1, 1, 1, ()) for time in times}
