"""Messages taken apart by the rules of the format `adclick-events`: the reader of events in Python.

Written from docs/events.md, not from the format's Java: tests compare both on one corpus and on random bytes. It is for
the few messages that nothing faster reads, one by one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal
from enum import Enum
from typing import Any

from adclick_cli.catalog.model import EventField, EventSource
from adclick_cli.events.java import double, trim, whole
from adclick_cli.schema import LONGEST_TEXT, STAMP

MOST_LEVELS = 1_000
LONGEST_NUMBER = 1_000
LONGEST_NAME = 50_000
MOST_BROKEN = 100
FRAME = 5
"""Bytes of Confluent's wire format before the message itself: a zero and the schema's number."""
LEAST_LONG, GREATEST_LONG = -(2**63), 2**63 - 1

NO_VALUE = "no value"
NOT_UTF8 = "not UTF-8"
NOT_JSON = "not JSON"
NOT_OBJECT = "not a JSON object"

_SEPARATORS = " \t\r\n\x1e\0"
_BETWEEN = re.compile(f"[{_SEPARATORS}\ufeff]*")
_NEXT = re.compile("\x1e|(?<=\n)\\{")
_NO_UTF8 = re.compile("[\ud800-\udfff]")
_DECIMAL = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(?:[eE]([+-]?[0-9]+))?")
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_LARGEST_EXPONENT = 100_000
_EXACT = Context(prec=3_000, Emin=-999_999, Emax=999_999)


class Kind(Enum):
    """What a field holds, by the type of its column in Flink."""

    TEXT = "STRING"
    INTEGER = "BIGINT"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"
    TIME = "TIMESTAMP_LTZ(3)"


class Unit(Enum):
    """How times are written; the value is what a time must be."""

    S = "whole number of seconds"
    MS = "whole number of milliseconds"
    US = "whole number of microseconds"
    NS = "whole number of nanoseconds"
    ISO8601 = "ISO 8601 time"


SHIFT = {Unit.S: 3, Unit.MS: 0, Unit.US: -3, Unit.NS: -6}
"""By unit the power of ten that makes milliseconds of it."""


@dataclass(frozen=True)
class Field:
    """One field of an event.

    Attributes:
        name: its column.
        kind: what it holds.
        path: the names that lead to its value; the column's name unless given.
        required: whether a record without it is no event.
        default: its value where it is missing, null or an empty text.
        precision, scale: of a DECIMAL.
    """

    name: str
    kind: Kind = Kind.TEXT
    path: tuple[str, ...] = ()
    required: bool = True
    default: Any = None
    precision: int = 0
    scale: int = 0

    @property
    def label(self) -> str:
        """What a reason calls the field: its path."""
        return ".".join(self.path or (self.name,))


@dataclass(frozen=True)
class Schema:
    """All fields of an event; the first that is wrong gives the reason.

    Attributes:
        fields: in the order of the columns.
        unit: how times are written.
        longest_text: characters.
    """

    fields: tuple[Field, ...]
    unit: Unit = Unit.MS
    longest_text: int = LONGEST_TEXT


_KINDS: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "integer": Kind.INTEGER,
    "decimal": Kind.DECIMAL,
    "boolean": Kind.BOOLEAN,
}


def declared(source: EventSource, columns: Sequence[EventField]) -> Schema:
    """What Flink takes for an event of a topic.

    Args:
        source: the topic's events, as the catalog declares them.
        columns: what is read of them besides the time, as `Pipeline.event_columns` gives it.
    """
    fields = (*(_declared(one) for one in columns), Field(STAMP, Kind.TIME, source.time))
    return Schema(fields, Unit[source.time_unit.upper()])


def _declared(one: EventField) -> Field:
    if one.type != "decimal":
        return Field(one.name, _KINDS[one.type], one.path, one.required, one.default)
    # A default has the digits of its column, as any other value has.
    default = one.default
    if isinstance(default, Decimal):
        default = default.quantize(Decimal(1).scaleb(-one.scale), context=_EXACT)
    return Field(one.name, Kind.DECIMAL, one.path, one.required, default, one.precision, one.scale)


@dataclass(frozen=True)
class Row:
    """What one record of a message is.

    Attributes:
        record: its position in the message, from 0.
        values: by field, where it is an event: texts, numbers, truth values, times in ms since the epoch; None for a
            field that may be missing and is.
        reason: why it is no event; None for an event.
        raw: its bytes, and all of the message where it holds nothing else; None for a tombstone.
    """

    record: int
    values: Mapping[str, Any] | None
    reason: str | None = None
    raw: bytes | None = None


class _Broken(ValueError):
    """Not JSON, or beyond a limit."""


class _Wrong(ValueError):
    """A field is not what it must be; the text is the reason."""


class Integer(str):
    """A number without point and exponent, as it is written."""


class Fraction(str):
    """Any other number, as it is written."""


def objects(value: bytes | None) -> list[tuple[str | None, Any]]:
    """The records of a message, whatever its schema: a reason why one is no object, or the object without one.

    Args:
        value: the message; None for a tombstone.
    """
    if value is None:
        return [(NO_VALUE, None)]
    return [(reason, found) for reason, found, _ in _records(_decoded(value))] or [(NOT_JSON, None)]


def _decoded(value: bytes) -> str:
    """A message without a frame, as a text."""
    return (value[FRAME:] if value[:1] == b"\0" else value).decode("utf-8", "surrogateescape")


def read(value: bytes | None, schema: Schema) -> list[Row]:
    """What a message holds: one row or more.

    Args:
        value: the message; None for a tombstone.
        schema: what an event is.
    """
    if value is None:
        return [Row(0, None, NO_VALUE)]
    text = _decoded(value)
    rows: list[Row] = []
    for reason, found, (begin, end) in _records(text):
        values, why = _judge(found, schema) if reason is None else (None, reason)
        rows.append(Row(len(rows), values, why, _bytes(text[begin:end])))
    if not rows:
        rows = [Row(0, None, NOT_JSON)]
    # Alone, it has all bytes of the message.
    return [replace(rows[0], raw=value)] if len(rows) == 1 else rows


def events(value: bytes | None, schema: Schema, latest_ms: int) -> list[tuple[int, Mapping[str, Any]]]:
    """The events of a message: event time (ms since the epoch) and fields of each.

    Args:
        value: the message; None for a tombstone.
        schema: what an event is, with its time in `event_timestamp`.
        latest_ms: an event dated later is impossible, ms since the epoch.
    """
    found = [row.values for row in read(value, schema) if row.values is not None]
    return [(int(one[STAMP]), one) for one in found if one[STAMP] <= latest_ms]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


_Found = tuple[str | None, Any, tuple[int, int]]
"""A reason, or an object without one; where it begins and ends."""


def _records(text: str) -> Iterator[_Found]:
    at, broken = _behind(text, 0), 0
    while at < len(text):
        try:
            parsed, end = _value(text, at)
            yield from _spread(text, parsed, at, end)
        except _Broken:
            broken += 1
            following = _NEXT.search(text, at + 1) if broken < MOST_BROKEN else None
            end = following.start() if following else len(text)
            last = at + len(text[at:end].rstrip(_SEPARATORS))
            yield _why_broken(text[at:last]), None, (at, last)
        at = _behind(text, end)


def _behind(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _value(text: str, at: int) -> tuple[Any, int]:
    """The object or array that begins there, and where it ends."""
    if text[at] not in "{[":
        raise _Broken("no object")
    return _decode(text, at)


def _decode(text: str, at: int) -> tuple[Any, int]:
    limit = sys.getrecursionlimit()
    # Python's decoder calls itself for each level.
    sys.setrecursionlimit(limit + 2 * MOST_LEVELS)
    try:
        parsed, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise _Broken("not JSON") from error
    finally:
        sys.setrecursionlimit(limit)
    part = text[at:end]
    if _NO_UTF8.search(part):
        raise _Broken("not UTF-8")
    # To count is quick, to leave strings out is not.
    if part.count("{") + part.count("[") > MOST_LEVELS and _depth(part) > MOST_LEVELS:
        raise _Broken("too many levels")
    return parsed, end


def _why_broken(part: str) -> str:
    if _NO_UTF8.search(part):
        return NOT_UTF8
    if part[:1] in ("", "{", "["):
        return NOT_JSON
    try:
        return NOT_OBJECT if _decode(part, 0)[1] == len(part) else NOT_JSON
    except _Broken:
        return NOT_JSON


def _spread(text: str, parsed: Any, at: int, end: int) -> Iterator[_Found]:
    """An object as it is; of an array each element, or the whole where none is an object."""
    if isinstance(parsed, Mapping):
        yield None, parsed, (at, end)
    elif not any(isinstance(one, Mapping) for one in parsed):
        yield NOT_OBJECT, None, (at, end)
    else:
        for one, place in zip(parsed, _places(text, at), strict=True):
            yield (None, one, place) if isinstance(one, Mapping) else (NOT_OBJECT, None, place)


def _places(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Where the elements of an array begin and end."""
    blank = re.compile(r"[ \t\r\n,]*")
    while True:
        begin = blank.match(text, at + 1)
        at = begin.end() if begin else at
        if text[at] == "]":
            return
        _, end = _decode(text, at)
        yield at, end
        at = end - 1


