"""Names in events: the words of a path, and a column's name for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from adclick_cli.catalog.check import RESERVED, RESERVED_BEGINNINGS, RESERVED_FIELDS
from adclick_cli.catalog.model import MAX_NAME

Path = tuple[str, ...]

OF_METRICS = frozenset({"ctr", "spend", "cpc", "sum_cost", "count_cost"})
"""Names that the proposed metrics need."""
_VAGUE = ("id", "name", "type", "code", "key", "value", "label")
LONGEST_PATH = 8
"""Parts of the longest path that is looked at."""

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+", re.ASCII)


def words(*parts: str) -> tuple[str, ...]:
    """The words of names in camelCase, snake_case or with other signs between them, in small letters."""
    plain = (unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode() for part in parts)
    return tuple(word.lower() for part in plain for word in _WORD.findall(part))


def declarable(path: Path) -> bool:
    """Whether a path can be written in a catalog, where dots stand between its parts."""
    return len(path) <= LONGEST_PATH and all(part and "." not in part for part in path) and "".join(path).isprintable()


def column(path: Path, taken: Collection[str]) -> str:
    """A name that a catalog takes, made from the end of a path; it is none of those that are taken."""
    short, long = _usable("_".join(words(path[-1]))), _usable("_".join(words(*path)))
    first = (long, short) if path[-1].lower() in _VAGUE else (short, long)
    for name in (*first, *(f"{long[: MAX_NAME - 4]}_{number}" for number in range(2, 1_000))):
        if name not in taken and name not in OF_METRICS:
            return name
    raise AssertionError("more columns of one name than paths are looked at")


def _usable(name: str) -> str:
    name = name[: MAX_NAME - len("_value")] or "field"
    if not name[0].isalpha() or name.startswith(RESERVED_BEGINNINGS):
        name = f"field_{name}"[: MAX_NAME - len("_value")]
    return f"{name}_value" if name in RESERVED | RESERVED_FIELDS | OF_METRICS else name
