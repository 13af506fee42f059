"""Random messages: events of one small schema, spoilt in every way that a program may think of."""

from __future__ import annotations

import json
import random

from adclick_cli.events.reading import Field, Kind, Schema, Unit

SCHEMA = Schema(
    (
        Field("a"),
        Field("b", path=("o", "b"), required=False, default="d"),
        Field("n", Kind.DECIMAL, required=False, precision=6, scale=2),
        Field("i", Kind.INTEGER, ("o", "i"), required=False),
        Field("f", Kind.BOOLEAN, required=False),
        Field("t", Kind.TIME),
    ),
    Unit.S,
    8,
)
TOKENS = (
    *(bytes([one]) for one in b'{}[]:,"\\ \n\r\t\0\x1e\x1f\x7f'),
    *(b'"a"', b'"b"', b'"n"', b'"i"', b'"f"', b'"t"', b'"o"', b'"x"'),
    *(b"{", b"}", b":", b",", b"\n{", b"\x1e{", b'"":', b"[[", b"]]", b'"a":"y"', b'"t":5', b'"o":{"b":"z"'),
    *(b"1", b"0", b"-", b"+", b".", b"e", b"E9", b"1.5", b"-0", b"-0.0", b"01", b"1e400", b"5E-400", b"123456789"),
    *(b"99999999999999999999", b"9223372036854775807", b"0.005", b"9999.995", b"4.9E-324", b"1" * 30),
    *(b"true", b"false", b"null", b"NaN", b"Infinity", b"tru", b'"true"', b'" 5 "', b'"\\u0031"', b'"12345678"'),
    *(b"\\n", b"\\u", b"\\u00", b"\\ud83d", b"\\ude00", b'\\"', b"\\\\", b"\\x", b"/* c */", b"'", b"#"),
    *(
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xfe\xff",
        b"\xc3\xa4",
        b"\xc3",
        b"\xa4",
        b"\xe2\x82\xac",
        b"\xed\xa0\x80",
        b"\xc0\x80",
    ),
    *(b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", "\uff15".encode(), "\U0001d7d3".encode(), b"\xc2\xa0", b"\0\0\0\0\x07"),
)
_TEXTS = (
    '"y"',
    '""',
    '"{"',
    '"12345678"',
    '"123456789"',
    "5",
    "-0",
    "1.50",
    "1e9",
    "true",
    "null",
    "{}",
    "[1]",
    '"\\u00e4"',
    '"é"',
)
_DECIMALS = ("1", "-1.25", "0.005", "9999.99", "9999.995", "10000", '"2.5"', '"x"', "1e2", "null", "true", '""')
_WHOLES = ("1", "-7", "1.0", '"8"', '"+8"', "9223372036854775808", "null", "{}", '""')
_TRUTHS = ("true", "false", '"TRUE"', "1", "null", '""')
_TIMES = (
    "1767225600",
    "1767225600.5",
    '"1767225600"',
    "0",
    "-1",
    "null",
    '"x"',
    "1e300",
    "99999999999999999",
    '"5\\n"',
)

_WITHIN = (
    '{"k": 1, "a": "q", "t": 9}',
    '{"t": 9, "a": "q"}',
    '[{"n": 1.50}, {"o": {"b": "q"}}]',
    '{"o": {"i": 1}, "f": true}',
)
"""Names that are wanted, where nobody wants them."""


def iso_message(chance: random.Random) -> bytes:
    """One event with a time in ISO 8601, of which some bytes may be others."""
    written = f"{chance.randrange(10_000):04}-{chance.randrange(14):02}-{chance.randrange(33):02}"
    written += chance.choice("Tt ") + f"{chance.randrange(25):02}:{chance.randrange(61):02}"
    written += chance.choice(("", f":{chance.randrange(61):02}", f":00.{chance.randrange(10**9)}", ":59,5"))
    written += chance.choice(("", "Z", "z", "+01", "-0130", "+23:59", "+24", " Z"))
    if chance.random() < 0.3:
        at = chance.randrange(len(written))
        written = written[:at] + chance.choice("0123456789-:.TZ+ x\u00e4\uff11") + written[at + chance.randrange(2) :]
    return json.dumps({"id": "a", "at": written}, ensure_ascii=False).encode()


def message(chance: random.Random) -> bytes:
    """One message: a few records, joined in some way, most of them spoilt."""
    joined = chance.choice((b"\n", b"", b" ", b"\x1e", b",", b"\r\n", b"\n\n", b"\0", b"\n\x1e"))
    count = 1 if chance.random() < 0.6 else chance.randrange(2, 6)
    made = joined.join(_record(chance) for _ in range(count))
    if chance.random() < 0.1:
        made = b"[" + made.replace(joined, b",") + b"]" if joined else b"[" + made + b"]"
    if chance.random() < 0.05:
        made = chance.choice((b"\0\0\0\0\x07", b"\xef\xbb\xbf", b"\0", b"\x1e", b"\n")) + made
    return made


def _record(chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return b"".join(chance.choices(TOKENS, k=chance.randrange(10)))
    pairs = [f'"a": {_pick(chance, _TEXTS)}', f'"t": {_pick(chance, _TIMES)}']
    if chance.random() < 0.5:
        inner = [f'"b": {_pick(chance, _TEXTS)}', f'"i": {_pick(chance, _WHOLES)}'][: chance.randrange(3)]
        pairs.append('"o": {' + ",".join(inner) + "}")
    if chance.random() < 0.5:
        pairs.append(f'"n": {_pick(chance, _DECIMALS)}')
    if chance.random() < 0.3:
        pairs.append(f'"f": {_pick(chance, _TRUTHS)}')
    if chance.random() < 0.3:
        pairs.append(
            '"x": ' + chance.choice(('"\\n"', "[1, {}]", '{"a": "b"}', "1e5", "-0.5", "true", '"\u20ac"', *_WITHIN))
        )
    if chance.random() < 0.1:
        pairs.append(chance.choice(pairs))
    chance.shuffle(pairs)
    if chance.random() < 0.1:
        pairs.pop()
    made = ("{" + chance.choice((", ", ",", ",\n ", ",\n")).join(pairs) + "}").encode()
    return made if chance.random() < 0.6 else spoilt(chance, made)


def _pick(chance: random.Random, values: tuple[str, ...]) -> str:
    """The first value is the usual one."""
    return values[0] if chance.random() < 0.6 else chance.choice(values)


def spoilt(chance: random.Random, made: bytes) -> bytes:
    """The same with some bytes left out, put in or exchanged."""
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(made) + 1)
        to = min(len(made), at + chance.randrange(1, 8))
        made = chance.choice(
            (
                lambda made=made, at=at, to=to: made[:at] + made[to:],
                lambda made=made, at=at, to=to: made[:at] + chance.choice(TOKENS) + made[at:],
                lambda made=made, at=at, to=to: made[:at] + chance.choice(TOKENS) + made[to:],
                lambda made=made, at=at, to=to: made[:at] + bytes([chance.randrange(256)]) + made[at + 1 :],
                lambda made=made, at=at, to=to: made[:to] + made[at:],
                lambda made=made, at=at, to=to: made[:at],
            )
        )()
    return made
