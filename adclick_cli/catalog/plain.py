"""A catalog as plain values, for JSON: what a submission computes stands in its record."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adclick_cli.catalog import builtin
from adclick_cli.catalog.expressions import Expressions
from adclick_cli.catalog.model import Catalog, EventField, EventSource, Result


def to_plain(catalog: Catalog) -> dict[str, Any]:
    """Plain values; `from_plain` makes the catalog of them again."""
    return {
        "impressions": _plain_source(catalog.impressions),
        "clicks": _plain_source(catalog.clicks),
        "metrics": {one.name: one.text for one in catalog.metrics},
        "results": [vars(one) | {"by": list(one.by), "metrics": list(one.metrics)} for one in catalog.results],
    }


def from_plain(plain: Mapping[str, Any]) -> Catalog:
    """What `to_plain` gave.

    Raises:
        ValueError, TypeError, KeyError: it is no such object.
    """
    impressions, clicks = _source(plain["impressions"]), _source(plain["clicks"])
    texts: dict[str, str] = plain["metrics"]
    expressions = Expressions(texts, {one.name: one for one in impressions.fields})
    metrics = tuple(builtin.metric(name, text, expressions) for name, text in texts.items())
    results = [Result(**(one | {"by": tuple(one["by"]), "metrics": tuple(one["metrics"])})) for one in plain["results"]]
    return Catalog(impressions, clicks, metrics, tuple(results))


def _plain_source(source: EventSource) -> dict[str, Any]:
    fields = [
        vars(one) | {"default": str(one.default) if isinstance(one.default, Decimal) else one.default}
        for one in source.fields
    ]
    return vars(source) | {"fields": fields}


def _source(plain: Mapping[str, Any]) -> EventSource:
    paths = {name: tuple(plain[name]) for name in ("id", "time", "parent") if plain[name] is not None}
    return EventSource(**{**plain, **paths, "fields": tuple(_field(one) for one in plain["fields"])})


def _field(plain: Mapping[str, Any]) -> EventField:
    default = plain["default"]
    if plain["type"] == "decimal" and default is not None:
        default = Decimal(default)
    return EventField(**{**plain, "path": tuple(plain["path"]), "default": default})
