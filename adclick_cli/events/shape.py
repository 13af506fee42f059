"""Events as the catalog declares them, made of events with the names and the time that adclick itself uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
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
    "integer": (int,),
    "decimal": (int, float),
    "boolean": (bool,),
}


def is_built_in(source: EventSource) -> bool:
    """Whether events look as they do without a declaration."""
    return replace(source, topic=None) == CATALOG.source(source.name)


def time(at_ms: int, unit: TimeUnit) -> int | str:
    """A time as events of a unit have it, what is below the unit cut off.

    Args:
        at_ms: ms since the epoch.
        unit: of the catalog.
    """
    if unit == "iso8601":
        moment = _EPOCH + timedelta(milliseconds=at_ms)
        return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    if unit == "s":
        return at_ms // 1000
    return at_ms * {"ms": 1, "us": 1_000, "ns": 1_000_000}[unit]


def placed(values: Iterable[tuple[Path, Any]], into: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An object with values at their paths; of two that need the same place the later one has it.

    Args:
        values: paths and values.
        into: what is there before; it is not changed.
    """
    made: dict[str, Any] = _copied(into or {})
    for path, value in values:
        inner = made
        for name in path[:-1]:
            found = inner.get(name)
            if not isinstance(found, dict):
                inner[name] = found = {}
            inner = found
        inner[path[-1]] = value
    return made


def _copied(of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copied(value) if isinstance(value, dict) else value for name, value in of.items()}


Shaper = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def shaped(source: EventSource, plain: Mapping[str, Any]) -> dict[str, Any]:
    """An event in the declared shape.

    Args:
        source: what is declared.
        plain: the event, flat: columns of adclick's own names, the time in ms since the epoch. What it has no value for
            gets one that depends on the impression alone.
    """
    return dict(shaper(source)(plain))


def shaper(source: EventSource) -> Shaper:
    """What gives many events the declared shape; without a declaration they stay what they are."""
    if is_built_in(source):
        return lambda plain: plain
    columns = (*source.ids, *source.fields)
    known = {STAMP, *(one.name for one in columns)}
    # What several columns read must suit the ids first of all, then what needs a number.
    shared = len({one.path for one in columns}) < len(columns)
    ids = source.ids if shared else ()
    if shared:
        columns = tuple(sorted(columns, key=lambda one: one.type != "text"))
    unit = source.time_unit

    def shape(plain: Mapping[str, Any]) -> dict[str, Any]:
        values: list[tuple[Path, Any]] = [((name,), value) for name, value in plain.items() if name not in known]
        taken = {one.path for one in columns if one.name in plain} if shared else ()
        for one in columns:
            value = plain.get(one.name)
            if one.name not in plain or (value is None and one.required):
                values += [] if one.path in taken and one.type == "text" else _made_up(one, plain.get("impression_id"))
            else:
                values.append((one.path, _whole(value) if one.type == "integer" else value))
        values += [(one.path, plain[one.name]) for one in ids if one.name in plain]
        if STAMP in plain:
            values.append((source.time, time(plain[STAMP], unit)))
        return placed(values)

    return shape


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fitting(source: EventSource) -> Shaper:
    """What leaves out of made-up events each value that is not of the declared type: `shaped` makes another one."""
    unfit = {one.name: types for one in source.fields if one.type != "text" and (types := _FITTING[one.type])}

    def fit(plain: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in plain.items() if name not in unfit or type(value) in unfit[name]}

    return fit


def _made_up(one: EventField, of: object) -> list[tuple[Path, Any]]:
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
