"""Values that come from flags and settings, parsed once into types that cannot hold anything else.

Nothing that a user typed reaches SQL, a Kafka request or a file name but through one of these.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass

from adclick_cli.errors import ParameterError

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(?:\d{1,15}(?:ms|s|m|h|d))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+)(ms|s|m|h|d)", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_SERVER = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(\d{1,5})", re.ASCII)

MAX_DURATION_MS = 99 * _UNIT_MS["d"]
"""Flink's `INTERVAL '…' DAY TO SECOND` takes two digits of days."""


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time in whole milliseconds, zero or more."""

    ms: int

    @classmethod
    def parse(cls, text: str, field: str, *, allow_zero: bool = False) -> Duration:
        """Read `500ms`, `30s`, `1m`, `1h30m` or `2d`.

        Raises:
            ParameterError: it is not such a text, is zero where that makes no sense, or is above 99 days.
        """
        mend = "Write a number and a unit (ms, s, m, h, d), for example 30s, 1m or 1h30m."
        if not _DURATION.fullmatch(text):
            raise ParameterError(field, text, "It is not a length of time.", mend)
        ms = sum(int(number) * _UNIT_MS[unit] for number, unit in _DURATION_PART.findall(text))
        if ms == 0 and not allow_zero:
            raise ParameterError(field, text, "It must be longer than zero.", mend)
        if ms > MAX_DURATION_MS:
            raise ParameterError(field, text, "It is longer than 99 days.", "Give a shorter time.")
        return cls(ms)

    @property
    def seconds(self) -> float:
        """The same length in seconds."""
        return self.ms / 1000

    def __str__(self) -> str:
        if self.ms == 0:
            return "0s"
        parts, rest = [], self.ms
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _UNIT_MS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts)


def parse_number(
    value: float | str,
    field: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> float:
    """A finite number within bounds (`above` and `below` excluded, `at_least` included).

    Raises:
        ParameterError: it is no number, not finite, or out of bounds.
    """
    bounds = " and ".join(
        f"{word} {bound:g}"
        for word, bound in (("above", above), ("at least", at_least), ("below", below))
        if bound is not None
    )
    mend = f"Give a number {bounds}." if bounds else "Give a number."
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(field, value, "It is not a number.", mend) from None
    fits = (
        math.isfinite(number)
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (below is None or number < below)
    )
    if not fits:
        raise ParameterError(field, value, f"It must be a finite number {bounds}.".replace("  ", " "), mend)
    return number


def parse_count(value: int, field: str, *, at_least: int = 0, at_most: int = 2**31 - 1) -> int:
    """A whole number between two bounds, both included.

    Raises:
        ParameterError: it is out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
        raise ParameterError(
            field,
            value,
            f"It must be a whole number from {at_least} to {at_most}.",
            f"Give a whole number from {at_least} to {at_most}.",
        )
    return value


def parse_topic(text: str, field: str) -> str:
    """A Kafka topic's name (rule: letters, digits, `.`, `_`, `-`, at most 249; Kafka's `Topic.validate`).

    Raises:
        ParameterError: Kafka would refuse the name.
    """
    if not _TOPIC.fullmatch(text) or text in {".", ".."}:
        raise ParameterError(
            field,
            text,
            "It is not the name of a Kafka topic.",
            "Use at most 249 letters, digits, dots, underscores and hyphens.",
        )
    return text


def parse_listen(text: str, field: str) -> str:
    """The IPv4 address of one network interface.

    Raises:
        ParameterError: it is none, or stands for every interface.
    """
    mend = "Give the IPv4 address of the interface that you mean, for example 127.0.0.1."
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise ParameterError(field, text, "It is not an IPv4 address.", mend) from None
    if address.is_unspecified or address.is_multicast:
        # The broker tells its clients to come back to this address, so it must be one that leads somewhere.
        raise ParameterError(field, text, "It is not the address of one interface.", mend)
    return text


def parse_servers(text: str, field: str) -> str:
    """A comma-separated list of `host:port`.

    Raises:
        ParameterError: an entry is not `host:port` with a port from 1 to 65535.
    """
    for entry in text.split(","):
        match = _SERVER.fullmatch(entry)
        if not match or not 1 <= int(match.group(1)) <= 65535:
            raise ParameterError(
                field, text, f"{entry!r} is not host:port.", "Write host:port, several separated by commas."
            )
    return text
