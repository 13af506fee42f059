"""How sure a click-through rate is: the Wilson score interval.

Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). It stays within 0 and 1
and holds for few clicks, where the usual normal approximation does not.
"""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""The normal distribution's 0.975 quantile: two sides, 95 %."""


def interval(clicks: int, impressions: int, z: float = Z_95) -> tuple[float, float] | None:
    """Lower and upper bound of the rate; None without impressions.

    More clicks than impressions (an impression may be clicked twice) are no proportion: they count as a rate of 1.
    """
    if impressions <= 0:
        return None
    rate = min(clicks, impressions) / impressions
    spread = z * z / impressions
    middle = (rate + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(rate * (1 - rate) / impressions + spread / (4 * impressions))
    return max(0.0, middle - half), min(1.0, middle + half)


def two_proportion_z(clicks: int, impressions: int, clicks_before: int, impressions_before: int) -> float | None:
    """How many standard errors two rates lie apart (pooled variance); None where that is not defined."""
    if impressions <= 0 or impressions_before <= 0:
        return None
    pooled = (clicks + clicks_before) / (impressions + impressions_before)
    variance = pooled * (1 - pooled) * (1 / impressions + 1 / impressions_before)
    if variance <= 0:
        return None
    return (clicks / impressions - clicks_before / impressions_before) / math.sqrt(variance)
