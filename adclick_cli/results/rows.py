"""Result rows, typed: from a Kafka message to a row, and from a row to plain values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol

from adclick_cli import schema
from adclick_cli.errors import AdclickError
from adclick_cli.results.times import from_ms, read_iso, write_iso
from adclick_cli.schema import TIMES

State = Literal["LIVE", "FINAL", "EARLY", "CONFIRMED", "WITHDRAWN"]
Key = tuple[object, ...]

_Number = int | float | Decimal
BETWEEN = " · "
"""Between the fields that a declared result is broken down by."""
NULLABLE = frozenset({"ctr", "z_score"})
"""Fields that are null where their division is not defined."""


_ALERT_STATES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    schema.ALERT.name: lambda _: {},
    schema.EARLY_ALERT.name: lambda _: {"state": "EARLY", "early": True},
    schema.EARLY_VERDICT.name: lambda values: {"state": _verdict(values), "early": True},
}
"""What an alert's topic tells of its lane."""


class ResultMessage(Protocol):
    """The parts of a broker's message that a row is read from."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp_ms(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True)
class WindowRow:
    """One window of a campaign or a device.

    Attributes:
        start, end: the window, UTC; the end is excluded.
        name: the campaign or the device; in a declared result what it is broken down by.
        impressions, clicks: distinct events; 0 where a declared result does not tell them.
        state: LIVE may still change, FINAL never does.
        values: the row as it was read, by field.
        updated: when the row was written, UTC. It takes no part in equality: a repeat is the same row.
        metrics: the columns of a declared result's metrics; empty for the built-in ones.
    """

    start: datetime
    end: datetime
    name: str
    impressions: int
    clicks: int
    state: State
    values: dict[str, Any] = field(repr=False, hash=False)
    updated: datetime = field(compare=False)
    metrics: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        """What identifies the window, whatever its state."""
        return (self.start, self.end, self.name)

    @property
    def moment(self) -> datetime:
        """The time that `--from` and `--to` look at, UTC."""
        return self.start

    @property
    def ctr(self) -> float | None:
        """Clicks for each impression; None without impressions."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def by(self) -> tuple[str, ...]:
        """The fields that a declared result is broken down by."""
        return tuple(name for name in self.values if name not in (*TIMES, *self.metrics))

    @property
    def gross(self) -> int | None:
        """Clicks before the search for duplicates; None where there was no such search, or not yet."""
        return self.values.get(schema.GROSS.name)

    @property
    def length(self) -> timedelta:
        """Size of the window."""
        return self.end - self.start

    def to_json(self) -> dict[str, Any]:
        """The row's fields in the schema's order, and `state`."""
        return {**self.values, "state": self.state}


@dataclass(frozen=True)
class AlertRow:
    """One alert.

    Attributes:
        time: end of the window that raised it, UTC.
        name: the campaign.
        type: SPIKE or DROP.
        current_ctr, previous_ctr: CTR of that window and of the one before.
        impressions: impressions of that window.
        z_score: two-proportion z; None where it is not defined.
        rule: baseline, significance or ratio.
        values: the row as it was read, by field.
        updated: when the row was written, UTC.
        state: FINAL as the final windows raised it; EARLY as the early lane did; then CONFIRMED or WITHDRAWN.
        early: whether the row is the early lane's.
    """

    time: datetime
    name: str
    type: str
    current_ctr: float | None
    previous_ctr: float | None
    impressions: int
    z_score: float | None
    rule: str
    values: dict[str, Any] = field(repr=False, hash=False)
    updated: datetime = field(compare=False)
    state: State = "FINAL"
    early: bool = False

    def joined(self, other: AlertRow) -> AlertRow:
        """This alert after `other`, the same one of another lane or from later; the final lane's numbers win."""
        if self.early == other.early:
            return self if self.state != "EARLY" and other.state == "EARLY" else other
        final, early = (other, self) if self.early else (self, other)
        return replace(final, state="CONFIRMED") if final.type == early.type else final

    @property
    def key(self) -> Key:
        """What identifies the alert."""
        return (self.time, self.name)

    @property
    def moment(self) -> datetime:
        """The time that `--from` and `--to` look at, UTC."""
        return self.time

    def to_json(self) -> dict[str, Any]:
        """The alert's fields in the schema's order, and `state`."""
        return {**self.values, "state": self.state}


@dataclass(frozen=True)
class Deletion:
    """A live window that is no more."""

    key: Key


Row = WindowRow | AlertRow


