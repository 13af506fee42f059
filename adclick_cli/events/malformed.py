"""Messages that are no event, made from one that is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import EventSource
from adclick_cli.events.shape import Path, placed

Event = dict[str, Any]
Kind = Callable[[Event, EventSource], "bytes | None"]

_MILLENNIUM = {"s": 31_536_000_000, "ms": 31_536_000_000_000, "us": 31_536 * 10**12, "ns": 31_536 * 10**15}


def _of(source: EventSource) -> Path:
    """Where an event has the impression's id."""
    return source.parent or source.id


def _at(source: EventSource) -> Path:
    return source.time


def _with(path: Callable[[EventSource], Path], value: Any) -> Kind:
    return lambda event, source: json.dumps(placed([(path(source), value)], event)).encode()


def _without(path: Callable[[EventSource], Path]) -> Kind:
    return lambda event, source: json.dumps(_left_out(event, path(source))).encode()


def _left_out(event: Event, path: Path) -> Event:
    first, *more = path
    if not more:
        return {key: value for key, value in event.items() if key != first}
    inner = event.get(first)
    return event | {first: _left_out(inner, tuple(more))} if isinstance(inner, dict) else event


def _far(event: Event, source: EventSource) -> bytes:
    found: Any = event
    for name in source.time:
        found = found.get(name, 0) if isinstance(found, dict) else 0
    if source.time_unit == "iso8601":
        return _with(_at, f"9{str(found)[1:]}")(event, source) or b""
    return _with(_at, int(found) + _MILLENNIUM[source.time_unit])(event, source) or b""


KINDS: dict[str, Kind] = {
    "not_json": lambda event, source: b"not json at all",
    "truncated": lambda event, source: json.dumps(event).encode()[:-7],
    # An array of events would count: each object in it is read.
    "array": lambda event, source: json.dumps([one for one in event.values() if not isinstance(one, dict)]).encode(),
    "empty": lambda event, source: b"",
    "invalid_utf8": lambda event, source: b"\xff\xfe" + json.dumps(event).encode(),
    "tombstone": lambda event, source: None,
    "missing_impression": _without(_of),
    "missing_time": _without(_at),
    "null_impression": _with(_of, None),
    "empty_impression": _with(_of, ""),
    "null_time": _with(_at, None),
    "negative_time": _with(_at, -5),
    "text_time": _with(_at, "yesterday"),
    "huge_time": _with(_at, 2**63 - 1),
    "far_future": _far,
}


def make(chance: random.Random, value: bytes, source: EventSource = CATALOG.impressions) -> bytes | None:
    """One bad message, of a kind that `chance` picks, made from a good event's JSON.

    Args:
        chance: what picks.
        value: the good event.
        source: what events of its topic look like.
    """
    return KINDS[chance.choice(tuple(KINDS))](json.loads(value), source)
