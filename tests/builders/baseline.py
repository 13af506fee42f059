"""The alert rule `baseline`, window by window, and Anscombe's z that it goes by."""

from __future__ import annotations

import math

from adclick_cli import defaults
from adclick_cli.scoring.measure import Alert
from adclick_cli.scoring.rules import Rule
from adclick_cli.scoring.simulate import CtrRow

MINUTE = 60_000


def z(now: CtrRow, clicks: int, shown: int) -> float:
    """Anscombe's z of a window against so many clicks and impressions."""

    def angle(x: int, n: int) -> float:
        return math.asin(math.sqrt(min((x + 3 / 8) / (n + 3 / 4), 1.0)))

    return (angle(now.clicks, now.impressions) - angle(clicks, shown)) / math.sqrt(
        1 / (4 * now.impressions + 2) + 1 / (4 * shown + 2)
    )


def model(rows: list[CtrRow], rule: Rule) -> list[Alert]:
    """The baseline rule, window by window; rules of thumb: no window before, no alert."""
    by_place = {(row.campaign, row.window_ms): row for row in rows}
    found = []
    for row in rows:
        earlier = [
            by_place.get((row.campaign, row.window_ms - back * MINUTE))
            for back in range(1, defaults.BASELINE_WINDOWS + 1)
        ]
        last = earlier[0]
        if last is None or min(row.impressions, last.impressions) < rule.min_impressions:
            continue
        there = [one for one in earlier if one is not None]
        pooled = z(row, sum(one.clicks for one in there), sum(one.impressions for one in there))
        single = z(row, last.clicks, last.impressions)
        ctr, previous = row.clicks / row.impressions, last.clicks / last.impressions
        for kind, holds, sign in (
            ("SPIKE", ctr > rule.spike * previous, 1),
            ("DROP", ctr < rule.drop * previous, -1),
        ):
            apart = rule.min_z - defaults.PREVIOUS_LESS
            if not holds or sign * pooled < rule.min_z:
                continue
            second = earlier[1]
            halfway = (
                second is not None
                and sign * single >= rule.min_z - defaults.HALFWAY_LESS
                and sign * z(row, second.clicks, second.impressions) >= apart
                and sign * z(last, second.clicks, second.impressions) < apart
            )
            if sign * single >= apart or halfway:
                found.append(Alert(row.campaign, row.window_ms, kind))
    return sorted(found, key=lambda one: (one.campaign, one.window_ms))
