"""Events as the catalog declares them, made of events with the names and the time that adclick itself uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any
from zlib import crc32

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import EventField, EventSource, FieldType, TimeUnit
from adclick_cli.schema import STAMP

Path = tuple[str, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LEFT_OUT = 4
"""Of so many events one has no value where none is needed."""
_VALUES = 3
"""Texts that a field gets which nothing else fills."""

_FITTING: Mapping[FieldType, tuple[type, ...]] = {
    "text": (str, int, float, bool, type(None)),
    "integer": (int,),
    "decimal": (int, float),
    "boolean": (bool,),
}


def is_built_in(source: EventSource) -> bool:
    """Whether events look as they do without a declaration."""
    known = CATALOG.impressions if source.name == "impressions" else CATALOG.clicks
    return replace(source, topic=None) == known


def paths(source: EventSource) -> dict[str, Path]:
    """By column where its value is, the time included."""
    return {one.name: one.path for one in (*source.ids, *source.fields)} | {STAMP: source.time}


def time(at_ms: int, unit: TimeUnit) -> int | str:
    """A time as events of a unit have it, what is below the unit cut off.

    Args:
        at_ms: ms since the epoch.
        unit: of the catalog.
    """
    if unit == "iso8601":
        moment = _EPOCH + timedelta(milliseconds=at_ms)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03}Z"
    if unit == "s":
        return at_ms // 1000
    return at_ms * {"ms": 1, "us": 1_000, "ns": 1_000_000}[unit]


def placed(values: Iterable[tuple[Path, Any]], into: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An object with values at their paths; of two that need the same place the later one has it.

    Args:
        values: paths and values.
        into: what is there before; it is not changed.
    """
    made: dict[str, Any] = dict(into or {})
    for path, value in values:
        inner = made
        for name in path[:-1]:
            found = inner.get(name)
            inner[name] = inner = dict(found) if isinstance(found, dict) else {}
        inner[path[-1]] = value
    return made


def shaped(source: EventSource, plain: Mapping[str, Any]) -> dict[str, Any]:
    """An event in the declared shape.

    Args:
        source: what is declared.
        plain: the event, flat: columns of adclick's own names, the time in ms since the epoch. What it has no value for
            gets one that depends on the impression alone.
    """
    if is_built_in(source):
        return dict(plain)
    known = paths(source)
    values: list[tuple[Path, Any]] = [((name,), value) for name, value in plain.items() if name not in known]
    for one in (*source.ids, *source.fields):
        if one.name in plain and not (one.required and plain[one.name] is None):
            values.append((one.path, _whole(plain[one.name]) if one.type == "integer" else plain[one.name]))
        else:
            values += _made_up(one, str(plain.get("impression_id")))
    # What several columns read must suit the ids first of all.
    values += [(one.path, plain[one.name]) for one in source.ids if one.name in plain]
    if STAMP in plain:
        values.append((source.time, time(plain[STAMP], source.time_unit)))
    return placed(values)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def shaper(source: EventSource) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """What makes events in the declared shape of flat ones; without a declaration they stay what they are."""
    return (lambda plain: plain) if is_built_in(source) else partial(shaped, source)


def fitting(source: EventSource, plain: Mapping[str, Any]) -> dict[str, Any]:
    """An event of made-up values without those that are not of the declared type: `shaped` makes others for them."""
    types = {one.name: one.type for one in source.fields}
    return {name: value for name, value in plain.items() if type(value) in _FITTING[types.get(name, "text")]}


def _made_up(one: EventField, of: str) -> list[tuple[Path, Any]]:
    chance = crc32(f"{of}/{one.name}".encode())
    left_out, chance = chance % _LEFT_OUT == 0, chance // _LEFT_OUT
    if not one.required and left_out:
        return []
    if one.type == "text":
        return [(one.path, f"{one.name}-{chance % _VALUES + 1}")]
    if one.type == "integer":
        return [(one.path, chance % 100)]
    if one.type == "boolean":
        return [(one.path, chance % 2 == 0)]
    whole, digits = min(one.precision - one.scale, 1), min(one.scale, 2)
    amount = chance % 10 ** (whole + digits)
    return [(one.path, amount / 10**digits if digits else amount)]
