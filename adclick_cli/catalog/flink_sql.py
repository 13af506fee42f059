"""A metric as an expression of Flink SQL, over the columns that hold a group's counts and sums.

`duckdb_sql.py` says the same for the oracle. The two share no code: one is there to disagree with the other.

Flink cuts digits off behind the point where an exact result would have more than 38. So what is exact is cast
beforehand to as many digits before the point as fit; a value that has more of them becomes null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adclick_cli.catalog.model import EventField
from adclick_cli.catalog.tree import (
    BIGINT,
    BIGINT_DIGITS,
    CLICK_COUNT,
    DOUBLE,
    IMPRESSION_COUNT,
    MOST_DIGITS,
    Binary,
    Clicks,
    Count,
    Impressions,
    Negative,
    Number,
    ResultType,
    Sum,
    Tree,
    leaf_name,
    result_type,
)


@dataclass(frozen=True)
class _Value:
    """An expression with its type; `atomic` if it needs no parentheses, `constant` if there is no column in it."""

    sql: str
    type: ResultType
    digits: int = 0
    atomic: bool = True
    constant: bool = False

    @property
    def operand(self) -> str:
        return self.sql if self.atomic else f"({self.sql})"

    @property
    def whole_digits(self) -> int:
        """Digits before the point."""
        return self.digits - self.type.scale

    @property
    def as_double(self) -> str:
        return self.operand if self.type == DOUBLE else f"CAST({self.sql} AS DOUBLE)"

    def within(self, whole_digits: int) -> _Value:
        """The same with at most so many digits before the point."""
        digits = min(self.whole_digits, whole_digits) + self.type.scale
        if digits == self.digits and not self.constant and self.type != BIGINT:
            return self
        return _Value(f"CAST({self.sql} AS DECIMAL({digits}, {self.type.scale}))", self.type, digits)


def column_type(kind: ResultType) -> str:
    """The type of a column that holds a metric's values."""
    return f"DECIMAL({MOST_DIGITS}, {kind.scale})" if kind.name == "decimal" else kind.name.upper()


def field_type(field: EventField) -> str:
    """The type of a column that holds a field of an event."""
    if field.type == "decimal":
        return f"DECIMAL({field.precision}, {field.scale})"
    return {"text": "STRING", "integer": "BIGINT", "boolean": "BOOLEAN"}[field.type]


def flink(tree: Tree, columns: Mapping[str, str] | None = None) -> str:
    """The expression of a metric; its type is `column_type(result_type(tree))`.

    Args:
        tree: the metric.
        columns: SQL of the program's own to put in the place of `impression_count`, `click_count` or a leaf's column
            (`leaf_name`), for example `SUM(sum_cost)`; a column that is not in it stands for itself. Counts and sums
            of integers have the type BIGINT, sums of decimals DECIMAL(38, s).
    """
    value = _value(tree, columns or {})
    if value.type.name == "decimal" and isinstance(tree, Binary):
        return f"CAST({value.sql} AS {column_type(value.type)})"
    return value.sql


def _value(tree: Tree, columns: Mapping[str, str]) -> _Value:
    kind = result_type(tree)
    if isinstance(tree, Number):
        return _Value(f"{tree.value:f}", kind, tree.digits, constant=True)
    if isinstance(tree, (Impressions, Clicks)):
        name = IMPRESSION_COUNT if isinstance(tree, Impressions) else CLICK_COUNT
        return _Value(columns.get(name, name), kind, BIGINT_DIGITS)
    if isinstance(tree, (Sum, Count)):
        name = leaf_name(tree)
        return _Value(columns.get(name, name), kind, BIGINT_DIGITS if kind == BIGINT else MOST_DIGITS)
    if isinstance(tree, Negative):
        inner = _value(tree.value, columns)
        return _Value(f"-({inner.sql})", kind, inner.digits, atomic=False, constant=inner.constant)
    left, right = _value(tree.left, columns), _value(tree.right, columns)
    if tree.op == "/":
        return _ratio(left, right)
    if kind == DOUBLE:
        return _Value(f"{left.as_double} {tree.op} {right.as_double}", DOUBLE, atomic=False)
    if kind == BIGINT:
        return _whole(tree, left, right)
    return _product(left, right, kind) if tree.op == "*" else _sum(tree, left, right, kind)


def _ratio(left: _Value, right: _Value) -> _Value:
    below = right.as_double if right.type.name == "decimal" else right.sql
    return _Value(f"{left.as_double} / NULLIF({below}, 0)", DOUBLE, atomic=False)


def _whole(tree: Binary, left: _Value, right: _Value) -> _Value:
    constant = left.constant and right.constant
    # Two constants are INT in Flink, and their product would come round again beyond 2**31.
    first = f"CAST({left.sql} AS BIGINT)" if constant else left.operand
    return _Value(f"{first} {tree.op} {right.operand}", BIGINT, BIGINT_DIGITS, atomic=False, constant=constant)


def _sum(tree: Binary, left: _Value, right: _Value, kind: ResultType) -> _Value:
    room = MOST_DIGITS - kind.scale - 1
    left, right = left.within(room), right.within(room)
    digits = max(left.whole_digits, right.whole_digits) + kind.scale + 1
    return _Value(f"{left.operand} {tree.op} {right.operand}", kind, digits, atomic=False)


def _product(left: _Value, right: _Value, kind: ResultType) -> _Value:
    room = MOST_DIGITS - kind.scale - 1
    half = room // 2
    if left.whole_digits <= right.whole_digits:
        left = left.within(half)
        right = right.within(room - left.whole_digits)
    else:
        right = right.within(half)
        left = left.within(room - right.whole_digits)
    return _Value(f"{left.operand} * {right.operand}", kind, left.digits + right.digits + 1, atomic=False)
