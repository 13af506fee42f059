"""The generator's timeline without its events: CTR rows drawn window by window, from the generator's own parameters.

Each of the generator's impressions falls on one of its campaigns at random, and is clicked with the phase's
probability: a window's impressions and clicks are two binomial draws. A seed gives the same rows.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate

from adclick_cli import defaults
from adclick_cli.events import truth
from adclick_cli.events.generator import Plan, campaign_name
from adclick_cli.parameters import Duration
from adclick_cli.scoring.measure import HOUR_MS

WINDOW_MS = Duration.parse(defaults.WINDOW, "window").ms
WINDOWS = 40
_TAIL = 1e-18
"""Binomial terms below it are left out: no draw of 53 bits reaches them."""


@dataclass(frozen=True)
class CtrRow:
    """A window of a campaign: first instant (ms since the epoch), impressions and clicks."""

    campaign: str
    window_ms: int
    impressions: int
    clicks: int


@dataclass(frozen=True)
class Made:
    """Rows and their truth.

    Attributes:
        rows: CTR rows; a campaign of run 3 is called `3/camp-1`.
        intervals: the truth of every run.
        hours: hours of event time, all runs together.
    """

    rows: list[CtrRow]
    intervals: list[truth.Interval]
    hours: float


def simulate(impressions: int, runs: int, seed: int, shift_ms: int = 0) -> Made:
    """`runs` runs of the cycle, 40 windows each.

    Args:
        impressions: of each campaign in a window, on the average.
        runs: how many.
        seed: decides every row, together with the others.
        shift_ms: so long after a window's beginning each phase gives way to the next, 0 to the window's size excluded.
    """
    plan = Plan(seed, 0, 1.0, None, defaults.PHASE, defaults.PHASE_CAMPAIGN)
    phases = [_shifted(one, shift_ms) for one in truth.planned(plan)]
    normal = truth.planned(Plan(seed, 0, 1.0, None, "normal", defaults.PHASE_CAMPAIGN))[0].ctr
    # Deterministic on purpose: these are test data, not secrets.
    chance = random.Random(f"adclick score/{seed}/{impressions}")  # noqa: S311
    windows = [(window, _parts(phases, window)) for window in range(0, WINDOWS * WINDOW_MS, WINDOW_MS)]
    rows, intervals = [], []
    for run in range(runs):
        intervals += [replace(one, campaign_id=f"{run}/{one.campaign_id}") for one in phases]
        for window, parts in windows:
            for campaign in map(campaign_name, range(defaults.CAMPAIGNS)):
                shown = binomial(chance, impressions * defaults.CAMPAIGNS, 1 / defaults.CAMPAIGNS)
                clicked = _clicked(chance, shown, parts if campaign == plan.campaign else [(1.0, normal)])
                if shown:
                    rows.append(CtrRow(f"{run}/{campaign}", window, shown, clicked))
    return Made(rows, intervals, runs * WINDOWS * WINDOW_MS / HOUR_MS)


def _shifted(phase: truth.Interval, by_ms: int) -> truth.Interval:
    """The phase so much later; the first one still begins with the run."""
    return replace(
        phase,
        from_ms=phase.from_ms and phase.from_ms + by_ms,
        to_ms=None if phase.to_ms is None else phase.to_ms + by_ms,
    )


def _parts(phases: Sequence[truth.Interval], window: int) -> list[tuple[float, float]]:
    """The phases of a window in order: the part of its time that each has, and its CTR."""
    end = window + WINDOW_MS
    there = [(max(window, one.from_ms), end if one.to_ms is None else min(end, one.to_ms), one.ctr) for one in phases]
    return [((to - since) / WINDOW_MS, ctr) for since, to, ctr in there if to > since]


def _clicked(chance: random.Random, shown: int, parts: Sequence[tuple[float, float]]) -> int:
    """Clicks on `shown` impressions that fall anywhere in the window."""
    clicked, left, time = 0, shown, 1.0
    for part, ctr in parts:
        here = left if part >= time else binomial(chance, left, part / time)
        clicked += binomial(chance, here, ctr)
        left, time = left - here, time - part
    return clicked


def binomial(chance: random.Random, count: int, rate: float) -> int:
    """How many of `count` succeed, each with probability `rate` (0 < rate < 1); one draw, exact to 53 bits."""
    first, cumulated = _cumulated(count, rate)
    return first + min(bisect_left(cumulated, chance.random()), len(cumulated) - 1)


@lru_cache(maxsize=8192)
def _cumulated(count: int, rate: float) -> tuple[int, list[float]]:
    """The first value with a probability worth the name, and P(X <= value) from there on."""
    logs = (math.log(rate), math.log1p(-rate))

    def probability(value: int) -> float:
        ways = math.lgamma(count + 1) - math.lgamma(value + 1) - math.lgamma(count - value + 1)
        return math.exp(ways + value * logs[0] + (count - value) * logs[1])

    middle = int(count * rate)
    low, high = middle, middle
    while low > 0 and probability(low - 1) > _TAIL:
        low -= 1
    while high < count and probability(high + 1) > _TAIL:
        high += 1
    return low, list(accumulate(probability(value) for value in range(low, high + 1)))