def _depth(text: str) -> int:
    """How deep the brackets of a JSON text go, strings left out."""
    depth = deepest = 0
    inside = escaped = False
    for sign in text:
        if inside:
            inside = escaped or sign != '"'
            escaped = sign == "\\" and not escaped
        elif sign == '"':
            inside = True
        elif sign in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "}]":
            depth -= 1
    return deepest


def _number(kind: type[str], text: str) -> str:
    if len(text) > LONGEST_NUMBER:
        raise _Broken("a number that is too long")
    return kind(text)


def _constant(name: str) -> Any:
    raise _Broken(f"{name} is not JSON")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if any(len(name) > LONGEST_NAME for name, _ in pairs):
        raise _Broken("a name that is too long")
    return dict(pairs)


_DECODER = json.JSONDecoder(
    strict=False,
    parse_constant=_constant,
    parse_int=lambda text: _number(Integer, text),
    parse_float=lambda text: _number(Fraction, text),
    object_pairs_hook=_object,
)


def _judge(record: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any] | None, str | None]:
    """The values of an event; or the reason why it is none."""
    try:
        return {field.name: _field(_find(record, field), field, schema) for field in schema.fields}, None
    except _Wrong as wrong:
        return None, str(wrong)


def _find(record: Mapping[str, Any], field: Field) -> Any:
    found: Any = record
    for name in field.path or (field.name,):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _field(value: Any, field: Field, schema: Schema) -> Any:
    absent = value is None or (not field.required and type(value) is str and not value)
    if absent and not field.required:
        return field.default
    if absent:
        raise _Wrong(f"{field.label} is missing or null")
    if field.kind is Kind.TEXT:
        return _text(value, field, schema)
    if field.kind is Kind.INTEGER:
        return _integer(value, f"{field.label} is no whole number")
    if field.kind is Kind.DECIMAL:
        return _decimal_field(value, field)
    if field.kind is Kind.BOOLEAN:
        return _truth(value, field)
    return _time(value, field, schema)


