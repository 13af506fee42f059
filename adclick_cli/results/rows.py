"""Result rows, typed: from a Kafka message to a row, and from a row to plain values."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from adclick_cli import schema
from adclick_cli.errors import AdclickError
from adclick_cli.results.times import from_ms, read_iso, write_iso

State = Literal["LIVE", "FINAL", "EARLY", "CONFIRMED", "WITHDRAWN"]
Key = tuple[object, ...]

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
        name: the campaign or the device.
        impressions, clicks: distinct events.
        state: LIVE may still change, FINAL never does.
        values: the row as it was read, by field.
        updated: when the row was written, UTC. It takes no part in equality: a repeat is the same row.
    """

    start: datetime
    end: datetime
    name: str
    impressions: int
    clicks: int
    state: State
    values: dict[str, Any] = field(repr=False, hash=False)
    updated: datetime = field(compare=False)

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


def name_field(record: schema.Record) -> str:
    """`campaign_id` or `device_type`: the field that names a row."""
    return next(name for name in record.key if name in ("campaign_id", "device_type"))


def read(record: schema.Record, message: ResultMessage) -> Row | Deletion:
    """The row in a message of `record`'s topic.

    Raises:
        AdclickError: the message is no such row; it names topic, partition and offset.
    """
    try:
        if message.value is None and record.compacted:
            return Deletion(_key(record, _object(message.key)))
        plain = _object(message.value)
        values = {spec.name: _value(spec, plain) for spec in record.fields}
        if schema.GROSS.name in plain:
            values[schema.GROSS.name] = _value(schema.GROSS, plain)
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
        plain = json.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise ValueError("it is not a JSON object")
    return plain


def _value(spec: schema.Field, plain: dict[str, Any]) -> Any:
    """A field's value; an instant comes out normalised, everything else as it is."""
    if spec.name not in plain:
        raise ValueError(f"the field {spec.name} is missing")
    value = plain[spec.name]
    if value is None and spec.name in NULLABLE:
        return None
    if spec.kind is schema.Kind.INSTANT and isinstance(value, str):
        return write_iso(read_iso(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        schema.Kind.TEXT: isinstance(value, str),
        schema.Kind.COUNT: number and isinstance(value, int),
        schema.Kind.RATIO: number,
    }
    if not fits.get(spec.kind, False):
        raise ValueError(f"the field {spec.name} holds {value!r}, which is no {spec.kind.value}")
    return value


def _key(record: schema.Record, plain: dict[str, Any]) -> Key:
    specs = {spec.name: spec for spec in record.fields}
    values = [(specs[name], _value(specs[name], plain)) for name in record.key]
    return tuple(read_iso(value) if spec.kind is schema.Kind.INSTANT else value for spec, value in values)


def _window(record: schema.Record, values: dict[str, Any], updated: datetime) -> WindowRow:
    return WindowRow(
        start=read_iso(values["window_start"]),
        end=read_iso(values["window_end"]),
        name=values[name_field(record)],
        impressions=values["impression_count"],
        clicks=values["click_count"],
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
