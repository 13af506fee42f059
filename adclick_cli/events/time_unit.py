"""The unit that a number of time since 1970-01-01 UTC is likely in."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from adclick_cli.catalog.model import TimeUnit

FIRST_MS = 946_684_800_000
"""2000-01-01T00:00:00Z."""
LAST_MS = 4_102_444_800_000
"""2100-01-01T00:00:00Z, the first moment that is not plausible."""
MOST_OFFSET = 100_000_000
"""Below it a number is not a time in any unit since 1970, but may count from the beginning of a log: 27 hours in ms."""
_CALENDAR = {
    "yyyyMMdd": "%Y%m%d",
    "yyMMddHH": "%y%m%d%H",
    "yyyyMMddHH": "%Y%m%d%H",
    "yyyyMMddHHmm": "%Y%m%d%H%M",
    "yyMMddHHmmss": "%y%m%d%H%M%S",
    "yyyyMMddHHmmss": "%Y%m%d%H%M%S",
    "yyyyMMddHHmmssSSS": "%Y%m%d%H%M%S%f",
}
"""Patterns of a date that is written as one number, in the order in which they are tried."""

WORDS: dict[TimeUnit, str] = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
"""The units that are numbers."""
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


def other_unit(value: int, declared: TimeUnit) -> str | None:
    """The unit that a number of time is likely in, if that is not the declared one.

    Args:
        value: a count of units since 1970-01-01T00:00:00Z.
        declared: the unit of the topic's times.

    Returns:
        `seconds` to `nanoseconds`. None where the declared unit is the likely one, where no unit makes the number
        plausible, and where times are no numbers.
    """
    if declared == "iso8601":
        return None
    unit = "milliseconds" if FIRST_MS <= value < LAST_MS else likely_unit(value)
    return None if unit == WORDS[declared] else unit


def as_ms(value: int, unit: TimeUnit) -> int:
    """Milliseconds since the epoch of a number in a unit that is one of numbers."""
    return int(value * _MS_IN.get(WORDS[unit], Fraction(1)))


def likely_calendar(digits: str) -> str | None:
    """The pattern in which digits are a date between 2000 and 2100, for example `yyyyMMddHH`; None where there is none.

    Ten digits can be seconds from 2033 to 2036, too: they are taken for a date.
    """
    if not (digits.isascii() and digits.isdigit()):
        return None
    for pattern, code in _CALENDAR.items():
        if len(digits) != len(pattern):
            continue
        try:
            if 2000 <= datetime.strptime(digits, code).year < 2100:
                return pattern
        except ValueError:
            continue
    return None


def describe(text: str) -> str:
    """What a number that is no time in milliseconds is likely to be, as one sentence; empty for a text that is none."""
    pattern = likely_calendar(text)
    if pattern:
        return f"It looks like a date as one number, in the pattern {pattern}."
    try:
        value = int(Fraction(text))
    except (ValueError, ZeroDivisionError):
        return ""
    unit = likely_unit(value)
    if unit:
        return f"It looks like {unit} since 1970."
    if value < 0:
        return "It is before 1970."
    if value < MOST_OFFSET:
        return "It looks like an offset from the beginning of the log, or a counter."
    return "As milliseconds since 1970 it is not between the years 2000 and 2100, nor is it in any other known unit."
