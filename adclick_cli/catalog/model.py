"""The declared events, metrics and results, in plain frozen types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from adclick_cli.catalog.expressions import COUNTS
from adclick_cli.catalog.tree import (
    CLICK_COUNT,
    IMPRESSION_COUNT,
    Count,
    Leaf,
    ResultType,
    Sum,
    Tree,
    is_additive,
    leaves,
    result_type,
)

FieldType = Literal["text", "integer", "decimal", "boolean"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
TimeUnit = Literal["s", "ms", "us", "ns", "iso8601"]
TIME_UNITS: tuple[TimeUnit, ...] = get_args(TimeUnit)
FORMATS = ("json",)
FORMATS_TO_COME = ("avro", "avro-confluent")
Default = str | int | Decimal | None

PRECISION, SCALE = 18, 6
"""Digits of a decimal field, and how many of them stand behind the point."""
MAX_NAME = 63
"""Characters of a name: what Postgres, too, takes as a column."""
FIRST_DIMENSIONS = ("campaign_id", "device_type")
_COLUMNS = {"impressions": IMPRESSION_COUNT, "clicks": CLICK_COUNT}


@dataclass(frozen=True)
class EventField:
    """One field of an event.

    Attributes:
        name: its column.
        path: the names that lead to its value.
        type: what it holds.
        optional: whether it may be missing, null or empty.
        default: its value then; None for null.
        precision, scale: of a decimal: all digits, and those behind the point.
    """

    name: str
    path: tuple[str, ...]
    type: FieldType = "text"
    optional: bool = False
    default: Default = None
    precision: int = PRECISION
    scale: int = SCALE

    @property
    def required(self) -> bool:
        """Whether a record without it is no event."""
        return not self.optional and self.default is None

    @property
    def nullable(self) -> bool:
        """Whether it can be null in an event."""
        return self.optional and self.default is None


@dataclass(frozen=True)
class EventSource:
    """The events of one topic. Paths lead to values; inside adclick the columns have their own, fixed names.

    Attributes:
        name: `impressions` or `clicks`.
        topic: its topic; None where the setting `topic_impressions` or `topic_clicks` decides.
        format: how messages are written.
        id: path of the id (column `impression_id` or `click_id`).
        parent: path of the id of the impression that was clicked (column `impression_id`); None for impressions.
        time: path of the event time (column `event_timestamp`).
        time_unit: how the event time is written.
        fields: all others, in the order of the columns.
    """

    name: Literal["impressions", "clicks"]
    id: tuple[str, ...]
    time: tuple[str, ...]
    fields: tuple[EventField, ...]
    parent: tuple[str, ...] | None = None
    topic: str | None = None
    format: str = "json"
    time_unit: TimeUnit = "ms"

    def field(self, name: str) -> EventField | None:
        """The field of this name, or None."""
        return next((one for one in self.fields if one.name == name), None)

    def named(self, names: Iterable[str]) -> tuple[EventField, ...]:
        """The fields of these names, in their order, each once; a name without a field is left out."""
        known = {one.name: one for one in self.fields}
        return tuple(known[name] for name in dict.fromkeys(names) if name in known)

    @property
    def ids(self) -> tuple[EventField, ...]:
        """The columns that say which event it is, and of which impression."""
        if self.parent is None:
            return (EventField("impression_id", self.id),)
        return (EventField("click_id", self.id), EventField("impression_id", self.parent))


@dataclass(frozen=True)
class Metric:
    """A number about a group of impressions.

    Attributes:
        name: its column.
        text: as it is declared.
        tree: what it means.
    """

    name: str
    text: str
    tree: Tree

    @property
    def column(self) -> str:
        """Its column in result rows: its name, but for the two counts, whose columns are older than their names."""
        return _COLUMNS.get(self.name, self.name)

    @property
    def type(self) -> ResultType:
        """The type of its values."""
        return result_type(self.tree)

    @property
    def additive(self) -> bool:
        """Whether its values of parts of a group add up to the value of the whole."""
        return is_additive(self.tree)


@dataclass(frozen=True)
class Result:
    """A result: metrics of each window, broken down by fields of the impressions.

    Attributes:
        name: the word for it on the command line and in the SQL.
        topic: where its final rows go; for `ctr` and `engagement` the settings have the last word.
        by: fields of the impressions.
        metrics: names of metrics, in the order of the columns.
        live: whether there are rows of windows that are still open, too.
    """

    name: str
    topic: str
    by: tuple[str, ...]
    metrics: tuple[str, ...]
    live: bool = True

    @property
    def live_topic(self) -> str:
        """Where the rows of open windows go; for `ctr` and `engagement` the settings have the last word."""
        return f"{self.name}_live"


@dataclass(frozen=True)
class Catalog:
    """All that is declared; metrics and results are in the order of their declaration, the built-in ones first."""

    impressions: EventSource
    clicks: EventSource
    metrics: tuple[Metric, ...]
    results: tuple[Result, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All fields that a result breaks down by, each once: `campaign_id` and `device_type` first."""
        named = dict.fromkeys(name for result in self.results for name in result.by)
        return (*(name for name in FIRST_DIMENSIONS if name in named), *(n for n in named if n not in FIRST_DIMENSIONS))

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All sums and counts of fields that a result needs, each once."""
        return leaves(self.metric(name).tree for result in self.results for name in result.metrics)

    @property
    def needed_fields(self) -> tuple[EventField, ...]:
        """The impressions' fields that results need: dimensions, then what is summed up or counted, each once."""
        return self.impressions.named((*self.dimensions, *(leaf.field for leaf in self.leaves)))

    @property
    def summed(self) -> Mapping[Leaf, EventField]:
        """What is summed up over impressions, with its field: the leaves, and how many values are behind a sum.

        That count is there only where the field may be null: a sum of no value is null, not 0.
        """
        found: dict[Leaf, EventField] = {}
        for leaf in self.leaves:
            for field in self.impressions.named((leaf.field,)):
                found[leaf] = field
                if isinstance(leaf, Sum) and field.nullable:
                    found[Count(leaf.field)] = field
        return found

    def source(self, name: str) -> EventSource:
        """The events of this name.

        Args:
            name: impressions or clicks.

        Raises:
            KeyError: there are none.
        """
        sources: dict[str, EventSource] = {one.name: one for one in (self.impressions, self.clicks)}
        return sources[name]

    def metric(self, name: str) -> Metric:
        """The metric of this name, `impressions` and `clicks` among them.

        Raises:
            KeyError: there is none.
        """
        if name in COUNTS:
            return Metric(name, name, COUNTS[name])
        for one in self.metrics:
            if one.name == name:
                return one
        raise KeyError(name)

    def result(self, name: str) -> Result:
        """The result of this name.

        Raises:
            KeyError: there is none.
        """
        for one in self.results:
            if one.name == name:
                return one
        raise KeyError(name)

    def columns(self, result: Result) -> tuple[str, ...]:
        """The columns of a result's rows, behind `window_start` and `window_end`."""
        return (*result.by, *(self.metric(name).column for name in result.metrics))
