"""The function in SQL, on Flink: files in, files out; the script is the one that a reader would start from."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.builders.table_environment import execute, table_environment
from tests.flink.conftest import Row, read_rows, write_lines
from tests.functions.model import Click, Impression, Model, Rules

pytestmark = pytest.mark.flink
SCRIPT = Path(__file__).with_name("final_and_live.sql")
T0 = 1_767_225_600_000
MINUTE = 60_000
RULES = Rules(window=MINUTE, attribution=10 * MINUTE, dimensions=2, measures=1)


def script(folder: Path, jar: Path, live: str = "blackhole") -> str:
    """The script on these files."""
    text = SCRIPT.read_text(encoding="utf-8").replace("{folder}", str(folder)).replace("{live}", live)
    return f"CREATE TEMPORARY FUNCTION attribution AS 'adclick.Attribution' USING JAR '{jar}';\n{text}"


def impression(one: Impression) -> dict[str, Any]:
    campaign, device = one.dimensions
    event = {"impression_id": one.id, "campaign_id": campaign, "device_type": device, "event_timestamp": one.time}
    return event | {"cost": one.measures[0] / 1_000_000}


def click(one: Click) -> dict[str, Any]:
    return {"click_id": one.id, "impression_id": one.of, "event_timestamp": one.time}


def sent(seed: int, count: int) -> tuple[list[Impression], list[Click]]:
    """Half an hour of events out of order, with repeats, conflicts and clicks of nothing."""
    chance = random.Random(seed)
    impressions = [
        Impression(
            T0 + chance.randrange(30 * MINUTE),
            f"i{chance.randrange(count)}" + "x" * chance.choice([0, 0, 30, 1000]),
            (f"camp-{chance.randrange(5)}", chance.choice(["mobile", "desktop"])),
            measures=(chance.randrange(1_000_000),),
        )
        for _ in range(count)
    ]
    clicks = []
    for _ in range(count // 2):
        of = chance.choice(impressions)
        after = chance.choice([-1, 0, 10 * MINUTE, 10 * MINUTE + 1, chance.randrange(12 * MINUTE)])
        name = f"c{chance.randrange(count)}"
        clicks.append(Click(of.time + after, name, chance.choice([of.id, of.id, of.id, "nothing"])))
    impressions += chance.sample(impressions, count // 10)
    clicks += chance.sample(clicks, count // 10)
    return impressions, clicks


def delayed(events: list[Any], chance: random.Random) -> list[Any]:
    """An order of arrival in which no event is behind the watermark."""
    return sorted(events, key=lambda one: one.time + chance.randrange(5_000))


def utc(time: int) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(time / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")


def expected(impressions: list[Impression], clicks: list[Click]) -> tuple[list[Row], list[Row]]:
    """The rows of both results, by the model."""
    ctr: dict[tuple[int, str], list[int]] = {}
    engagement: dict[tuple[int, str], list[int]] = {}
    for (start, (campaign, device)), (shown, valid, _, sums) in Model(RULES, [*impressions, *clicks]).final().items():
        for into, key in ((ctr, campaign), (engagement, device)):
            row = into.setdefault((start, str(key)), [0, 0, 0])
            for at, value in enumerate((shown, valid, sums[0])):
                row[at] += value
    times = {start: {"window_start": utc(start), "window_end": utc(start + MINUTE)} for start, _ in ctr}
    return (
        [
            times[start]
            | {"campaign_id": key, "impression_count": shown, "click_count": hit, "ctr": hit / shown}
            | {"cost": round(cost / 1_000_000, 6)}
            for (start, key), (shown, hit, cost) in ctr.items()
        ],
        [
            times[start] | {"device_type": key, "impression_count": shown, "click_count": hit}
            for (start, key), (shown, hit, _) in engagement.items()
        ],
    )


@pytest.mark.parametrize("parallelism", [1, 4])
def test_the_script_gives_the_models_rows(jar: Path, tmp_path: Path, parallelism: int) -> None:
    impressions, clicks = sent(1, 2_000)
    chance = random.Random(2)
    write_lines(tmp_path / "impressions" / "0.json", map(impression, delayed(impressions, chance)))
    write_lines(tmp_path / "clicks" / "0.json", map(click, delayed(clicks, chance)))
    (tmp_path / "late").mkdir()
    settings = {
        "parallelism.default": f"{parallelism}",
        "table.local-time-zone": "UTC",
        "pipeline.object-reuse": "true",
    }
    execute(table_environment(settings), script(tmp_path, jar))
    ctr, engagement = expected(impressions, clicks)
    assert read_rows(tmp_path / "ctr") == sorted(ctr, key=json.dumps)
    assert read_rows(tmp_path / "engagement") == sorted(engagement, key=json.dumps)
    assert read_rows(tmp_path / "late") == []
