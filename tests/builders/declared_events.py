"""Random declarations of events, and random messages for them: plain ones and ones spoilt in every way."""

from __future__ import annotations

import json
import random
from decimal import Decimal

from adclick_cli.events.reading import Field, Kind, Schema, Unit
from adclick_cli.schema import STAMP
from tests.builders.spoilt import spoilt

NAMES = ("a", "b", "o", "p", "price", "x y", "@t", "0", "$k-1", *(f"n_{number}" for number in range(9)))
ODD_NAMES = ("ä", "a/b", "*", "a'b", "", '"')
_SPACES = (("", ""), ("", " "), (" ", " "), ("\n ", " "), ("", "\t"))

_USUAL = {
    Kind.TEXT: ('"y"', '"camp-1"', '"ä€😀"', '"\\u00e4"', '"a\\"b"', '"x{"'),
    Kind.INTEGER: ("0", "12", "-7", "9223372036854775807", "-9223372036854775808"),
    Kind.DECIMAL: ("0", "1", "-1.25", "1.50", "0.05", "12.340", "3.0", '"2.5"', "-0.0", "0.1"),
    Kind.BOOLEAN: ("true", "false"),
}
_TIMES = {
    Unit.S: ("1767225600", "1"),
    Unit.MS: ("1767225600250", "1"),
    Unit.US: ("1767225600250999", "1000"),
    Unit.NS: ("1767225600250999999", "1000000"),
    Unit.ISO8601: (
        '"2026-01-01T00:00:00Z"',
        '"2026-01-01T00:00:00.25Z"',
        '"2026-01-01T23:59:59.123456789+00:00"',
    ),
}
_UNUSUAL = (
    *(
        "null",
        '""',
        "{}",
        "[]",
        "[1]",
        '{"a": 1}',
        "true",
        '"TRUE"',
        "0",
        "-0",
        "-5",
        "01",
        "1.0",
        "1e3",
        "1E-7",
        '"5"',
    ),
    *(
        '" +5 "',
        "18446744073709551615",
        "9223372036854775808",
        "99999999999999999999",
        "1e400",
        "nan",
        "Infinity",
        "inf",
    ),
    *("0.1234567890123456789", "123456789012345.678901", "9999999999.999999", "0.00000049", "0.0000005", "1.5000000"),
    *(
        '"{"',
        '"[x"',
        '"\\ud83d"',
        '"\\u0000"',
        '"\\n"',
        '"a\x01b"',
        '"' + "x" * 1_025 + '"',
        '"nan"',
        '": nan"',
        '",}"',
    ),
    *('"price"', '"\\"price\\":1.5,"', '"1.5"', '"1e2"', '".5"', '"5."', "999", "1000", "0.999", "1767225600.5"),
    *('"2026-02-30T00:00:00Z"', '"2026-01-01T00:00:60Z"', '"2026-01-01T24:00:00Z"', '"2026-01-01 00:00"'),
    *('"1969-12-31T23:59:59.999Z"', '"1970-01-01T00:00:00Z"', '"2026-01-01T01:00:00+01:00"', '"9999-12-31T23:59:59Z"'),
    *('"2026-01-01T00:00:00.1234567890Z"', '"0000-01-01T00:00:00Z"', '"2026-01-01T00:00:00.Z"', "9223372036854775"),
    *("9223372036854776", '"\uff15"', '"12345"', "1" * 1_001, "1" * 400),
)


def schema(chance: random.Random) -> Schema:
    """Up to seven fields of any type somewhere in the message, and a time."""
    count = chance.randrange(3, 9)
    paths = [_path(chance) for _ in range(count)]
    while chance.random() < 0.95 and any(map(_in_the_way, paths, [paths] * count)):
        paths = [_path(chance) for _ in range(count)]
    fields = [_field(chance, f"f{number}", path) for number, path in enumerate(paths[2:])]
    unit = chance.choice(tuple(Unit))
    return Schema((Field("id", path=paths[0]), *fields, Field(STAMP, Kind.TIME, paths[1])), unit)


def _in_the_way(path: tuple[str, ...], paths: list[tuple[str, ...]]) -> bool:
    return sum(other[: len(path)] == path for other in paths) > 1


def _path(chance: random.Random) -> tuple[str, ...]:
    names = ODD_NAMES if chance.random() < 0.01 else NAMES
    return tuple(chance.choice(names) for _ in range(chance.choice((1, 1, 2, 2, 3))))


