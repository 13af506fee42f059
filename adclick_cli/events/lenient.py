"""Messages read as Flink's JSON format reads them, which plain SQL (`--portable`) does, also the peculiar ones.

Flink reads messages with Jackson (`ObjectMapper.readTree`, control characters allowed): what follows the first value is
ignored, of a key that stands twice the last one counts, an array is several events, numbers and truth values where a
text should be read as their text, and there are limits (`StreamReadConstraints` of jackson-core 2.15: 1,000 levels,
1,000 characters of a number, 50,000 of a key). Written from that description.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adclick_cli.events.java import double, whole
from adclick_cli.schema import LONGEST_TEXT

MAX_DEPTH = 1_000
MAX_NUMBER = 1_000
MAX_KEY = 50_000
MAX_TIME = 2**64
"""Any larger number is no time, and DuckDB need not read it."""


class Broken(ValueError):
    """Not JSON, or beyond a limit."""


def elements(value: bytes | None, texts: Sequence[str], stamp: str) -> list[dict[str, Any]]:
    """The events that Flink's JSON format finds in a message.

    Args:
        value: the message; None for a tombstone.
        texts: the fields that hold texts.
        stamp: the field that holds the time.

    Returns:
        The objects, each with those of the fields that are there: texts as texts, the time as it is.
    """
    try:
        root = _parse(value)
    except (Broken, ValueError, RecursionError):
        return []
    found = root if isinstance(root, list) else [root]
    return [_event(one, texts, stamp) for one in found if isinstance(one, Mapping)]


def events(
    value: bytes | None, required: Sequence[str], stamp: str, latest_ms: int
) -> list[tuple[int, dict[str, Any]]]:
    """The same that are events: event time (ms since the epoch) and fields of each.

    Args:
        value: the message; None for a tombstone.
        required: the texts that an event must have.
        stamp: the field that holds the time.
        latest_ms: an event dated later is impossible, ms since the epoch.
    """
    return [
        (int(one[stamp]), one)
        for one in elements(value, required, stamp)
        if 0 < one.get(stamp, 0) <= latest_ms and all(_may_be(one.get(name, "")) for name in required)
    ]


def _may_be(text: str) -> bool:
    return 0 < len(text) <= LONGEST_TEXT and not text.startswith(("{", "["))


def _event(plain: Mapping[str, Any], texts: Sequence[str], stamp: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: _text(plain[name]) for name in texts if plain.get(name) is not None}
    time = plain.get(stamp)
    if isinstance(time, str):
        time = whole(time)
    if isinstance(time, (int, float)) and not isinstance(time, bool) and abs(time) < MAX_TIME:
        found[stamp] = time
    return found


def _text(value: Any) -> str:
    """A value as Jackson's `asText`, or `toString` for what holds others."""
    if isinstance(value, float):
        return double(value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace").decode()
    return json.dumps(value)


def _parse(value: bytes | None) -> Any:
    if value is None:
        raise Broken("a tombstone")
    text = _decode(value).lstrip(" \t\r\n")
    # To count is quick, to leave strings out is not.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise Broken("too many levels")
    decoder = json.JSONDecoder(
        strict=False,
        parse_constant=_no_constant,
        parse_int=_integer,
        parse_float=_number,
        object_pairs_hook=_object,
    )
    return decoder.raw_decode(text)[0]


def _decode(value: bytes) -> str:
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if value.startswith(mark):
            return value.decode(name)
    if len(value) >= 2 and 0 in value[:2]:
        return value.decode("utf-16-be" if value[0] == 0 else "utf-16-le")
    return value.decode("utf-8")


def _depth(text: str) -> int:
    """How deep the brackets of a text go, strings left out; over its whole length, which is enough for a limit."""
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


def _no_constant(name: str) -> Any:
    raise Broken(f"{name} is not JSON")


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise Broken("a number that is too long")
    return int(text)


def _number(text: str) -> float:
    if len(text) > MAX_NUMBER:
        raise Broken("a number that is too long")
    return float(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if any(len(name) > MAX_KEY for name, _ in pairs):
        raise Broken("a key that is too long")
    return dict(pairs)
