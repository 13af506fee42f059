"""A metric in SQL: DuckDB computes what Python's exact numbers say, Flink's words are as expected."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlglot import expressions as sql

from adclick_cli.catalog import duckdb_sql, flink_sql
from adclick_cli.catalog.model import EventField
from adclick_cli.catalog.tree import (
    Binary,
    Clicks,
    Count,
    Impressions,
    Negative,
    Number,
    Sum,
    Tree,
    leaf_name,
    leaves,
    result_type,
)
from tests.unit.catalog.builders import FIELDS, parse, trees

Value = Decimal | float | None
COLUMNS = {
    "impression_count": "bigint",
    "click_count": "bigint",
    "sum_cost": "decimal(38, 6)",
    "sum_price": "decimal(38, 2)",
    "sum_seconds": "bigint",
    "count_browser": "bigint",
}
_COUNT = st.integers(0, 1_000_000)
ROWS = st.fixed_dictionaries(
    {
        "impression_count": _COUNT,
        "click_count": _COUNT,
        "sum_cost": st.none() | st.integers(-(10**12), 10**12).map(lambda micros: Decimal(micros).scaleb(-6)),
        "sum_price": st.none() | st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2)),
        "sum_seconds": st.none() | st.integers(-(10**9), 10**9),
        "count_browser": _COUNT,
    }
)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def _known(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _expected(tree: Tree, row: dict[str, int | Decimal | None]) -> Value:
    """The value by the rules of the docstrings: exact, but for ratios; null for null and for a division by zero."""
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Impressions):
        return _known(row["impression_count"])
    if isinstance(tree, Clicks):
        return _known(row["click_count"])
    if isinstance(tree, (Sum, Count)):
        return _known(row[leaf_name(tree)])
    if isinstance(tree, Negative):
        inner = _expected(tree.value, row)
        return None if inner is None else -inner
    left, right = _expected(tree.left, row), _expected(tree.right, row)
    if left is None or right is None:
        return None
    return _of_two(tree, left, right)


def _of_two(tree: Binary, left: Decimal | float, right: Decimal | float) -> Value:
    if tree.op == "/":
        return None if right == 0 else float(left) / float(right)
    if str(result_type(tree)) == "double":
        a, b = float(left), float(right)
        return a + b if tree.op == "+" else a - b if tree.op == "-" else a * b
    assert isinstance(left, Decimal)
    assert isinstance(right, Decimal)
    return left + right if tree.op == "+" else left - right if tree.op == "-" else left * right


def _fits(tree: Tree, row: dict[str, int | Decimal | None]) -> bool:
    """Whether no exact step needs more digits than a column has."""
    if isinstance(tree, Negative):
        return _fits(tree.value, row)
    if not isinstance(tree, Binary):
        return True
    value = _expected(tree, row)
    limit = Decimal(2**63) if str(result_type(tree)) == "bigint" else Decimal(10) ** (38 - result_type(tree).scale)
    small = not isinstance(value, Decimal) or abs(value) < limit
    return small and _fits(tree.left, row) and _fits(tree.right, row)


@given(tree=trees(), row=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
def test_both_texts_compute_what_exact_numbers_say(
    connection: duckdb.DuckDBPyConnection, tree: Tree, row: dict[str, int | Decimal | None]
) -> None:
    with localcontext() as context:
        context.prec = 200
        assume(_fits(tree, row))
        expected = _expected(tree, row)
    columns = ", ".join(f"CAST(? AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    # What is written for Flink has no word that DuckDB would not read the same way.
    own, flinks = duckdb_sql.duckdb(tree), flink_sql.flink(tree)
    query = f"SELECT own, typeof(own), flinks FROM (SELECT {own} AS own, {flinks} AS flinks FROM (SELECT {columns}))"
    found, kind, also = connection.execute(query, [row[name] for name in COLUMNS]).fetchall()[0]
    assert kind.lower().replace(",", ", ") == str(result_type(tree))
    for one in (found, also):
        if isinstance(expected, float):
            assert one == pytest.approx(expected, rel=1e-12, abs=1e-300)
        else:
            assert one == expected


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("clicks / impressions", "double", "CAST(click_count AS DOUBLE) / NULLIF(impression_count, 0)"),
        ("sum(cost)", "decimal(38, 6)", "sum_cost"),
        ("sum(seconds)", "bigint", "sum_seconds"),
        ("-clicks", "bigint", "-(click_count)"),
        ("clicks - -impressions", "bigint", "click_count - (-(impression_count))"),
        ("2 * clicks", "bigint", "2 * click_count"),
        ("30000 * 100000 * clicks", "bigint", "(CAST(30000 AS BIGINT) * 100000) * click_count"),
        ("clicks / sum(cost)", "double", "CAST(click_count AS DOUBLE) / NULLIF(CAST(sum_cost AS DOUBLE), 0)"),
        (
            "avg(cost) / avg(seconds)",
            "double",
            "(CAST(sum_cost AS DOUBLE) / NULLIF(count_cost, 0))"
            " / NULLIF(CAST(sum_seconds AS DOUBLE) / NULLIF(count_seconds, 0), 0)",
        ),
        (
            "clicks / impressions + 1",
            "double",
            "(CAST(click_count AS DOUBLE) / NULLIF(impression_count, 0)) + CAST(1 AS DOUBLE)",
        ),
        (
            "sum(cost) + sum(price)",
            "decimal(38, 6)",
            "CAST(CAST(sum_cost AS DECIMAL(37, 6)) + CAST(sum_price AS DECIMAL(33, 2)) AS DECIMAL(38, 6))",
        ),
        (
            "sum(cost) * 0.85",
            "decimal(38, 8)",
            "CAST(CAST(sum_cost AS DECIMAL(34, 6)) * CAST(0.85 AS DECIMAL(3, 2)) AS DECIMAL(38, 8))",
        ),
        (
            "1000 * sum(cost)",
            "decimal(38, 6)",
            "CAST(CAST(1000 AS DECIMAL(4, 0)) * CAST(sum_cost AS DECIMAL(33, 6)) AS DECIMAL(38, 6))",
        ),
        ("clicks * sum(cost)", "double", "CAST(click_count AS DOUBLE) * CAST(sum_cost AS DOUBLE)"),
        (
            "0.000000001 * 0.000000001 * 0.5 * clicks",
            "double",
            "(CAST(CAST(0.000000001 AS DECIMAL(10, 9)) * CAST(0.000000001 AS DECIMAL(10, 9)) AS DOUBLE)"
            " * CAST(0.5 AS DOUBLE)) * CAST(click_count AS DOUBLE)",
        ),
    ],
)
def test_flinks_words_and_the_type(text: str, kind: str, words: str) -> None:
    tree = parse(text)
    assert str(result_type(tree)) == kind
    assert flink_sql.flink(tree) == words


def _digits(node: Any) -> tuple[int, int] | None:
    """Digits of an expression in all and behind the point, as Flink has them; None for a double.

    The rule of Flink's LogicalTypeMerging; where it asks for more than 38, digits behind the point are lost.
    """
    if isinstance(node, sql.Paren | sql.Neg):
        return _digits(node.this)
    if isinstance(node, sql.Cast):
        _digits(node.this)
        numbers = [int(one.name) for one in node.to.expressions]
        return (numbers[0], numbers[1]) if numbers else None if node.to.is_type("double") else (19, 0)
    if isinstance(node, sql.Column):
        return {"sum_cost": (38, 6), "sum_price": (38, 2)}.get(node.name, (19, 0))
    if isinstance(node, sql.Literal):
        whole, _, rest = node.name.partition(".")
        return (len(whole + rest), len(rest)) if rest else (10, 0)
    left, right = _digits(node.this), _digits(node.expression)
    if left is None or right is None:
        return None
    if left[1] == right[1] == 0 and max(left[0], right[0]) <= 19 and "DECIMAL" not in node.sql():
        return (19, 0)
    if isinstance(node, sql.Mul):
        found = (left[0] + right[0] + 1, left[1] + right[1])
    else:
        scale = max(left[1], right[1])
        found = (max(left[0] - left[1], right[0] - right[1]) + scale + 1, scale)
    assert found[0] <= 38, node.sql()
    return found


@given(trees())
@settings(deadline=None)
def test_flink_cuts_no_digit_off(tree: Tree) -> None:
    found = _digits(sqlglot.parse_one(flink_sql.flink(tree)))
    kind = result_type(tree)
    if kind.name == "double":
        assert found is None
    else:
        assert found is not None
        assert found[1] == kind.scale


def test_columns_may_stand_for_other_sql() -> None:
    tree = parse("sum(cost) / clicks")
    columns = {"sum_cost": "SUM(sum_cost)", "click_count": "SUM(click_count)"}
    assert flink_sql.flink(tree, columns) == "CAST(SUM(sum_cost) AS DOUBLE) / NULLIF(SUM(click_count), 0)"


def test_the_type_of_a_column_in_flink() -> None:
    kinds = [flink_sql.column_type(result_type(parse(text))) for text in ("clicks", "sum(cost)", "avg(cost)")]
    assert kinds == ["BIGINT", "DECIMAL(38, 6)", "DOUBLE"]


def test_the_type_of_a_fields_column() -> None:
    fields = [*FIELDS.values(), EventField("seen", ("seen",), "boolean")]
    assert [flink_sql.field_type(one) for one in fields] == [
        *("DECIMAL(18, 6)", "DECIMAL(12, 2)", "BIGINT", "STRING", "BOOLEAN")
    ]
    assert [duckdb_sql.field_type(one) for one in fields] == [
        *("decimal(18, 6)", "decimal(12, 2)", "bigint", "varchar", "boolean")
    ]


def test_leaves_are_each_there_once_in_the_order_of_first_use() -> None:
    tree = parse("sum(seconds) / count(cost) + sum(cost) / sum(seconds)")
    assert [leaf_name(leaf) for leaf in leaves([tree, parse("avg(price)")])] == [
        "sum_seconds",
        "count_cost",
        "sum_cost",
        "sum_price",
        "count_price",
    ]
