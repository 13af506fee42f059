"""Objects as values by path, and what all values of one path have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adclick_cli.catalog.model import FieldType
from adclick_cli.events.reading import GREATEST_LONG, Fraction, Integer
from adclick_cli.inference.names import Path
from adclick_cli.schema import LONGEST_TEXT

MOST_PATHS = 500
"""Paths of a sample that are looked at: an object with ids as names has one for each id."""
NEARLY_ALL = 0.99
"""Share from which on something holds for a field: a few messages are always wrong."""


@dataclass(frozen=True)
class Compound:
    """An object or a list in the place of a single value."""


COMPOUND = Compound()
Scalar = str | bool | Compound
"""A text, a number as it is written, a truth value, or none of these."""
Flat = Mapping[Path, Scalar]


def flatten(record: Mapping[str, Any]) -> Flat:
    """All values of an object by path, without nulls and empty texts, which mean that nothing is there."""
    found: dict[Path, Scalar] = {}
    # No recursion: an object may have a thousand levels.
    left: list[tuple[Path, Any]] = [((name,), value) for name, value in reversed(list(record.items()))]
    while left:
        path, value = left.pop()
        if isinstance(value, (Mapping, list)):
            found[path] = COMPOUND
            if isinstance(value, Mapping):
                left += [((*path, name), inner) for name, inner in reversed(list(value.items()))]
        elif value is not None and value != "":
            found[path] = value
    return found


@dataclass(frozen=True)
class Column:
    """All values of one path.

    Attributes:
        path: where they are.
        values: those that are there.
        objects: how many objects were looked at.
    """

    path: Path
    values: tuple[Scalar, ...]
    objects: int

    @property
    def present(self) -> float:
        """The share of objects that have a value."""
        return len(self.values) / self.objects if self.objects else 0.0

    @property
    def always(self) -> bool:
        """Whether no object is without a value."""
        return len(self.values) == self.objects

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The values that a text field takes, as their text."""
        found = (text_of(value) for value in self.values)
        return tuple(text for text in found if text is not None)

    @cached_property
    def distinct(self) -> tuple[str, ...]:
        """These texts, each once, in the order in which they were met."""
        return tuple(dict.fromkeys(self.texts))

    @property
    def unique(self) -> float:
        """The share of different values."""
        return len(self.distinct) / len(self.texts) if self.texts else 0.0

    @property
    def single(self) -> bool:
        """Whether nearly all of its values are single ones that a text field takes."""
        return bool(self.values) and len(self.texts) >= NEARLY_ALL * len(self.values)

    @cached_property
    def type(self) -> FieldType:
        """What all its values are; a text where they differ."""
        if all(isinstance(one, bool) for one in self.values):
            return "boolean"
        if all(isinstance(one, Integer) and _is_long(one) for one in self.values):
            return "integer"
        if all(isinstance(one, (Integer, Fraction)) for one in self.values):
            return "decimal"
        return "text"


def _is_long(number: str) -> bool:
    return abs(int(number)) <= GREATEST_LONG


def text_of(value: Scalar | None) -> str | None:
    """A value as a text field of an event has it; None where it takes none."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or value[:1] in ("", "{", "[") or len(value) > LONGEST_TEXT:
        return None
    return str(value)


def columns(objects: Sequence[Flat]) -> dict[Path, Column]:
    """The columns of a sample, in the order in which their paths were met."""
    found: dict[Path, list[Scalar]] = {}
    for one in objects:
        for path, value in one.items():
            if path in found:
                found[path].append(value)
            elif len(found) < MOST_PATHS:
                found[path] = [value]
    return {path: Column(path, tuple(values), len(objects)) for path, values in found.items()}
