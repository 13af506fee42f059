"""Which unit times are in: the one that makes them lie between the year 2000 and tomorrow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from adclick_cli.catalog.model import TIME_UNITS, TimeUnit
from adclick_cli.events import time_unit
from adclick_cli.events.reading import SHIFT, Fraction, Integer, Unit, iso_ms
from adclick_cli.inference.flatten import Scalar

DAY_MS = 86_400_000
UNITS: dict[TimeUnit, int] = {unit: SHIFT[Unit[unit.upper()]] for unit in time_unit.WORDS}
"""By unit the power of ten that makes milliseconds of it."""
CALLED: dict[TimeUnit, str] = {**time_unit.WORDS, "iso8601": "ISO 8601"}

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")


@dataclass(frozen=True)
class Times:
    """Values that are times.

    Attributes:
        unit: how they are written.
        share: the share of the values that can be meant.
        first_ms, last_ms: the earliest and the latest of these, ms since 1970.
    """

    unit: TimeUnit
    share: float
    first_ms: int
    last_ms: int

    @property
    def range(self) -> str:
        """The earliest and the latest, for a person."""
        return f"{moment(self.first_ms)} to {moment(self.last_ms)}"


def moment(ms: int) -> str:
    """A time in UTC to the second; the year alone where Python has no date for it."""
    try:
        return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return f"the year {1970 + ms // 31_556_952_000:,}"


def to_ms(value: Scalar | None, unit: TimeUnit) -> int | None:
    """A value as ms since 1970; None where it is no time of this unit."""
    if unit == "iso8601":
        plain = isinstance(value, str) and not isinstance(value, (Integer, Fraction))
        return iso_ms(str(value).strip()) if plain else None
    number = _number(value)
    return None if number is None else int(number.scaleb(UNITS[unit]))


def _number(value: Scalar | None) -> Decimal | None:
    """A number, or the digits of a whole one in a text: a text with a point is no time in an event."""
    if not isinstance(value, str):
        return None
    form = _NUMBER if isinstance(value, (Integer, Fraction)) else _WHOLE
    return Decimal(value) if form.fullmatch(value) else None


def times(values: Sequence[Scalar], now_ms: int) -> Times | None:
    """The unit in which most of the values can be meant; None where none can in any."""
    found: list[Times] = []
    for unit in TIME_UNITS:
        stamps = [ms for value in values if (ms := to_ms(value, unit)) is not None and plausible(ms, now_ms)]
        if stamps:
            found.append(Times(unit, len(stamps) / len(values), min(stamps), max(stamps)))
    return max(found, key=lambda one: one.share, default=None)


def plausible(ms: int, now_ms: int) -> bool:
    """Whether an event can be of this time."""
    return time_unit.FIRST_MS <= ms <= now_ms + DAY_MS


def about(value: Scalar, now_ms: int) -> str:
    """What a value that cannot be a time is likely to be, as one sentence."""
    number = _number(value)
    if number is None:
        ms = to_ms(value, "iso8601")
        return f"It is {moment(ms)}." if ms is not None else "It is neither a number nor an ISO 8601 time."
    if time_unit.likely_calendar(str(value)):
        return time_unit.describe(str(value))
    for unit in UNITS:
        ms = int(number.scaleb(UNITS[unit]))
        if time_unit.FIRST_MS <= ms < time_unit.LAST_MS:
            return f"It looks like {CALLED[unit]} since 1970, and is {moment(ms)}" + (
                ", which is still to come." if ms > now_ms else "."
            )
    as_ms = f"As milliseconds since 1970 it is {moment(int(number))}."
    return f"{as_ms} {time_unit.describe(str(value))}".strip()
