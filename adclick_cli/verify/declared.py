"""The declared results in the oracle: what is summed up, what rows must say, and rows compared with it.

Late events leave a count or a sum open within bounds. Then the row's own counts and sums are held against the bounds; a
metric that is made of them has no bounds of its own and is not judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adclick_cli.catalog import records
from adclick_cli.catalog.duckdb_sql import duckdb, field_type
from adclick_cli.catalog.model import Catalog, EventField, Metric, Result
from adclick_cli.catalog.tree import CLICK_COUNT, IMPRESSION_COUNT, Clicks, Count, Impressions, Leaf, Sum, leaf_name
from adclick_cli.schema import TIMES
from adclick_cli.verify.compare import INSTANT, NUMBER, Comparison, load, utc

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

CLOSE = 1e-12
"""Relative difference of two doubles that are taken as equal: a decimal may become another neighbour in Java."""

_EXPECTED = """
CREATE OR REPLACE TABLE expected_{name} AS
SELECT
    window_start, window_end, {key} AS key,
    sum(impressions_low)::BIGINT AS impression_count_low, sum(impressions_high)::BIGINT AS impression_count_high,
    sum(clicks_low)::BIGINT AS click_count_low, sum(clicks_high)::BIGINT AS click_count_high{leaves},
    sum(impressions_low) > 0 AND window_end - 1 + $held <= $bound AS must
