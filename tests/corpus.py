"""Bad events, and peculiar ones that are events all the same: one corpus for every test.

`bad(event, text)` and `peculiar(event, text)` give messages by name, made from a good event; `text` names the field
that is spoilt. A bad one comes with what its dead letter's reason must say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

STAMP = "event_timestamp"
MAX_LONG = 2**63 - 1
YEAR_10000_MS = 253_402_300_800_000
HUGE = 990_000
"""Characters; with the rest of the event just below what a broker takes by default."""


def _json(event: Mapping[str, Any]) -> bytes:
    return json.dumps(event).encode()


def _without(event: Mapping[str, Any], name: str) -> bytes:
    return _json({key: value for key, value in event.items() if key != name})


def bad(event: Mapping[str, Any], text: str) -> dict[str, tuple[bytes | None, str]]:
    """Messages that count nowhere: value, and words of the reason."""
    good = _json(event)

    def with_(**changed: Any) -> bytes:
        return _json({**event, **changed})

    def stamp(raw: str) -> bytes:
        return good.replace(str(event[STAMP]).encode(), raw.encode())

    not_json = "not JSON"
    spoilt = {
        "empty": b"",
        "spaces": b"   ",
        "word": b"nonsense",
        "truncated in the middle": good[: len(good) // 2],
        "truncated by one": good[:-1],
        "garbage before": b"xyz" + good,
        "single quotes": good.replace(b'"', b"'"),
        "a comment": b"/* c */" + good,
        "a key without quotes": good.replace(f'"{text}"'.encode(), text.encode()),
        "NaN": good[:-1] + b',"x":NaN}',
        "NaN in small letters": good[:-1] + b',"x": nan}',
        "infinity, cut short": good[:-1] + b',"x":[1, -Inf]}',
        "a trailing comma": good[:-1] + b",}",
        "a leading zero": stamp(f"0{event[STAMP]}"),
        "too many levels": good[:-1] + b',"x":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
        "too long a number": good[:-1] + b',"x":' + b"1" * 1_500 + b"}",
        "too long a key": good[:-1] + b',"' + b"k" * 60_000 + b'":1}',
        "an array cut off": b"[" + good,
        "an array cut off in its second": b"[" + good + b"," + good[:40],
    }
    found: dict[str, tuple[bytes | None, str]] = {name: (value, not_json) for name, value in spoilt.items()}
    found |= {
        "tombstone": (None, "tombstone"),
        "invalid UTF-8 in a field": (good.replace(str(event[text]).encode(), b"x\xff"), "not UTF-8"),
        "invalid UTF-8 elsewhere": (good[:-1] + b',"x":"\xc3\x28"}', "not UTF-8"),
        "a number": (b"42", "not a JSON object"),
        "a string": (b'"text"', "not a JSON object"),
        "true": (b"true", "not a JSON object"),
        "null": (b"null", "not a JSON object"),
        "an empty array": (b"[]", "not a JSON object"),
        "an array of numbers": (b"[1, 2]", "not a JSON object"),
        "an array in an array": (b"[[" + good + b"]]", "not a JSON object"),
        "an empty object": (b"{}", "is missing"),
        "a field missing": (_without(event, text), f"{text} is missing"),
        "a field in capitals": (good.replace(text.encode(), text.upper().encode()), f"{text} is missing"),
        "a field null": (with_(**{text: None}), f"{text} is missing or null"),
        "a field twice, the last one null": (good[:-1] + f',"{text}":null}}'.encode(), f"{text} is missing or null"),
        "a field empty": (with_(**{text: ""}), f"{text} is empty"),
        "a field twice, the last one empty": (good[:-1] + f',"{text}":""}}'.encode(), f"{text} is empty"),
        "an object for a text": (with_(**{text: {"a": 1}}), f"{text} is no text"),
        "an empty object for a text": (with_(**{text: {}}), f"{text} is no text"),
        "an array for a text": (with_(**{text: [1]}), f"{text} is no text"),
        "a bracket": (with_(**{text: "{x"}), f"{text} begins with a bracket"),
        "a text too long by one": (with_(**{text: "\u00e4" * 1_025}), f"{text} is longer than 1024 characters"),
        "a huge text": (with_(**{text: "x" * HUGE}), f"{text} is longer than 1024 characters"),
        "no time": (_without(event, STAMP), f"{STAMP} is missing"),
        "time null": (with_(**{STAMP: None}), f"{STAMP} is missing or null"),
        "time in words": (with_(**{STAMP: "yesterday"}), f"{STAMP} is no whole number"),
        "time as ISO text": (with_(**{STAMP: "2026-01-01T00:00:00Z"}), f"{STAMP} is no whole number"),
        "time as a text with a fraction": (with_(**{STAMP: f"{event[STAMP]}.5"}), f"{STAMP} is no whole number"),
        "time as an empty text": (with_(**{STAMP: ""}), f"{STAMP} is no whole number"),
        "time true": (with_(**{STAMP: True}), f"{STAMP} is no whole number"),
        "time as an object": (with_(**{STAMP: {"a": 1}}), f"{STAMP} is no whole number"),
        "time as an array": (with_(**{STAMP: [event[STAMP]]}), f"{STAMP} is no whole number"),
        "time beyond a long": (with_(**{STAMP: MAX_LONG + 1}), f"{STAMP} is no whole number"),
        "time of thirty digits": (with_(**{STAMP: 10**30}), f"{STAMP} is no whole number"),
        "time zero": (with_(**{STAMP: 0}), f"{STAMP} is not above 0"),
        "time minus zero": (with_(**{STAMP: -0.0}), f"{STAMP} is not above 0"),
        "time negative": (with_(**{STAMP: -5}), f"{STAMP} is not above 0"),
        "the least long": (with_(**{STAMP: -MAX_LONG - 1}), f"{STAMP} is not above 0"),
        "the greatest long": (with_(**{STAMP: MAX_LONG}), "past its arrival"),
        "year 10000": (with_(**{STAMP: YEAR_10000_MS}), "past its arrival"),
        "year 9999": (with_(**{STAMP: YEAR_10000_MS - 1000}), "past its arrival"),
        "beyond any number": (stamp("1e400"), "past its arrival"),
        "a day ahead": (with_(**{STAMP: event[STAMP] + 10**12}), "past its arrival"),
        "a huge text beside a bad time": (with_(x="x" * HUGE, **{STAMP: -1}), f"{STAMP} is not above 0"),
    }
    return found


def peculiar(event: Mapping[str, Any], text: str) -> dict[str, bytes]:
    """Messages that look odd and are events: each counts once."""
    good = _json(event)

    def with_(**changed: Any) -> bytes:
        return _json({**event, **changed})

    return {
        "plain": good,
        "something behind the object": good + b" xyz",
        "a brace too many": good + b"}",
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "tabs and line breaks": json.dumps(event, indent="\t").encode(),
        "a control character": good.replace(str(event[text]).encode(), b"x\x01y"),
        "a NUL, escaped": good.replace(str(event[text]).encode(), b"x\\u0000y"),
        "half a surrogate": good.replace(str(event[text]).encode(), b"x\\ud800y"),
        "an escaped key": good.replace(f'"{text}"'.encode(), f'"\\u{ord(text[0]):04x}{text[1:]}"'.encode()),
        "a number for a text": with_(**{text: 5}),
        "true for a text": with_(**{text: True}),
        "a blank text": with_(**{text: " "}),
        "the longest text": with_(**{text: "\u00e4" * 1_024}),
        "a huge text elsewhere": with_(x="x" * HUGE),
        "a field twice, the last one right": f'{{"{text}":"",'.encode() + good[1:],
        "another field twice": good[:-1] + b',"cost":"much","cost":7}',
        "more fields": with_(extra={"a": [1, 2]}),
        "other fields null": with_(user_id=None),
        "other fields of another type": with_(user_id=[1], cost="much"),
        "time as digits": with_(**{STAMP: f" {event[STAMP]} "}),
        "time with a plus": with_(**{STAMP: f"+{event[STAMP]}"}),
        "time with a fraction": with_(**{STAMP: event[STAMP] + 0.5}),
        "many levels": good[:-1] + b',"x":' + b"[" * 900 + b"]" * 900 + b"}",
        "an array of one": b"[" + good + b"]",
        "an array with a number": b"[1," + good + b"]",
    }