def read(record: schema.Record, message: ResultMessage) -> Row | Deletion:
    """The row in a message of `record`'s topic.

    Raises:
        AdclickError: the message is no such row; it names topic, partition and offset.
    """
    try:
        if message.value is None and record.compacted:
            return Deletion(_key(record, _object(message.key)))
        plain = _object(message.value)
        values = {spec.name: _value(spec, plain, _nullable(record, spec)) for spec in record.fields}
        if schema.GROSS.name in plain:
            values[schema.GROSS.name] = _value(schema.GROSS, plain, False)
    except ValueError as error:
        raise AdclickError(
            f"{message.topic}, partition {message.partition}, offset {message.offset}: not a row of {record.name}",
            f"{error}.",
            "Something other than adclick's jobs writes to this topic: give the results topics of their own, "
            "or start over with `adclick down -v`.",
        ) from error
    updated = from_ms(message.timestamp_ms)
    if record.name in _ALERT_STATES:
        return replace(_alert(values, updated), **_ALERT_STATES[record.name](values))
    return _window(record, values, updated)


def _object(text: bytes | None) -> dict[str, Any]:
    if text is None:
        raise ValueError("it is empty")
    try:
        # A decimal keeps all its digits; what is a double becomes one again.
        plain = json.loads(text.decode("utf-8"), parse_float=Decimal)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise ValueError("it is not a JSON object")
    return plain


def _nullable(record: schema.Record, spec: schema.Field) -> bool:
    """Metrics that are declared are null where they are not defined."""
    return spec.name in NULLABLE or (is_declared(record) and spec.name not in record.key)


def is_declared(record: schema.Record) -> bool:
    """Whether the record is a result of the catalog's besides the built-in ones."""
    return not record.topic_setting


def _value(spec: schema.Field, plain: dict[str, Any], nullable: bool) -> Any:
    """A field's value; an instant comes out normalised, everything else as it is."""
    if spec.name not in plain:
        raise ValueError(f"the field {spec.name} is missing")
    value = plain[spec.name]
    if value is None and nullable:
        return None
    if spec.kind is schema.Kind.INSTANT and isinstance(value, str):
        return write_iso(read_iso(value))
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if number and spec.kind is schema.Kind.DECIMAL:
        value = Decimal(value)
    elif isinstance(value, Decimal) and spec.kind is schema.Kind.RATIO:
        value = float(value)
    fits = {
        schema.Kind.TEXT: isinstance(value, str),
        schema.Kind.COUNT: number and isinstance(value, int),
        schema.Kind.RATIO: number,
        schema.Kind.DECIMAL: number,
        schema.Kind.TRUTH: isinstance(value, bool),
    }
    if not fits.get(spec.kind, False):
        raise ValueError(f"the field {spec.name} holds {value!r}, which is no {spec.kind.value}")
    return value


def _key(record: schema.Record, plain: dict[str, Any]) -> Key:
    specs = {spec.name: spec for spec in record.fields}
    values = {name: _value(specs[name], plain, False) for name in record.key}
    if "window_start" not in values:
        return tuple(read_iso(values[n]) if specs[n].kind is schema.Kind.INSTANT else values[n] for n in record.key)
    return (read_iso(values["window_start"]), read_iso(values["window_end"]), _name(record, values))


def metric_text(value: _Number | None) -> str | None:
    """A metric for a person: thousands apart, a ratio to four digits, a decimal with all of its own; None for null."""
    if value is None:
        return None
    return f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"


def _name(record: schema.Record, values: dict[str, Any]) -> str:
    """What a window is of: the fields that are no times, one behind the other."""
    return BETWEEN.join(
        str(values[name]).lower() if isinstance(values[name], bool) else str(values[name]) for name in record.key[2:]
    )


def _window(record: schema.Record, values: dict[str, Any], updated: datetime) -> WindowRow:
    return WindowRow(
        start=read_iso(values["window_start"]),
        end=read_iso(values["window_end"]),
        name=_name(record, values),
        impressions=values.get("impression_count") or 0,
        clicks=values.get("click_count") or 0,
        metrics=tuple(n for n in record.field_names if n not in record.key) if is_declared(record) else (),
        state="LIVE" if record.compacted else "FINAL",
        values=values,
        updated=updated,
    )


def _alert(values: dict[str, Any], updated: datetime) -> AlertRow:
    return AlertRow(
        time=read_iso(values["alert_time"]),
        name=values["campaign_id"],
        type=values["alert_type"],
        current_ctr=values["current_ctr"],
        previous_ctr=values["previous_ctr"],
        impressions=values["current_impressions"],
        z_score=values["z_score"],
        rule=values["rule"],
        values=values,
        updated=updated,
    )


def _verdict(values: dict[str, Any]) -> State:
    return "CONFIRMED" if values["verdict"] == "CONFIRMED" else "WITHDRAWN"
