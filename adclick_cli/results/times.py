"""The time grammar of `--from` and `--to`, and the range of time that the two make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DIGITS = re.compile(r"\d+", re.ASCII)
# fromisoformat of Python 3.10 reads neither a `Z` nor a fraction of other than three or six digits.
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_MILLISECOND_DIGITS = 13
_SECOND_DIGITS = (9, 10)
MEND = "Write 2026-01-01T12:00:00Z, 2026-01-01, milliseconds since the epoch, -2h, start or end."


def from_ms(ms: int) -> datetime:
    """The instant so many milliseconds after the epoch, in UTC."""
    return _EPOCH + timedelta(milliseconds=ms)


def read_iso(text: str) -> datetime:
    """An ISO-8601 date or time in UTC; without an offset it is taken as UTC.

    Raises:
        ValueError: it is no such text.
    """
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an ISO-8601 time")
    day, minute, second, fraction, offset = match.groups()
    zone = "+00:00" if offset in (None, "Z") else f"{offset[:3]}:{offset[-2:]}"
    micros = (fraction or "0").ljust(6, "0")[:6]
    moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{second or '00'}.{micros}{zone}")
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def write_iso(moment: datetime) -> str:
    """ISO-8601 in UTC with a `Z`; milliseconds only where they are not zero, as Flink writes it."""
    utc = moment.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds") + "Z"


def parse_time(text: str, field: str, now: datetime) -> datetime | None:
    """Read a time as rpk does.

    Args:
        text: an ISO-8601 date or time (UTC unless it says otherwise), 13 digits (milliseconds since the epoch), 9 or 10
            digits (seconds), `-2h` (so long before now), `start` or `end`.
        field: the flag, for the message.
        now: the time of the call; what `end` means.

    Returns:
        The instant in UTC; None for `start`, which is before everything.

    Raises:
        ParameterError: it is none of these.
    """
    word = text.strip()
    if word == "start":
        return None
    if word == "end":
        return now
    try:
        if word.startswith("-"):
            return now - timedelta(milliseconds=Duration.parse(word[1:], field, allow_zero=True).ms)
        if _DIGITS.fullmatch(word) and len(word) == _MILLISECOND_DIGITS:
            return from_ms(int(word))
        if _DIGITS.fullmatch(word) and len(word) in _SECOND_DIGITS:
            return from_ms(int(word) * 1000)
        return read_iso(word)
    except (ValueError, ParameterError):
        raise ParameterError(field, text, "It is not a time.", MEND) from None


@dataclass(frozen=True)
class Span:
    """A range of time, `start` included and `end` excluded; None is without a bound."""

    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def parse(cls, start: str | None, end: str | None, now: datetime) -> Span:
        """From the texts of `--from` and `--to`; a flag that was not given is no bound.

        Raises:
            ParameterError: a text is not a time, or nothing lies between the two.
        """
        first = None if start is None else parse_time(start, "from", now)
        last = None if end is None else parse_time(end, "to", now)
        nothing_before_start = end is not None and last is None
        if nothing_before_start or (first is not None and last is not None and first >= last):
            raise ParameterError(
                "to", end, f"No time lies between --from {start or 'start'} and it.", "Give a later --to."
            )
        return cls(first, last)

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in it."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment < self.end)

    @property
    def everything(self) -> bool:
        """Whether it has no bound."""
        return self.start is None and self.end is None
