"""The grammar of `--where` and `--sort`: `ctr>0.2 and campaign~camp-1*`, `-ctr`.

    where     = condition { "and" condition }
    condition = field ( ">=" | "<=" | "!=" | ">" | "<" | "=" | "~" ) value
    sort      = [ "-" ] field

A value is a number where the field is one, else a text, in quotes where it holds spaces. `~` compares a text with a
pattern of `*` and `?`. Nothing is evaluated but these comparisons.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from adclick_cli.errors import ParameterError

Value = float | str | None
Fields = Mapping[str, bool]
"""The names of the fields; True for a number."""
_CONDITION = re.compile(r"\s*([A-Za-z_]\w*)\s*(>=|<=|!=|>|<|=|~)\s*(\"[^\"]*\"|'[^']*'|[^\s\"'<>=!~]+)(?=\s|$)")
_AND = re.compile(r"\s+and(?=\s)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
_EXAMPLE = "Write conditions like ctr>0.2 and impressions>=100."
T = TypeVar("T")


@dataclass(frozen=True)
class Condition:
    """One comparison; a value that is not defined fulfils none."""

    field: str
    sign: str
    value: float | str

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether the values fulfil it."""
        found = values.get(self.field)
        if found is None:
            return False
        if self.sign == "~":
            return glob(str(self.value)).fullmatch(str(found)) is not None
        return bool(_COMPARE[self.sign](found, self.value))


@dataclass(frozen=True)
class Sort:
    """An order of rows by one field; rows without a value come last, equal ones by name."""

    field: str
    down: bool

    def __str__(self) -> str:
        return ("-" if self.down else "") + self.field

    def apply(self, items: Sequence[T], values: Callable[[T], Mapping[str, Value]]) -> list[T]:
        """The items in this order; those that are equal stay as they were."""
        there = [item for item in items if values(item).get(self.field) is not None]
        without = [item for item in items if values(item).get(self.field) is None]
        return sorted(there, key=lambda item: values(item)[self.field], reverse=self.down) + without  # type: ignore[arg-type,return-value]


def glob(pattern: str) -> re.Pattern[str]:
    """A pattern of `*` (any text) and `?` (one sign); every other sign means itself."""
    signs = {"*": ".*", "?": "."}
    # Stars side by side mean one: as several they would take time without end to fail.
    return re.compile("".join(signs.get(sign, re.escape(sign)) for sign in re.sub(r"\*+", "*", pattern)), re.DOTALL)


def parse_where(text: str, fields: Fields, flag: str = "where") -> tuple[Condition, ...]:
    """Read conditions.

    Args:
        text: what was written.
        fields: the fields that there are.
        flag: for the message.

    Raises:
        ParameterError: it is no condition, there is no such field, or the value does not fit it.
    """
    found, place = [], 0
    while True:
        match = _CONDITION.match(text, place)
        if match is None:
            raise ParameterError(flag, text, f"No condition stands at {text[place:].strip()!r}.", _EXAMPLE)
        found.append(_condition(match, fields, flag, text))
        place = match.end()
        if not text[place:].strip():
            return tuple(found)
        joined = _AND.match(text, place)
        if joined is None:
            raise ParameterError(
                flag, text, f"{text[place:].strip()!r} follows a condition.", "Join conditions with `and`."
            )
        place = joined.end()


def _condition(match: re.Match[str], fields: Fields, flag: str, text: str) -> Condition:
    name, sign, written = match.groups()
    field = _known(name, fields, flag, text)
    value = written[1:-1] if written[0] in "\"'" else written
    if sign == "~":
        if fields[field]:
            raise ParameterError(flag, text, f"{field} is a number; ~ compares texts.", f"Use {field}=…, > or <.")
        return Condition(field, sign, value)
    if not fields[field]:
        return Condition(field, sign, value)
    if not _NUMBER.fullmatch(value):
        raise ParameterError(flag, text, f"{field} is a number; {value!r} is none.", f"Write {field}{sign}0.5, say.")
    return Condition(field, sign, float(value))


def parse_sort(text: str, fields: Fields, flag: str = "sort") -> Sort:
    """Read an order: a field, `-` before it for the highest first.

    Raises:
        ParameterError: there is no such field.
    """
    name = text.strip()
    down = name.startswith("-")
    return Sort(_known(name.removeprefix("-"), fields, flag, text), down)


def _known(name: str, fields: Fields, flag: str, text: str) -> str:
    if name not in fields:
        raise ParameterError(flag, text, f"There is no field {name!r} here.", f"Use one of {', '.join(fields)}.")
    return name


@dataclass(frozen=True)
class Wish:
    """What of the rows is shown, and in which order.

    Attributes:
        where: the conditions, all of which a row fulfils.
        sort: the order; None leaves the rows as they are.
        top: how many rows, at most; None is without a limit.
    """

    where: tuple[Condition, ...] = ()
    sort: Sort | None = None
    top: int | None = None

    @classmethod
    def parse(cls, where: str | None, sort: str | None, top: int | None, fields: Fields) -> Wish:
        """From the texts of the flags.

        Raises:
            ParameterError: one cannot be read.
        """
        if top is not None and top < 1:
            raise ParameterError("top", top, "It shows nothing.", "Give 1 or more.")
        return cls(
            () if where is None else parse_where(where, fields),
            None if sort is None else parse_sort(sort, fields),
            top,
        )

    def choose(self, items: Sequence[T], values: Callable[[T], Mapping[str, Value]]) -> list[T]:
        """The items that are wanted, in the order that is wanted."""
        found = [item for item in items if all(one.holds(values(item)) for one in self.where)]
        if self.sort is not None:
            found = self.sort.apply(found, values)
        return found[: self.top]


EVERYTHING = Wish()
"""No condition, no order, no limit."""
