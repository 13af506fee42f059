"""The rows of the declared results, in the terms of `schema`."""

from __future__ import annotations

from dataclasses import replace

from adclick_cli import defaults, schema
from adclick_cli.catalog.model import Catalog, EventField, Metric, Result
from adclick_cli.catalog.tree import MOST_DIGITS
from adclick_cli.schema import Field, Kind, Record

BUILT_IN = {"ctr": (schema.CTR, schema.CTR_LIVE), "engagement": (schema.ENGAGEMENT, schema.ENGAGEMENT_LIVE)}
"""Final and live rows of the results that are always there."""
_KINDS = {"bigint": Kind.COUNT, "decimal": Kind.DECIMAL, "double": Kind.RATIO}
_DIMENSIONS = {"text": Kind.TEXT, "integer": Kind.COUNT, "boolean": Kind.TRUTH}


def declared(catalog: Catalog) -> tuple[Result, ...]:
    """The results besides the built-in ones."""
    return tuple(one for one in catalog.results if one.name not in BUILT_IN)


def final(catalog: Catalog) -> tuple[Record, ...]:
    """Final rows of each declared result."""
    return tuple(_record(catalog, one) for one in declared(catalog))


def live(catalog: Catalog) -> tuple[Record, ...]:
    """Rows of open windows, of each declared result that has them."""
    return tuple(_live(catalog, one) for one in declared(catalog) if one.live)


def lanes(catalog: Catalog, name: str) -> tuple[Record, ...]:
    """The records of a result, live rows first; built-in ones, too.

    Raises:
        KeyError: there is no such result.
    """
    if name in BUILT_IN:
        return BUILT_IN[name][::-1]
    result = catalog.result(name)
    return (*([_live(catalog, result)] if result.live else []), _record(catalog, result))


def _live(catalog: Catalog, result: Result) -> Record:
    found = _record(catalog, result)
    return replace(found, name=f"{result.name}_live", default_topic=result.live_topic, compacted=True)


def _record(catalog: Catalog, result: Result) -> Record:
    fields = [
        *schema.WINDOW,
        *map(_dimension, catalog.impressions.named(result.by)),
        *(_metric(catalog.metric(name)) for name in result.metrics),
    ]
    key = (*schema.TIMES, *result.by)
    return Record(result.name, "", result.topic, defaults.PARTITIONS, tuple(fields), key)


def _dimension(field: EventField) -> Field:
    return Field(field.name, _DIMENSIONS[field.type], f"the impressions' {'.'.join(field.path)}")


def _metric(metric: Metric) -> Field:
    kind = _KINDS[metric.type.name]
    return Field(
        metric.column,
        kind,
        metric.text,
        f"DECIMAL({MOST_DIGITS}, {metric.type.scale})" if kind is Kind.DECIMAL else None,
    )
