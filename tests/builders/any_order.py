"""Cases at random: few ids, so that they meet, in any order, with watermarks near the limits of lateness."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

from adclick_cli.casebook import reading
from adclick_cli.casebook.arrival import Arrival, arrive
from adclick_cli.casebook.model import Case, CaseFileError

SETTINGS = ("", "clock_skew: 2m", "dedup_window: 2s", "unique_ids: 2m")
"""Those of examples/tests/order.yaml: so the jobs are planned once for both."""
TIMES = (0, 1, 1_999, 2_000, 30_000, 59_999, 60_000, 60_001)


def _steps(chance: random.Random) -> list[str]:
    """A few ids, so that they meet; a watermark that goes on by steps that are near the limits."""
    steps, mark = [], 0
    for _ in range(chance.randrange(8, 20)):
        kind, number = chance.random(), chance.randrange(4)
        at = 20_000 * number + chance.choice((*TIMES, chance.randrange(150_000)))
        partition = f" partition={chance.randrange(2)}" if chance.random() < 0.2 else ""
        if kind < 0.3:
            shown = chance.choice((20_000 * number, at))
            steps.append(f"impression i{number} camp-{chance.randrange(2)} m at +{shown}ms{partition}")
        elif kind < 0.75:
            steps.append(f"click c{chance.randrange(6)} of i{number} at +{at}ms{partition}")
        else:
            mark += chance.choice((1, 20_000, 59_999, 60_000, chance.randrange(90_000)))
            steps.append(f"watermark: +{mark}ms" if kind < 0.9 else f"heartbeat impressions at +{mark}ms")
    return steps


def decided(folder: Path, seed: int, count: int) -> list[tuple[Case, Arrival]]:
    """Of so many cases by the function those that some rule decides."""
    chance = random.Random(seed)
    path = folder / "random.yaml"
    text = "settings: {attribution: 1m}\ncases:\n"
    for number in range(count):
        given = "".join(f"      - {step}\n" for step in _steps(chance))
        text += f"  - name: n{number}\n    settings: {{{SETTINGS[number % len(SETTINGS)]}}}\n    given:\n{given}"
        text += "    expect:\n      engagement: {contains: []}\n"
    path.write_text(text, encoding="utf-8")
    found = []
    for case in reading.read(path, portable=False):
        with suppress(CaseFileError):
            found.append((case, arrive(case)))
    return found