def _text(value: Any, field: Field, schema: Schema) -> str:
    if isinstance(value, (Mapping, list)):
        raise _Wrong(f"{field.label} is no text")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction):
        text = double(float(value))
    elif isinstance(value, Integer):
        text = "0" if value == "-0" else str(value)
    else:
        # Half of a surrogate pair is no character.
        text = value.encode("utf-8", "replace").decode()
    if not text:
        raise _Wrong(f"{field.label} is empty")
    if text[0] in "{[":
        raise _Wrong(f"{field.label} begins with a bracket")
    if len(text) > schema.longest_text:
        raise _Wrong(f"{field.label} is longer than {schema.longest_text} characters")
    return text


def _integer(value: Any, reason: str) -> int:
    found = whole(value) if isinstance(value, str) and not isinstance(value, Fraction) else None
    if found is None or not LEAST_LONG <= found <= GREATEST_LONG:
        raise _Wrong(reason)
    return found


def _decimal(text: str) -> Decimal | None:
    """A number as it is written, its exponent held within bounds; None where it is none."""
    match = _DECIMAL.fullmatch(trim(text)) if len(trim(text)) <= LONGEST_NUMBER else None
    if match is None:
        return None
    power = max(-_LARGEST_EXPONENT, min(_LARGEST_EXPONENT, int(match.group(2) or 0)))
    return Decimal(match.group(1)).scaleb(power, _EXACT)


