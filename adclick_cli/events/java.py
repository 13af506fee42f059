"""Numbers as Java reads and writes them."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_DIGITS = re.compile(r"[+-]?\d+")
_BLANKS = "".join(map(chr, range(33)))


def trim(text: str) -> str:
    """A text as Java's `String.trim`: without control characters and blanks around it."""
    return text.strip(_BLANKS)


def whole(text: str) -> int | None:
    """A text as Java's `Long.parseLong(text.trim())`, which takes the decimal digits of any script; None if it is none.

    Java goes by units of UTF-16, so a digit beyond the Basic Multilingual Plane is none. The number may be beyond a
    long; one of 100 characters and more is None.
    """
    bare = trim(text)
    return int(bare) if len(bare) < 100 and max(bare, default="") <= "\uffff" and _DIGITS.fullmatch(bare) else None


def double(value: float) -> str:
    """A number as Java's `Double.toString`: with an exponent below 0.001 and from 10,000,000 on.

    As Java 19 and newer write it (Raffaello Giulietti, "The Schubfach way to render doubles"): as few digits as tell
    the number from its neighbours, and of those with two digits the nearest.
    """
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign, numbers, exponent = Decimal(repr(value)).as_tuple()
    if not value or not isinstance(exponent, int):
        return repr(value)
    digits = "".join(map(str, numbers)).lstrip("0")
    power = len(digits) + exponent - 1
    if -3 <= power < 7:
        return repr(value)
    digits = digits.rstrip("0")
    if len(digits) == 1:
        # Among the smallest numbers of all, two digits may be nearer: 4.9E-324.
        mantissa, _, written = f"{abs(value):.1e}".partition("e")
        digits, power = mantissa.replace(".", "").rstrip("0"), int(written)
    return f"{'-' if sign else ''}{digits[0]}.{digits[1:] or '0'}E{power}"
