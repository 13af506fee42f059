"""Typed values to SQL text. These functions are the only way by which a value enters a template."""

from __future__ import annotations

import math

from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration


def literal(value: str) -> str:
    """A character string literal; a quote inside is doubled (SQL:2016 §5.3).

    Raises:
        ParameterError: there is a line break in it: scripts are read by lines, and a statement would end there.
    """
    if not isinstance(value, str):
        raise TypeError(f"a string literal is made from a string, not from {type(value).__name__}")
    if value.splitlines() not in ([], [value]):
        raise ParameterError("SQL text", value, "No text in a script can hold a line break.", "Choose another name.")
    return "'" + value.replace("'", "''") + "'"


_UNITS = (("DAY", 86_400_000), ("HOUR", 3_600_000), ("MINUTE", 60_000), ("SECOND", 1_000))


def interval(duration: Duration) -> str:
    """An interval literal: `INTERVAL '10' MINUTE` where one unit says it, else `DAY TO SECOND`, which says any.

    Flink allows two digits in a unit (`INTERVAL '600' SECOND` is refused), and `SECOND(4)` not at all.
    """
    if not duration.ms:
        return "INTERVAL '0' SECOND"
    for unit, size in _UNITS:
        count, rest = divmod(duration.ms, size)
        if count and not rest and count <= 99:
            return f"INTERVAL '{count}' {unit}"
    days, rest = divmod(duration.ms, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    seconds, ms = divmod(rest, 1_000)
    if days > 99:
        raise ValueError(f"{duration} is longer than the 99 days that an interval literal holds")
    fraction, precision = (f".{ms:03d}", "(3)") if ms else ("", "")
    return f"INTERVAL '{days} {hours:02d}:{minutes:02d}:{seconds:02d}{fraction}' DAY TO SECOND{precision}"


def double(value: float) -> str:
    """An approximate numeric literal (type DOUBLE) that reads back as the very same double."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no SQL literal")
    text = repr(float(value)).upper()
    return text if "E" in text else f"{text}E0"