def _decimal_field(value: Any, field: Field) -> Decimal:
    number = _decimal(value) if isinstance(value, str) else None
    if number is None:
        raise _Wrong(f"{field.label} is no number")
    if not number or number.adjusted() < -field.scale - 1:
        # So small a number is rounded to 0, whatever its exponent.
        number = Decimal(0)
    if number.adjusted() < field.precision:
        number = number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP, _EXACT)
    if abs(number) >= Decimal(10) ** (field.precision - field.scale):
        raise _Wrong(f"{field.label} is too large for DECIMAL({field.precision}, {field.scale})")
    return number


def _truth(value: Any, field: Field) -> bool:
    word = str(value).lower() if isinstance(value, bool) else value
    plain = trim(word).lower() if isinstance(word, str) and not isinstance(word, (Integer, Fraction)) else ""
    if plain not in ("true", "false"):
        raise _Wrong(f"{field.label} is neither true nor false")
    return plain == "true"


def _time(value: Any, field: Field, schema: Schema) -> int:
    reason = f"{field.label} is no {schema.unit.value}"
    if schema.unit is Unit.ISO8601:
        plain = type(value) is str
        found = iso_ms(trim(value)) if plain else None
        if found is None:
            raise _Wrong(reason)
        ms = found
    else:
        exact = _decimal(value) if isinstance(value, Fraction) else Decimal(_integer(value, reason))
        ms = _cut(exact, SHIFT[schema.unit])
    if ms <= 0:
        raise _Wrong(f"{field.label} is not above 0")
    return ms


def _cut(number: Decimal | None, shift: int) -> int:
    """A number times a power of ten, what is behind the point cut off; beyond a long it is the nearest long."""
    if not number:
        return 0
    if number.adjusted() + shift > 20:
        return GREATEST_LONG if number > 0 else LEAST_LONG
    if number.adjusted() + shift < 0:
        return 0
    return max(LEAST_LONG, min(GREATEST_LONG, int(number.scaleb(shift, _EXACT))))


def iso_ms(text: str) -> int | None:
    """An ISO 8601 time in ms since 1970; None where the text is none."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute = (int(match.group(number)) for number in range(1, 6))
    second, fraction, zone = int(match.group(6) or 0), match.group(7) or "", match.group(8) or ""
    if not (1 <= month <= 12 and 1 <= day <= _days(year, month) and hour < 24 and minute < 60 and second < 60):
        return None
    digits = zone[1:].replace(":", "")
    ahead_h, ahead_min = int(digits[:2] or 0), int(digits[2:] or 0)
    if ahead_h > 23 or ahead_min > 59:
        return None
    ahead = (ahead_h * 60 + ahead_min) * (-1 if zone[:1] == "-" else 1)
    minutes = (_day_number(year, month, day) * 24 + hour) * 60 + minute - ahead
    return (minutes * 60 + second) * 1000 + int(f"{fraction:0<3}"[:3])


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 28 + leap if month == 2 else 30 + (month + month // 8) % 2


def _day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the Gregorian calendar, years counted from 0."""
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    return days + sum(_days(year, one) for one in range(1, month)) + day - 719_163
