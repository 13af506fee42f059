"""The text of a metric becomes a tree, or is refused: nothing of the text itself ever reaches SQL.

Allowed are numbers, names, `+ - * /`, a sign, parentheses, and `sum`, `avg` and `count` of an impression's field. Names
are `impressions`, `clicks` and other metrics.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from adclick_cli.catalog.tree import (
    BIGINT_DIGITS,
    Binary,
    Clicks,
    Count,
    Impressions,
    Negative,
    Number,
    Sum,
    Tree,
    walk,
)

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

    from adclick_cli.catalog.model import EventField

COUNTS: Mapping[str, Tree] = {"impressions": Impressions(), "clicks": Clicks()}
"""The metrics that are always there."""
AGGREGATES = ("sum", "avg", "count")
NOT_YET = ("min", "max", "count_distinct")
LONGEST = 500
"""Characters of the text of a metric."""
DEEPEST = 20
"""Parentheses and signs within one another."""
MOST_PARTS = 100
"""Numbers, counts, sums and operations of a metric, those of the metrics that it is made of, too."""

_SIGNS = re.compile(r"[A-Za-z0-9_.+\-*/() ]*", re.ASCII)
_SIGNED = re.compile(rf"(?:[+-] *){{{DEEPEST}}}")
_COMMENT = re.compile(r"--|/\*|//|\*/")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w)(?!\s*\()", re.ASCII)
_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)
_TOO_LONG = (f"With the metrics in it, it has more than {MOST_PARTS} parts.", "Make it shorter.")
_ALLOWED = "Allowed are numbers, names of metrics, + - * /, parentheses, and sum, avg and count of a field."


class ExpressionError(ValueError):
    """A text is no metric.

    Attributes:
        why: what is wrong with it.
        hint: what to write instead.
        metric: the metric whose own text is wrong, which may be one that is asked for by another.
    """

    def __init__(self, why: str, hint: str = _ALLOWED, metric: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.metric = metric


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like another one, or None where none is."""
    return next(iter(difflib.get_close_matches(name.lower().replace("-", "_"), known, 1)), None)


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not there."""
    names = tuple(known)
    meant = nearest(name, names)
    return f"Did you mean {meant}?" if meant else f"There are: {', '.join(names) or 'none'}."


@dataclass
class Expressions:
    """The metrics of a catalog, parsed when they are asked for.

    Attributes:
        texts: what is declared, by name.
        fields: the impressions' fields, by name.
    """

    texts: Mapping[str, str]
    fields: Mapping[str, EventField]
    _trees: dict[str, Tree] = field(default_factory=dict, init=False)
    _open: list[str] = field(default_factory=list, init=False)

    def tree(self, name: str) -> Tree:
        """The tree of a metric that is declared, or of `impressions` and `clicks`.

        Raises:
            ExpressionError: its text, or that of a metric in it, is none; or it is made of itself.
        """
        if name in COUNTS:
            return COUNTS[name]
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            hint = "Take one of them out of the circle."
            raise ExpressionError(f"A metric cannot be made of itself: {cycle}.", hint, name)
        if name not in self._trees:
            self._open.append(name)
            try:
                self._trees[name] = self._parse(self.texts[name])
            except ExpressionError as error:
                error.metric = error.metric or name
                raise
            except RecursionError:
                raise ExpressionError(*_TOO_LONG, name) from None
            finally:
                self._open.pop()
        return self._trees[name]

    def _parse(self, text: str) -> Tree:
        _refuse_what_cannot_be_read(text)
        # SQL has words of its own; between quotes each is a name, and `position` or `date` may be one.
        tree = self._tree(_read(_NAME.sub(r'"\g<0>"', text)))
        if sum(1 for _ in walk(tree)) > MOST_PARTS:
            raise ExpressionError(*_TOO_LONG)
        return tree

    def _tree(self, node: Expr) -> Tree:
        from sqlglot import expressions as sql

        # The type itself: a subclass may mean something else. What a node has besides its parts is refused with it.
        kind = type(node)
        if kind is sql.Paren:
            return self._tree(_only(node, "this"))
        if kind is sql.Neg:
            return Negative(self._tree(_only(node, "this")))
        if kind is sql.Literal and not node.args["is_string"]:
            return _number(str(node.this))
        if kind is sql.Column:
            return self._named(_name(node))
        for known, op in ((sql.Add, "+"), (sql.Sub, "-"), (sql.Mul, "*"), (sql.Div, "/")):
            if kind is known:
                _only(node, "this", "expression")
                left, right = self._tree(node.this), self._tree(node.expression)
                return Binary(op, left, right)  # type: ignore[arg-type]
        for aggregate, word in ((sql.Sum, "sum"), (sql.Avg, "avg"), (sql.Count, "count")):
            if kind is aggregate:
                return self._aggregate(word, _only(node, "this"))
        raise ExpressionError("There is more in it than arithmetic of metrics.")

    def _named(self, name: str) -> Tree:
        if name in COUNTS or name in self.texts:
            return self.tree(name)
        if name in self.fields:
            raise ExpressionError(
                f"{name} is a field of each impression, and a metric is about many.", f"Write for example sum({name})."
            )
        raise ExpressionError(f"There is no metric {name}.", suggestion(name, (*COUNTS, *self.texts)))

    def _aggregate(self, word: str, inner: Expr) -> Tree:
        from sqlglot import expressions as sql

        if type(inner) is not sql.Column:
            raise ExpressionError(f"{word}(…) takes the name of one field.", f"Write for example {word}(cost).")
        name = _name(inner)
        if name not in self.fields:
            raise ExpressionError(f"Impressions have no field {name}.", suggestion(name, self.fields))
        if word == "count":
            return Count(name)
        declared = self.fields[name]
        if declared.type not in ("integer", "decimal"):
            raise ExpressionError(
                f"{word}({name}) is no number: the field is of the type {declared.type}.",
                f"Declare {name} as integer or decimal, or write count({name}).",
            )
        total = Sum(name, declared.scale if declared.type == "decimal" else None)
        return total if word == "sum" else Binary("/", total, Count(name))


def _refuse_what_cannot_be_read(text: str) -> None:
    if not text.strip():
        raise ExpressionError("It is empty.")
    if len(text) > LONGEST:
        raise ExpressionError(f"It is longer than {LONGEST} characters.", "Make several metrics of it.")
    if not _SIGNS.fullmatch(text):
        wrong = next(sign for sign in text if not _SIGNS.fullmatch(sign))
        raise ExpressionError(f"The character {wrong!r} cannot be part of it.")
    comment = _COMMENT.search(text)
    if comment:
        raise ExpressionError(f"{comment.group()!r} cannot be part of it.")
    deepest = depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        deepest = max(depth, deepest)
    if deepest > DEEPEST or _SIGNED.search(text):
        raise ExpressionError(
            f"More than {DEEPEST} parentheses stand within one another.", "Make several metrics of it."
        )
    for call in _CALL.findall(text):
        if call.lower() in NOT_YET:
            raise ExpressionError(f"{call.lower()} is not there yet.", f"Use {', '.join(AGGREGATES)}.")
        if call.lower() not in AGGREGATES:
            raise ExpressionError(f"There is no function {call}.", suggestion(call, AGGREGATES))


def _read(text: str) -> Expr:
    # It takes half a second to import, and the built-in catalog does without.
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(text)
    except SqlglotError:
        raise ExpressionError("It is no expression.") from None


def _only(node: Expr, *parts: str) -> Expr:
    """The first of a node's parts, where it has no others."""
    extra = {name for name, value in node.args.items() if value and name not in parts} - {"big_int"}
    if extra or any(not node.args.get(name) for name in parts):
        raise ExpressionError("There is more in it than arithmetic of metrics.")
    found: Expr = node.args[parts[0]]
    return found


def _name(column: Expr) -> str:
    _only(column, "this")
    return str(column.name)


def _number(text: str) -> Number:
    if not _NUMBER.fullmatch(text):
        raise ExpressionError(
            f"{text} is no number that can be used.",
            f"Write at most {BIGINT_DIGITS - 1} digits, and 9 behind the point.",
        )
    return Number(Decimal(text))
