"""What the catalog declares, in Flink SQL: the columns of events, what the function sums up, the results."""

from __future__ import annotations

from dataclasses import dataclass

from adclick_cli.catalog import records
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.flink_sql import field_type, flink
from adclick_cli.catalog.model import Catalog, EventField, Result
from adclick_cli.catalog.tree import CLICK_COUNT, IMPRESSION_COUNT, Count, Leaf, Sum, leaf_name, leaves
from adclick_cli.pipeline import Pipeline

_PLAIN = frozenset(
    one.name for source in (CATALOG.impressions, CATALOG.clicks) for one in (*source.ids, *source.fields)
)
"""Names that are no word of the SQL's own."""


@dataclass(frozen=True)
class Column:
    """A column and how it is made.

    Attributes:
        name: as it is written in SQL.
        sql: its expression, or its type.
    """

    name: str
    sql: str


@dataclass(frozen=True)
class DeclaredResult:
    """A result besides the built-in ones.

    Attributes:
        name: of the result.
        by: what it is broken down by, with the type that the column gets back.
        totals: what is summed up in each group of `window_counts` or `live_counts`.
        metrics: its numbers, made of the totals.
        live: whether open windows have rows, too.
    """

    name: str
    by: tuple[Column, ...]
    totals: tuple[Column, ...]
    metrics: tuple[Column, ...]
    live: bool


def quoted(name: str) -> str:
    """A column's name, in backquotes where it might be a word of the SQL's own."""
    return name if name in _PLAIN else f"`{name}`"


def event_columns(pipeline: Pipeline, name: str) -> tuple[Column, ...]:
    """The columns of a table of events: names and types."""
    return tuple(Column(quoted(one.name), field_type(one)) for one in pipeline.event_columns(name))


def dimensions(catalog: Catalog) -> tuple[Column, ...]:
    """What impressions are grouped by: texts for the function."""
    return tuple(
        Column(quoted(one.name), quoted(one.name) if one.type == "text" else f"CAST({quoted(one.name)} AS STRING)")
        for one in catalog.impressions.named(catalog.dimensions)
    )


def sums(catalog: Catalog) -> tuple[Column, ...]:
    """What the function sums up of impressions: whole numbers, a decimal in units of its last digit."""
    return tuple(Column(leaf_name(one), _summand(one)) for one in catalog.summed)


def results(catalog: Catalog) -> tuple[DeclaredResult, ...]:
    """The declared results."""
    return tuple(_result(catalog, one) for one in records.declared(catalog))


def _result(catalog: Catalog, result: Result) -> DeclaredResult:
    metrics = [catalog.metric(name) for name in result.metrics]
    totals = {name: f"SUM({name})" for name in (IMPRESSION_COUNT, CLICK_COUNT)}
    totals |= {leaf_name(one): _summed(catalog, one) for one in leaves(metric.tree for metric in metrics)}
    return DeclaredResult(
        result.name,
        tuple(Column(quoted(one.name), _given_back(one)) for one in catalog.impressions.named(result.by)),
        tuple(Column(name, sql) for name, sql in totals.items()),
        tuple(Column(quoted(one.column), flink(one.tree)) for one in metrics),
        result.live,
    )


def _given_back(field: EventField) -> str:
    return quoted(field.name) if field.type == "text" else f"CAST({quoted(field.name)} AS {field_type(field)})"


def _summand(leaf: Leaf) -> str:
    name = quoted(leaf.field)
    if isinstance(leaf, Count):
        return f"CAST(CASE WHEN {name} IS NULL THEN 0 ELSE 1 END AS BIGINT)"
    return f"CAST({name} * {10**leaf.scale} AS BIGINT)" if leaf.scale else f"CAST({name} AS BIGINT)"


def _summed(catalog: Catalog, leaf: Leaf) -> str:
    total = f"SUM({leaf_name(leaf)})"
    if isinstance(leaf, Count) or leaf.scale is None:
        whole = f"CAST({total} AS BIGINT)"
    elif leaf.scale == 0:
        whole = total
    else:
        # The product of two decimals has the digits of both and one more, and 38 at most.
        unit = f"CAST(0.{'0' * (leaf.scale - 1)}1 AS DECIMAL({leaf.scale + 1}, {leaf.scale}))"
        whole = f"CAST({total} AS DECIMAL({36 - leaf.scale}, 0)) * {unit}"
        whole = f"CAST({whole} AS DECIMAL(38, {leaf.scale}))"
    if isinstance(leaf, Sum) and catalog.summed[leaf].nullable:
        count = leaf_name(Count(leaf.field))
        return f"CASE\n                WHEN SUM({count}) > 0\n                    THEN {whole}\n            END"
    return whole
