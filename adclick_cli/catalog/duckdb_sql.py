"""A metric as an expression of DuckDB's SQL: the oracle's own word, written apart from `flink_sql.py`.

DuckDB keeps every digit behind the point, and ends with an error where an exact result has more than 38 digits.
"""

from __future__ import annotations

from adclick_cli.catalog.model import EventField
from adclick_cli.catalog.tree import Binary, Clicks, Impressions, Negative, Number, Tree, leaf_name, result_type


def field_type(field: EventField) -> str:
    """The type of a column that holds a field of an event."""
    plain = {"text": "varchar", "integer": "bigint", "boolean": "boolean"}
    return plain.get(field.type, f"decimal({field.precision}, {field.scale})")


def duckdb(tree: Tree) -> str:
    """The expression of a metric, of the type `result_type(tree)`.

    Its columns are `impression_count`, `click_count` and the leaves' (`leaf_name`): BIGINT for counts and for sums of
    integers (DuckDB's own `sum` gives HUGEINT: cast it), DECIMAL(38, s) for sums of decimals.
    """
    return f"CAST({_expression(tree)} AS {result_type(tree)})"


def _expression(tree: Tree) -> str:
    if isinstance(tree, Binary):
        return _binary(tree)
    if isinstance(tree, Negative):
        return f"(0 - {_expression(tree.value)})"
    if isinstance(tree, Number):
        return f"CAST({tree.value:f} AS decimal({tree.digits}, {tree.scale}))" if tree.scale else _integer(tree)
    if isinstance(tree, Impressions):
        return "impression_count"
    if isinstance(tree, Clicks):
        return "click_count"
    return leaf_name(tree)


def _integer(number: Number) -> str:
    return f"{number.value:f}::bigint"


def _binary(tree: Binary) -> str:
    kind = result_type(tree).name
    left, right = _expression(tree.left), _expression(tree.right)
    if tree.op == "/":
        return f"(({left})::double / nullif(({right})::double, 0))"
    if kind == "double":
        return f"(({left})::double {tree.op} ({right})::double)"
    return f"({left} {tree.op} {right})"