FROM counts
GROUP BY window_start, window_end, {key}
"""


def dimensions(catalog: Catalog, table: str = "") -> str:
    """The columns that impressions are grouped by, of a table such as `i.`."""
    return ", ".join(f'{table}"{name}"' for name in catalog.dimensions)


def sums(catalog: Catalog) -> dict[str, str]:
    """The parts of the oracle's counts that sum up, by the name of their place.

    Of an id that stands in several impressions of one group, one counts: the bounds are the least and the greatest.
    What may not have counted moves one bound only.
    """
    found = dict.fromkeys(("sums_alone", "values_again", "sums_again", "sums_shown"), "")
    for leaf, field in catalog.summed.items():
        name, value = leaf_name(leaf), _value(leaf, field)
        low, high = (
            "CASE WHEN certain THEN {0} ELSE least({0}, 0) END",
            "CASE WHEN certain THEN {0} ELSE greatest({0}, 0) END",
        )
        found["sums_alone"] += f", sum({low.format(value)}) AS {name}_low, sum({high.format(value)}) AS {name}_high"
        found["values_again"] += f", min({value}) AS {name}_least, max({value}) AS {name}_most"
        found["sums_again"] += (
            f", sum({low.format(name + '_least')}) AS {name}_low, sum({high.format(name + '_most')}) AS {name}_high"
        )
        found["sums_shown"] += f", sum({name}_low) AS {name}_low, sum({name}_high) AS {name}_high"
    return found


def _value(leaf: Leaf, field: EventField) -> str:
    if isinstance(leaf, Count):
        return f'CASE WHEN "{field.name}" IS NULL THEN 0 ELSE 1 END'
    return f'COALESCE(CAST("{field.name}" AS {field_type(field)}), 0)'


def _kind(leaf: Leaf) -> str:
    return "BIGINT" if isinstance(leaf, Count) or leaf.scale is None else f"DECIMAL(38, {leaf.scale})"


def expected(catalog: Catalog) -> Iterator[str]:
    """The statements that make `expected_NAME` of each declared result."""
    leaves = "".join(
        f", sum({leaf_name(one)}_{bound})::{_kind(one)} AS {leaf_name(one)}_{bound}"
        for one in catalog.summed
        for bound in ("low", "high")
    )
    for result in records.declared(catalog):
        yield _EXPECTED.format(name=result.name, key=_key(result), leaves=leaves)


def _key(result: Result) -> str:
    return "to_json([" + ", ".join(f'CAST("{name}" AS VARCHAR)' for name in result.by) + "])::VARCHAR"


def check(
    db: DuckDBPyConnection, catalog: Catalog, result: Result, messages: pa.Table, judged_after: int | None
) -> Comparison:
    """Compare a declared result's rows with `expected_NAME`.

    Args:
        db: with that table.
        catalog: what is declared.
        result: whose rows they are.
        messages: the topic's messages, as `raw.TopicTable` gives them.
        judged_after: only windows that start later are judged, ms since the epoch; None judges all.
    """
    metrics = [catalog.metric(name) for name in result.metrics]
    columns = {name: INSTANT.format(name=name) for name in TIMES}
    texts = ", ".join(f"json_extract_string(text, '$.{name}')" for name in result.by)
    there = " AND ".join(f"json_extract_string(text, '$.{name}') IS NOT NULL" for name in result.by)
    columns["key"] = f"CASE WHEN {there} THEN to_json([{texts}])::VARCHAR END"
    columns |= {f'"{one.column}"': NUMBER.format(name=one.column, kind=one.type) for one in metrics}
    keys = (*TIMES, "key")
    found = load(db, result.name, columns, list(keys), keys, messages)
    for row in _joined(db, catalog, result, metrics):
        _judge(found, result, metrics, row, judged_after)
    return found


def _joined(db: DuckDBPyConnection, catalog: Catalog, result: Result, metrics: list[Metric]) -> list[tuple[Any, ...]]:
    names = [IMPRESSION_COUNT, CLICK_COUNT, *map(leaf_name, catalog.summed)]
    lows = ", ".join(f"{name}_low AS {name}" for name in names)
    # A sum of no value at all is null.
    nulls = {
        leaf_name(leaf): f"CASE WHEN {leaf_name(Count(leaf.field))} > 0 THEN {leaf_name(leaf)} END AS {leaf_name(leaf)}"
        for leaf, field in catalog.summed.items()
        if isinstance(leaf, Sum) and field.nullable
    }
    replaced = f"REPLACE ({', '.join(nulls.values())})" if nulls else ""
    values = ", ".join(f'{duckdb(one.tree)} AS "expected {one.name}"' for one in metrics)
    sure = " AND ".join(f"{name}_low = {name}_high" for name in names)
    bounds = [f"{leaf}_{bound}" if leaf else "NULL" for leaf in map(_leaf, metrics) for bound in ("low", "high")]
    shown = [f'r."{one.column}"' for one in metrics]
    wanted = [f'e."expected {one.name}"' for one in metrics]
    sql = f"""
    WITH bounded AS (SELECT *, {sure} AS sure, {lows} FROM expected_{result.name}),
    valued AS (SELECT * {replaced} FROM bounded),
    e AS (SELECT *, {values} FROM valued)
    SELECT
        COALESCE(e.window_start, r.window_start), COALESCE(e.window_end, r.window_end), COALESCE(e.key, r.key),
        e.key IS NOT NULL, r.key IS NOT NULL, e.must, e.sure, [{_texts(wanted)}], [{_texts(shown)}], [{_texts(bounds)}]
    FROM e FULL JOIN rows_{result.name} AS r
        ON r.window_start = e.window_start AND r.window_end = e.window_end AND r.key = e.key
    ORDER BY 1, 3
    """  # noqa: S608 - names that the catalog's check lets through, no value
    return db.execute(sql).fetchall()


def _texts(columns: list[str]) -> str:
    return ", ".join(f"CAST({one} AS VARCHAR)" for one in columns)


def _leaf(metric: Metric) -> str | None:
    """The count or sum that a metric is, if it is one alone."""
    if isinstance(metric.tree, (Impressions, Clicks)):
        return metric.column
    return leaf_name(metric.tree) if isinstance(metric.tree, (Sum, Count)) else None


def _judge(
    found: Comparison, result: Result, metrics: list[Metric], row: tuple[Any, ...], judged_after: int | None
) -> None:
    start, _, key, known, there, must, sure, wanted, shown, bounds = row
    where = f"{result.name}: {key} {utc(start)}"
    if judged_after is not None and start <= judged_after:
        found.beyond_retention += there
    elif not there and not must:
        found.pending += 1
    elif not there:
        found.missing += 1
        found.differences.append(f"{where} is missing ({_told(metrics, wanted)})")
    elif not known:
        found.unexpected += 1
        found.differences.append(f"{where} is unexpected ({_told(metrics, shown)})")
    else:
        wrong = []
        for at, metric in enumerate(metrics):
            span = bounds[2 * at], bounds[2 * at + 1]
            if not _fits(metric, shown[at], wanted[at], span, sure):
                right = wanted[at] if sure else f"{span[0]} to {span[1]}"
                wrong.append(f"{metric.column} is {shown[at]}, expected {right}")
        if wrong:
            found.different += 1
            found.differences.append(f"{where}: {'; '.join(wrong)}")
        else:
            found.compared += 1
            found.indeterminate += not sure


def _told(metrics: list[Metric], values: list[str | None]) -> str:
    return ", ".join(f"{one.column} {value}" for one, value in zip(metrics, values, strict=True))


def _fits(
    metric: Metric, shown: str | None, wanted: str | None, span: tuple[str | None, str | None], sure: bool
) -> bool:
    if not sure:
        low, high = span
        return low is None or high is None or shown is None or Decimal(low) <= Decimal(shown) <= Decimal(high)
    if shown is None or wanted is None:
        return shown is wanted
    if metric.type.name == "double":
        return math.isclose(float(shown), float(wanted), rel_tol=CLOSE, abs_tol=0)
    return Decimal(shown) == Decimal(wanted)
