"""The unit that a number of time is likely in. Every event time is in milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from fractions import Fraction

FIRST_MS = 946_684_800_000
"""2000-01-01T00:00:00Z."""
LAST_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z, the first moment that is not plausible."""
_MS_IN = {"seconds": Fraction(1000), "microseconds": Fraction(1, 1000), "nanoseconds": Fraction(1, 1_000_000)}


def likely_unit(value: int) -> str | None:
    """The unit in which a number of time lies between 2000 and 2100, if that unit is not milliseconds.

    The ranges of the units do not overlap, so that at most one unit fits.

    Args:
        value: a count of units since 1970-01-01T00:00:00Z.

    Returns:
        `seconds`, `microseconds` or `nanoseconds`. None where the number is a plausible count of milliseconds, and
        where no unit makes it plausible (0, a negative number, a number like 20240601).
    """
    for unit, factor in _MS_IN.items():
        if FIRST_MS <= value * factor < LAST_MS:
            return unit
    return None