def _field(chance: random.Random, name: str, path: tuple[str, ...]) -> Field:
    kind = chance.choice((Kind.TEXT, Kind.TEXT, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN))
    required, precision, scale = chance.random() < 0.4, 0, 0
    if kind is Kind.DECIMAL:
        precision = chance.choice((1, 2, 6, 10, 18, 37, 38))
        scale = chance.choice((0, min(2, precision), min(6, precision), precision))
    default = None
    if not required and chance.random() < 0.5:
        least = Decimal(1).scaleb(-scale)
        defaults = {Kind.TEXT: "it's", Kind.INTEGER: -3, Kind.DECIMAL: least, Kind.BOOLEAN: False}
        default = defaults[kind]
    return Field(name, kind, path, required, default, precision, scale)


def plain(chance: random.Random, of: Schema) -> bytes:
    """A message with usual values, all there."""
    return _written(chance, {one.path: _usual(chance, one, of) for one in of.fields}).encode()


def message(chance: random.Random, of: Schema) -> bytes | None:
    """A message that may be an event, several, or nothing of the kind."""
    if chance.random() < 0.01:
        return None
    count = chance.choice((1, 1, 1, 1, 2, 3))
    made = chance.choice((b"\n", b"", b" ", b",")).join(_record(chance, of) for _ in range(count))
    if chance.random() < 0.05:
        made = b"[" + made + b"]"
    if chance.random() < 0.03:
        made = chance.choice((b"\0\0\0\0\x07", b"\xef\xbb\xbf", b"\0", b"\n", b"\x1e")) + made
    return made


def _record(chance: random.Random, of: Schema) -> bytes:
    values = {}
    odd = chance.choice((0.0, 0.02, 0.1))
    for one in of.fields:
        draw = chance.random()
        if draw >= 2 * odd:
            values[one.path] = _usual(chance, one, of)
        elif draw >= odd:
            values[one.path] = chance.choice(_UNUSUAL)
    if chance.random() < 0.2:
        values[_path(chance)] = chance.choice(_UNUSUAL)
    if chance.random() < 0.02:
        deep = chance.choice((998, 999, 1_000))
        values["deep",] = "[" * deep + "]" * deep
    if chance.random() < 0.05:
        values["long",] = json.dumps("x" * chance.choice((900, 1_000, 21_000)))
    text = _written(chance, values)
    if chance.random() < 0.1:
        # A name that stands twice, somewhere.
        name = chance.choice(NAMES)
        twice = f'"{name}": {chance.choice((*_UNUSUAL, "1.5", chr(123) + chr(125)))}'
        at = chance.choice([number for number, sign in enumerate(text) if sign == "{"])
        text = text[: at + 1] + twice + ("" if text[at + 1] == "}" else ",") + text[at + 1 :]
    if chance.random() < 0.05:
        name = chance.choice(NAMES)
        text = text.replace(f'"{name}"', f'"\\u{ord(name[0]):04x}{name[1:]}"', 1)
    made = text.encode()
    return spoilt(chance, made) if chance.random() < 0.1 else made


def _usual(chance: random.Random, one: Field, of: Schema) -> str:
    if one.kind is Kind.DECIMAL and chance.random() < 0.8:
        whole = chance.randrange(10) if one.precision > one.scale else 0
        digits = "".join(chance.choices("0123456789", k=chance.randrange(one.scale + 1)))
        return chance.choice(("", "-")) + str(whole) + (f".{digits}" if digits else "")
    return chance.choice(_TIMES[of.unit] if one.kind is Kind.TIME else _USUAL[one.kind])


def _written(chance: random.Random, values: dict[tuple[str, ...], str]) -> str:
    tree: dict[str, object] = {}
    for path, value in values.items():
        inner = tree
        for name in path[:-1]:
            found = inner.get(name)
            inner[name] = inner = found if isinstance(found, dict) else {}
        inner[path[-1]] = value
    before, behind = chance.choice(_SPACES)

    def text(value: object) -> str:
        if not isinstance(value, dict):
            return str(value)
        pairs = [f"{before}{json.dumps(name)}{before}:{behind}{text(one)}" for name, one in value.items()]
        chance.shuffle(pairs)
        return "{" + ",".join(pairs) + before + "}"

    return text(tree)
