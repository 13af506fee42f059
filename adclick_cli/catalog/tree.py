"""A metric as a tree of numbers, counts, sums and arithmetic; references to other metrics are expanded.

The leaves are what a group of impressions is summed up to. `impressions` and `clicks` are never null; a sum is null
where no impression of the group has the field. What is made of null is null, and so is a division by zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Operator = Literal["+", "-", "*", "/"]

MOST_DIGITS = 38
"""Digits of the longest decimal, in Flink and in DuckDB."""
BIGINT_DIGITS = 19
MOST_PRODUCT_SCALE = 18
"""Digits behind the point of an exact product; one with more is a double."""


@dataclass(frozen=True)
class Number:
    """A constant, zero or more, as it was written."""

    value: Decimal

    @property
    def scale(self) -> int:
        """Digits behind the point."""
        return max(0, -int(self.value.as_tuple().exponent))

    @property
    def digits(self) -> int:
        """Digits of the decimal type that holds it."""
        return max(len(self.value.as_tuple().digits), self.scale + 1)


@dataclass(frozen=True)
class Impressions:
    """Impressions of the group, each id once."""


@dataclass(frozen=True)
class Clicks:
    """Clicks on these impressions within the attribution window, each id once."""


@dataclass(frozen=True)
class Sum:
    """The sum of a field over the group's impressions, each once however many clicks it has.

    Attributes:
        field: its name.
        scale: digits behind the point of a decimal field; None for an integer field.
    """

    field: str
    scale: int | None = None


@dataclass(frozen=True)
class Count:
    """Impressions of the group that have the field."""

    field: str


@dataclass(frozen=True)
class Negative:
    """The same with the other sign."""

    value: Tree


@dataclass(frozen=True)
class Binary:
    """Two values and what is done with them; `/` gives a double, and null where the right one is zero."""

    op: Operator
    left: Tree
    right: Tree


Leaf = Sum | Count
Tree = Number | Impressions | Clicks | Sum | Count | Negative | Binary

IMPRESSION_COUNT = "impression_count"
CLICK_COUNT = "click_count"


def leaf_name(leaf: Leaf) -> str:
    """The column that holds a leaf's value, for example `sum_cost`."""
    return f"{'sum' if isinstance(leaf, Sum) else 'count'}_{leaf.field}"


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and all below it, from left to right."""
    yield tree
    if isinstance(tree, Negative):
        yield from walk(tree.value)
    elif isinstance(tree, Binary):
        yield from walk(tree.left)
        yield from walk(tree.right)


def leaves(trees: Iterable[Tree]) -> tuple[Leaf, ...]:
    """The sums and counts of fields in these trees, each once, in the order in which they are first met."""
    return tuple(dict.fromkeys(one for tree in trees for one in walk(tree) if isinstance(one, (Sum, Count))))


def is_additive(tree: Tree) -> bool:
    """Whether its values of parts of a group add up to the value of the whole."""
    if isinstance(tree, Negative):
        return is_additive(tree.value)
    if isinstance(tree, Binary):
        return tree.op in ("+", "-") and is_additive(tree.left) and is_additive(tree.right)
    return not isinstance(tree, Number)


def is_constant(tree: Tree) -> bool:
    """Whether nothing but numbers is in it."""
    return all(isinstance(one, (Number, Negative, Binary)) for one in walk(tree))


@dataclass(frozen=True)
class ResultType:
    """What a metric's values are.

    Attributes:
        name: `bigint`, `decimal` or `double`.
        scale: digits behind the point of a decimal, 0 for a bigint; a double has none.
    """

    name: Literal["bigint", "decimal", "double"]
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({MOST_DIGITS}, {self.scale})" if self.name == "decimal" else self.name


BIGINT = ResultType("bigint")
DOUBLE = ResultType("double")


def result_type(tree: Tree) -> ResultType:
    """The type of its values: a ratio is a double; else with a decimal in it a decimal, else a bigint.

    An exact sum has the larger of two scales; the exact product with a constant has both together. Any other product
    with a decimal in it is a double, and so is one with more than `MOST_PRODUCT_SCALE` digits behind the point: there
    would be too few digits before it.
    """
    if isinstance(tree, Number):
        return ResultType("decimal", tree.scale) if tree.scale else BIGINT
    if isinstance(tree, Sum):
        return BIGINT if tree.scale is None else ResultType("decimal", tree.scale)
    if isinstance(tree, Negative):
        return result_type(tree.value)
    if not isinstance(tree, Binary):
        return BIGINT
    left, right = result_type(tree.left), result_type(tree.right)
    if tree.op == "/" or DOUBLE in (left, right):
        return DOUBLE
    if left == right == BIGINT:
        return BIGINT
    if tree.op != "*":
        return ResultType("decimal", max(left.scale, right.scale))
    scale = left.scale + right.scale
    exact = scale <= MOST_PRODUCT_SCALE and (is_constant(tree.left) or is_constant(tree.right))
    return ResultType("decimal", scale) if exact else DOUBLE
