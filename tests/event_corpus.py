"""Messages and what they are by the rules of docs/events.md: one corpus for every reader of events.

A case is a message and its rows. An event is the dictionary of its values, what is no event a `Bad`. The messages of
`tests.corpus` are among them, so that nobody has to say twice what is odd about them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.events import heartbeat
from adclick_cli.events.reading import Field, Kind, Schema, Unit
from adclick_cli.schema import CLICK, HEARTBEAT_ID, IMPRESSION
from tests import corpus
from tests.builders.peculiar import EVENTS, FIELDS, TEXT

STAMP = corpus.STAMP
MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


@dataclass(frozen=True)
class Bad:
    """What is no event.

    Attributes:
        reason: why.
        raw: its bytes; None where it is all that the message holds, which then are its bytes.
    """

    reason: str
    raw: bytes | None = None


Outcome = dict[str, Any] | Bad


@dataclass(frozen=True)
class Case:
    """A message and its rows, in order."""

    name: str
    schema: Schema
    value: bytes | None
    rows: tuple[Outcome, ...]


def _topic(name: str) -> Schema:
    return Schema((*map(Field, FIELDS[name]), Field(STAMP, Kind.TIME)))


TOPICS = {name: _topic(name) for name in EVENTS}
SMALL = Schema((Field("id"), Field("at", Kind.TIME)))
"""Two fields: what is looked at is easy to see."""

RICH = Schema(
    (
        Field("id"),
        Field("device", path=("device", "type"), required=False, default="unknown"),
        Field("user", path=("user", "id"), required=False),
        Field("views", Kind.INTEGER, required=False),
        Field("cost", Kind.DECIMAL, required=False, precision=10, scale=4),
        Field("big", Kind.DECIMAL, ("money", "big"), required=False, precision=30, scale=2),
        Field("paid", Kind.BOOLEAN, required=False),
        Field("at", Kind.TIME, ("meta", "at")),
    ),
    Unit.S,
)
"""Every type, paths, defaults."""

_SPOILT_TEXT = {
    "a control character": "x\x01y",
    "a NUL, escaped": "x\0y",
    "half a surrogate": "x?y",
    "a number for a text": "5",
    "true for a text": "true",
    "a blank text": " ",
    "the longest text": "\u00e4" * 1_024,
}
_AHEAD = {
    "the greatest long": corpus.MAX_LONG,
    "year 10000": corpus.YEAR_10000_MS,
    "year 9999": corpus.YEAR_10000_MS - 1000,
    "beyond any number": corpus.MAX_LONG,
    "a day ahead": None,
}
"""How far an event may be ahead of its arrival is for the SQL to say: to the format they are events."""
_BEHIND = {"something behind the object": b"xyz", "a brace too many": b"}"}


def _topics() -> Iterator[Case]:
    for topic, event in EVENTS.items():
        wanted = {name: event[name] for name in (*FIELDS[topic], STAMP)}
        for name, (value, words) in corpus.bad(event, TEXT[topic]).items():
            if name in _AHEAD:
                ahead = _AHEAD[name]
                rows: tuple[Outcome, ...] = (wanted | {STAMP: event[STAMP] + 10**12 if ahead is None else ahead},)
            elif value is None:
                rows = (Bad("no value"),)
            else:
                rows = (Bad(words),)
            yield Case(f"{topic}: {name}", TOPICS[topic], value, rows)
        for name, value in corpus.peculiar(event, TEXT[topic]).items():
            rows = (wanted | {TEXT[topic]: _SPOILT_TEXT.get(name, event[TEXT[topic]])},)
            if name in _BEHIND:
                rows += (Bad("not JSON", _BEHIND[name]),)
            if name == "an array with a number":
                rows = (Bad("not a JSON object", b"1"), *rows)
            yield Case(f"{topic}: {name}", TOPICS[topic], value, rows)
    beat = {STAMP: MS}
    for source, record in ((CATALOG.impressions, IMPRESSION), (CATALOG.clicks, CLICK)):
        rows = (dict.fromkeys(record.required, HEARTBEAT_ID) | beat,)
        yield Case(f"{source.name}: a heartbeat", TOPICS[source.name], heartbeat.message(source, MS), rows)


def _small(id_: Any, at: Any = MS) -> bytes:
    return json.dumps({"id": id_, "at": at}).encode()


def _event(id_: str, at: int = MS) -> dict[str, Any]:
    return {"id": id_, "at": at}


A, B, C = _small("a"), _small("b"), _small("c")
EVENT_A, EVENT_B, EVENT_C = _event("a"), _event("b"), _event("c")
CUT = A[:15]
LETTERS = tuple(_event(letter) for letter in "abc")

_NOT_JSON, _NOT_UTF8, _NOT_OBJECT = "not JSON", "not UTF-8", "not a JSON object"

_SEVERAL: dict[str, tuple[bytes, tuple[Outcome, ...]]] = {
    "one a line": (A + b"\n" + B + b"\n" + C + b"\n", LETTERS),
    "one a line, as Windows ends lines": (b"\r\n".join((A, B, C)), LETTERS),
    "one behind the other": (A + B + C, LETTERS),
    "blanks between": (A + b" \t" + B, LETTERS[:2]),
    "record separators (RFC 7464)": (b"".join(b"\x1e" + one + b"\n" for one in (A, B, C)), LETTERS),
    "record separators alone": (b"\x1e" + A + b"\x1e" + B, LETTERS[:2]),
    "NULs behind": (A + b"\0\0\0", LETTERS[:1]),
    "NULs between": (A + b"\0" + B, LETTERS[:2]),
    "a byte order mark before each": (b"\xef\xbb\xbf" + A + b"\n\xef\xbb\xbf" + B, LETTERS[:2]),
    "over several lines": (json.dumps({"id": "a", "at": MS}, indent=1).encode() + b"\n" + B, LETTERS[:2]),
    "the second is cut off": (A + b"\n" + CUT + b"\n" + C, (EVENT_A, Bad(_NOT_JSON, CUT), EVENT_C)),
    "the second is cut off in a text": (A + b'\n{"id": "b\n' + C, (EVENT_A, Bad(_NOT_JSON, b'{"id": "b'), EVENT_C)),
    "the second is a word": (A + b"\noops\n" + C, (EVENT_A, Bad(_NOT_JSON, b"oops"), EVENT_C)),
    "the second is a number": (A + b"\n42\n" + C, (EVENT_A, Bad(_NOT_OBJECT, b"42"), EVENT_C)),
    "the second has no id": (A + b'\n{"at": 5}\n' + C, (EVENT_A, Bad("id is missing or null", b'{"at": 5}'), EVENT_C)),
    "the second is no UTF-8": (
        A + b'\n{"id": "\xff", "at": 5}\n' + C,
        (EVENT_A, Bad(_NOT_UTF8, b'{"id": "\xff", "at": 5}'), EVENT_C),
    ),
    "the first is cut off": (CUT + b"\n" + B, (Bad(_NOT_JSON, CUT), EVENT_B)),
    "the last is cut off": (A + b"\n" + CUT, (EVENT_A, Bad(_NOT_JSON, CUT))),
    "cut off before a record separator": (b"\x1e" + CUT + b"\x1e" + B, (Bad(_NOT_JSON, CUT), EVENT_B)),
    "the second is cut off, all on one line": (A + CUT + C, (EVENT_A, Bad(_NOT_JSON, CUT + C))),
    "commas between": (A + b"," + B, (EVENT_A, Bad(_NOT_JSON, b"," + B))),
    "a broken one over several lines": (
        b'{"id":\noops,\n"at": 1}\n' + B,
        (Bad(_NOT_JSON, b'{"id":\noops,\n"at": 1}'), EVENT_B),
    ),
    "an array": (b"[" + A + b", " + B + b",\n" + C + b"]", LETTERS),
    "an array, one of whose objects is bad": (
        b"[" + A + b', {"at": 5}, ' + C + b"]",
        (EVENT_A, Bad("id is missing or null", b'{"at": 5}'), EVENT_C),
    ),
    "an array of objects and others": (
        b'["x}", ' + A + b" , [1, [2]], null, 1.5 ]",
        (Bad(_NOT_OBJECT, b'"x}"'), EVENT_A, *(Bad(_NOT_OBJECT, one) for one in (b"[1, [2]]", b"null", b"1.5"))),
    ),
    "arrays and objects": (b"[" + A + b"]" + B + b"\n[]\n" + C, (EVENT_A, EVENT_B, Bad(_NOT_OBJECT, b"[]"), EVENT_C)),
    "an array cut off takes its objects along": (
        A + b"\n[" + B + b"," + CUT + b"\n" + C,
        (EVENT_A, Bad(_NOT_JSON, b"[" + B + b"," + CUT), EVENT_C),
    ),
    "an array with what is no UTF-8": (b"[" + A + b', {"id": "\xff"}]', (Bad(_NOT_UTF8),)),
    "as many broken ones as are told apart": (
        b"{x\n" * 150 + A,
        (*(Bad(_NOT_JSON, b"{x") for _ in range(99)), Bad(_NOT_JSON, b"{x\n" * 51 + A)),
    ),
}

_NO_UTF8 = {
    "an overlong form of two bytes": b"\xc0\xa2",
    "an overlong form of three bytes": b"\xe0\x9f\xbf",
    "an overlong form of four bytes": b"\xf0\x8f\xbf\xbf",
    "a surrogate": b"\xed\xa0\x80",
    "the first beyond Unicode": b"\xf4\x90\x80\x80",
    "far beyond Unicode": b"\xf5\x80\x80\x80",
    "one byte of two": b"\xc3",
    "two bytes of three": b"\xe2\x82",
    "three bytes of four": b"\xf0\x9f\x98",
    "a byte that only follows": b"\x80",
}

_ALONE: dict[str, tuple[bytes, Outcome]] = {
    "nothing": (b"", Bad(_NOT_JSON)),
    "blanks": (b" \r\n\t", Bad(_NOT_JSON)),
    "a NUL": (b"\0", Bad(_NOT_JSON)),
    "NULs": (b"\0" * 20, Bad(_NOT_JSON)),
    "a record separator": (b"\x1e", Bad(_NOT_JSON)),
    "a byte order mark alone": (b"\xef\xbb\xbf", Bad(_NOT_JSON)),
    "Confluent's wire format": (b"\0\0\0\0\x07" + A, EVENT_A),
    "Confluent's wire format, a brace in the schema's number": (b"\0\0\0\0{" + A, EVENT_A),
    "Confluent's wire format, the schema's number is no UTF-8": (b"\0\0\0\xff\xfe" + A, EVENT_A),
    "Confluent's wire format cut off": (b"\0\0\0", Bad(_NOT_JSON)),
    "Confluent's wire format, Avro": (b"\0\0\0\0\x07\x02a\x80\x80\xf0", Bad(_NOT_UTF8)),
    "a NUL before it": (b"\0" + A, Bad(_NOT_JSON)),
    "UTF-16 with a mark": (A.decode().encode("utf-16"), Bad(_NOT_UTF8)),
    "UTF-16, little end first": (A.decode().encode("utf-16-le"), Bad(_NOT_JSON)),
    "UTF-16, big end first": (A.decode().encode("utf-16-be"), Bad(_NOT_JSON)),
    "UTF-32, little end first": (A.decode().encode("utf-32-le"), Bad(_NOT_JSON)),
    "Latin-1": ('{"id": "ä", "at": 5}'.encode("latin-1"), Bad(_NOT_UTF8)),
    **{
        f"{name} {where}": (value % spoilt, Bad(_NOT_UTF8))
        for name, spoilt in _NO_UTF8.items()
        for where, value in (
            ("in a text", b'{"id": "%s", "at": 5}'),
            ("in a text elsewhere", b'{"x": "\\n%s", "id": "a", "at": 5}'),
            ("in a name", b'{"%s": 1, "id": "a", "at": 5}'),
        )
    },
    "beyond ASCII": ('{"id": "äß€😀", "at": 5}'.encode(), _event("äß€😀", 5)),
    "beyond ASCII, escaped": (b'{"id": "\\u00e4\\ud83d\\ude00", "at": 5}', _event("ä😀", 5)),
    "a name beyond ASCII": ('{"ä€😀": 1, "id": "a", "at": 5}'.encode(), _event("a", 5)),
    "the characters of a text are counted": (_small("😀" * 1_024), _event("😀" * 1_024)),
    "one character too many": (_small("😀" * 1_025), Bad("id is longer than 1024 characters")),
    "escapes elsewhere": (b'{"x": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF", "id": "a", "at": 5}', _event("a", 5)),
    "no escape": (b'{"x": "\\x", "id": "a", "at": 5}', Bad(_NOT_JSON)),
    "no escape of four digits": (b'{"x": "\\u12g4", "id": "a", "at": 5}', Bad(_NOT_JSON)),
    "a fraction as an id": (_small(12345678.9), _event("1.23456789E7")),
    "beyond a double as an id": (b'{"id": 1E400, "at": 5}', _event("Infinity", 5)),
    "next to nothing as an id": (b'{"id": -4.9E-324, "at": 5}', _event("-4.9E-324", 5)),
    "minus zero as an id": (b'{"id": -0, "at": 5}', _event("0", 5)),
    "forty digits as an id": (b'{"id": %s, "at": 5}' % (b"1" * 40), _event("1" * 40, 5)),
    "a negative number as an id": (b'{"id": -17, "at": 5}', _event("-17", 5)),
    "as many digits as a number may have": (b'{"id": %s, "at": 5}' % (b"1" * 1_000), _event("1" * 1_000, 5)),
    "one digit too many": (b'{"id": %s, "at": 5}' % (b"1" * 1_001), Bad(_NOT_JSON)),
    "one digit too many elsewhere": (b'{"x": %s, "id": "a", "at": 5}' % (b"1" * 1_001), Bad(_NOT_JSON)),
    "false as an id": (_small(False), _event("false")),
    "an id twice, the last one counts": (b'{"id": "x", "at": 5, "id": "a"}', _event("a", 5)),
    "an id twice, the last one is an object": (b'{"id": "x", "at": 5, "id": {}}', Bad("id is no text")),
    "a time twice, the last one counts": (b'{"at": {}, "id": "a", "at": 5}', _event("a", 5)),
    "a blank time": (_small("a", "  "), Bad("at is no whole number of milliseconds")),
    "a time with a line end": (_small("a", f"{MS}\n"), EVENT_A),
    "a time with a raw line end": (b'{"id": "a", "at": "5\n"}', _event("a", 5)),
    "a time in full-width digits": (_small("a", "\uff15"), _event("a", 5)),
    "a time in digits of two units of UTF-16": (
        _small("a", "\U0001d7d3"),
        Bad("at is no whole number of milliseconds"),
    ),
    "a time with a no-break space": (_small("a", "5\u00a0"), Bad("at is no whole number of milliseconds")),
    "a time of a hundred digits": (_small("a", "0" * 99 + "5"), Bad("at is no whole number of milliseconds")),
    "a time with an exponent": (b'{"id": "a", "at": 5e3}', _event("a", 5_000)),
    "a time with a huge exponent": (b'{"id": "a", "at": 5E%s}' % (b"9" * 500), _event("a", corpus.MAX_LONG)),
    "a time with a tiny exponent": (b'{"id": "a", "at": 5E-%s}' % (b"9" * 500), Bad("at is not above 0")),
    "a time whose exponent makes up for its zeros": (
        b'{"id": "a", "at": 0.%s5E401}' % (b"0" * 400),
        _event("a", 5),
    ),
    "a time below one": (b'{"id": "a", "at": 0.9}', Bad("at is not above 0")),
    "a time that no double holds": (b'{"id": "a", "at": 9007199254740993.9}', _event("a", 9_007_199_254_740_993)),
    "the longest name": (b'{"%s": 1, "id": "a", "at": 5}' % (b"k" * 50_000), _event("a", 5)),
    "a name one too long": (b'{"%s": 1, "id": "a", "at": 5}' % (b"k" * 50_001), Bad(_NOT_JSON)),
    "a name one too long within": (b'{"x": [{"%s": 1}], "id": "a", "at": 5}' % (b"k" * 50_001), Bad(_NOT_JSON)),
    "as many levels as may be": (b'{"x": %s%s, "id": "a", "at": 5}' % (b"[" * 999, b"]" * 999), _event("a", 5)),
    "one level too many": (b'{"x": %s%s, "id": "a", "at": 5}' % (b"[" * 1_000, b"]" * 1_000), Bad(_NOT_JSON)),
    "brackets in a text are no levels": (b'{"x": "%s", "id": "a", "at": 5}' % (b"[" * 2_000), _event("a", 5)),
    **{
        f"{number} elsewhere is no number": (b'{"x": %s, "id": "a", "at": 5}' % number.encode(), Bad(_NOT_JSON))
        for number in ("01", "-01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x1", "1_0", "--1", "-a")
    },
    **{
        f"{number} elsewhere is a number": (b'{"x": %s, "id": "a", "at": 5}' % number.encode(), _event("a", 5))
        for number in ("0", "-0", "0.0", "1.5e5", "1E+5", "1e-05", "-1.25", "100", "1e400")
    },
    "levels of all kinds elsewhere": (
        b'{"x": [[], {}, {"y": [{"id": "b"}, [1]]}], "id": "a", "at": 5}',
        _event("a", 5),
    ),
    "a list without commas elsewhere": (b'{"x": [1 2], "id": "a", "at": 5}', Bad(_NOT_JSON)),
    "a list that ends in a comma elsewhere": (b'{"x": [1,], "id": "a", "at": 5}', Bad(_NOT_JSON)),
    "a word elsewhere": (b'{"x": nil, "id": "a", "at": 5}', Bad(_NOT_JSON)),
    "no colon": (b'{"id" "a", "at": 5}', Bad(_NOT_JSON)),
    "no comma": (b'{"id": "a" "at": 5}', Bad(_NOT_JSON)),
    "blanks everywhere": (b'{ \t"id" :\n"a"\r, "at"\t: 5 }', _event("a", 5)),
    "two scalars": (b"1 2", Bad(_NOT_JSON)),
    "a scalar before an object": (b"1 " + A, Bad(_NOT_JSON)),
    "no number": (b"01", Bad(_NOT_JSON)),
    "the letters of a word": (b"truer", Bad(_NOT_JSON)),
    "a text that does not end": (b'"abc', Bad(_NOT_JSON)),
}


def _several() -> Iterator[Case]:
    for name, (value, rows) in _SEVERAL.items():
        yield Case(f"several: {name}", SMALL, value, rows)
    for name, (value, row) in _ALONE.items():
        yield Case(f"alone: {name}", SMALL, value, (row,))
    yield Case("alone: a tombstone", SMALL, None, (Bad("no value"),))


_NOTHING = dict.fromkeys(("user", "views", "cost", "big", "paid")) | {"device": "unknown"}


def _rich(text: str, **values: Any) -> tuple[bytes, Outcome]:
    return f'{{"id": "a", {text}"meta": {{"at": 5}}}}'.encode(), _NOTHING | {"id": "a", "at": 5_000} | values


def _wrong(text: str, reason: str) -> tuple[bytes, Outcome]:
    return _rich(text)[0], Bad(reason)


_NOT_WHOLE, _NO_NUMBER = "views is no whole number", "cost is no number"
_FIELDS: dict[str, tuple[bytes, Outcome]] = {
    "only what is required": _rich(""),
    "a path": _rich('"device": {"os": "x", "type": "tv"}, ', device="tv"),
    "a path through what is no object": _rich('"device": "tv", "user": [1], '),
    "a path through null": _rich('"device": null, '),
    "a path's object twice, the last one counts": _rich('"device": {"type": "tv"}, "device": {"x": 1}, '),
    "a path's object twice, the last one has it": _rich('"device": 5, "device": {"type": "tv"}, ', device="tv"),
    "a path's name twice": _rich('"device": {"type": 5, "type": "tv"}, ', device="tv"),
    "null where it may be missing": _rich('"user": {"id": null}, "views": null, "cost": null, "paid": null, '),
    "an empty text where it may be missing": _rich('"user": {"id": ""}, "views": "", "cost": "", "paid": "", '),
    "what may be missing must be right": _wrong('"user": {"id": {}}, ', "user.id is no text"),
    "what has a default must be right": _wrong('"device": {"type": []}, ', "device.type is no text"),
    "what may be missing and is too long": _wrong(
        f'"user": {{"id": "{"x" * 1_025}"}}, ', "user.id is longer than 1024 characters"
    ),
    "a whole number": _rich('"views": 12, ', views=12),
    "a whole number as a text": _rich('"views": " +12 ", ', views=12),
    "a negative whole number": _rich('"views": -12, ', views=-12),
    "the least long": _rich(f'"views": {-(2**63)}, ', views=-(2**63)),
    "beyond a long": _wrong(f'"views": {2**63}, ', _NOT_WHOLE),
    "a fraction is no whole number": _wrong('"views": 1.0, ', _NOT_WHOLE),
    "a fraction in a text is no whole number": _wrong('"views": "1.0", ', _NOT_WHOLE),
    "true is no whole number": _wrong('"views": true, ', _NOT_WHOLE),
    "an object is no whole number": _wrong('"views": {"a": 1}, ', _NOT_WHOLE),
    "a decimal": _rich('"cost": 1.25, ', cost="1.2500"),
    "a negative decimal": _rich('"cost": -0.5, ', cost="-0.5000"),
    "a decimal without a point": _rich('"cost": 3, ', cost="3.0000"),
    "a decimal as a text": _rich('"cost": "+1.25", ', cost="1.2500"),
    "a decimal with an exponent": _rich('"cost": 125e-2, ', cost="1.2500"),
    "a decimal is rounded": _rich('"cost": 1.23445, ', cost="1.2345"),
    "a negative decimal is rounded away from zero": _rich('"cost": -1.23445, ', cost="-1.2345"),
    "next to nothing": _rich('"cost": 1E-%s, ' % ("9" * 30), cost="0.0000"),
    "half of the least": _rich('"cost": 0.00005, ', cost="0.0001"),
    "less than half of the least": _rich('"cost": 0.000049999, ', cost="0.0000"),
    "zero with a huge exponent": _rich('"cost": 0E%s, ' % ("9" * 30), cost="0.0000"),
    "the greatest decimal": _rich('"cost": 999999.9999, ', cost="999999.9999"),
    "too large by rounding": _wrong('"cost": 999999.99995, ', "cost is too large for DECIMAL(10, 4)"),
    "too large": _wrong('"cost": 1000000, ', "cost is too large for DECIMAL(10, 4)"),
    "far too large": _wrong('"cost": 1E%s, ' % ("9" * 30), "cost is too large for DECIMAL(10, 4)"),
    "a word is no number": _wrong('"cost": "much", ', _NO_NUMBER),
    "true is no number": _wrong('"cost": true, ', _NO_NUMBER),
    "an array is no number": _wrong('"cost": [1], ', _NO_NUMBER),
    "a decimal of thirty digits": _rich('"money": {"big": %s.25}, ' % ("1" * 28), big="1" * 28 + ".25"),
    "true": _rich('"paid": true, ', paid=True),
    "false as a text": _rich('"paid": " False ", ', paid=False),
    "one is no truth value": _wrong('"paid": 1, ', "paid is neither true nor false"),
    "yes is no truth value": _wrong('"paid": "yes", ', "paid is neither true nor false"),
    "no time within": (b'{"id": "a", "meta": {}}', Bad("meta.at is missing or null")),
    "a time that is no object's": (b'{"id": "a", "meta": 5}', Bad("meta.at is missing or null")),
    "the first field that is wrong": (b'{"views": "x", "meta": {"at": "y"}}', Bad("id is missing or null")),
    # The second looks for the name where the first has it.
    "a third name": (b'{"id": "a", "meta": {"at": 5}, "views": 3}', _NOTHING | {"id": "a", "at": 5_000, "views": 3}),
    "a third name within": (b'{"id": "a", "x": {"k": 1, "l": 2, "views": 7}, "meta": {"at": 5}}', _rich("")[1]),
    "a deep name is not the name": (b'{"x": {"id": "b"}, "id": "a", "meta": {"at": 5}}', _rich("")[1]),
}


def _times() -> Iterator[Case]:
    counts: dict[Unit, dict[str, int | None]] = {
        Unit.S: {"1767225600": MS, "1767225600.25": MS + 250, "17672256e2": MS, str(2**63 - 1): corpus.MAX_LONG},
        Unit.US: {f"{MS}250": MS, f"{MS}250.9": MS, "999": None, "1000": 1},
        Unit.NS: {f"{MS}250999": MS, "999999": None, "1000000": 1},
    }
    for unit, numbers in counts.items():
        schema = Schema(SMALL.fields, unit)
        for number, ms in numbers.items():
            row = Bad("at is not above 0") if ms is None else _event("a", ms)
            yield Case(f"{unit.name}: {number}", schema, b'{"id": "a", "at": %s}' % number.encode(), (row,))
        value = b'{"id": "a", "at": "1.5"}'
        yield Case(f"{unit.name}: a text with a fraction", schema, value, (Bad(f"at is no {unit.value}"),))
    texts = {
        "2026-01-01T00:00:00Z": MS,
        "2026-01-01 00:00:00": MS,
        "2026-01-01T00:00": MS,
        "2026-01-01t00:00:00.250z": MS + 250,
        "2026-01-01T00:00:00,123456789Z": MS + 123,
        "2026-01-01T01:30:00+01:30": MS,
        "2026-01-01T01:30:00+0130": MS,
        "2025-12-31T23:00:00-01": MS,
        "  2026-01-01T00:00:00Z\n": MS,
        "2024-02-29T00:00:00Z": 1_709_164_800_000,
        "2000-03-01T00:00:00Z": 951_868_800_000,
        "9999-12-31T23:59:59.999Z": corpus.YEAR_10000_MS - 1,
    }
    wrong = (
        "",
        "2026-01-01",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:0Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00+24",
        "2026-01-01T00:00:00+1:30",
        "2026-01-01T00:00:00 Z",
        "2026-01-01T00:00Q",
        "\uff12026-01-01T00:00:00Z",
        str(MS),
    )
    schema = Schema(SMALL.fields, Unit.ISO8601)
    for text, ms in texts.items():
        yield Case(f"ISO 8601: {text!r}", schema, _small("a", text), (_event("a", ms),))
    for text in wrong:
        yield Case(f"ISO 8601: {text!r}", schema, _small("a", text), (Bad("at is no ISO 8601 time"),))
    for text in ("1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z"):
        yield Case(f"ISO 8601: {text!r}", schema, _small("a", text), (Bad("at is not above 0"),))
    yield Case("ISO 8601: a number", schema, _small("a", MS), (Bad("at is no ISO 8601 time"),))


def cases() -> list[Case]:
    """All cases; each name stands once."""
    fields = [Case(f"fields: {name}", RICH, value, (row,)) for name, (value, row) in _FIELDS.items()]
    return [*_topics(), *_several(), *fields, *_times()]
