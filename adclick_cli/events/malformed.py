"""Messages that are no event, made from one that is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


def _with(**changed: Any) -> Callable[[Event], bytes]:
    return lambda event: json.dumps(event | changed).encode()


def _without(name: str) -> Callable[[Event], bytes]:
    return lambda event: json.dumps({key: value for key, value in event.items() if key != name}).encode()


KINDS: dict[str, Callable[[Event], bytes | None]] = {
    "not_json": lambda event: b"not json at all",
    "truncated": lambda event: json.dumps(event).encode()[:-7],
    # An array of events would count: Flink's JSON format reads each object in it.
    "array": lambda event: json.dumps(list(event.values())).encode(),
    "empty": lambda event: b"",
    "invalid_utf8": lambda event: b"\xff\xfe" + json.dumps(event).encode(),
    "tombstone": lambda event: None,
    "missing_impression": _without("impression_id"),
    "missing_time": _without("event_timestamp"),
    "null_impression": _with(impression_id=None),
    "empty_impression": _with(impression_id=""),
    "null_time": _with(event_timestamp=None),
    "negative_time": _with(event_timestamp=-5),
    "text_time": _with(event_timestamp="yesterday"),
    "huge_time": _with(event_timestamp=2**63 - 1),
    "far_future": lambda event: json.dumps(
        event | {"event_timestamp": int(event.get("event_timestamp", 0)) + 31_536_000_000_000}
    ).encode(),
}


def make(chance: random.Random, value: bytes) -> bytes | None:
    """One bad message, of a kind that `chance` picks, made from a good event's JSON."""
    return KINDS[chance.choice(tuple(KINDS))](json.loads(value))
