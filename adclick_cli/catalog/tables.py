"""The tables of a TOML file, read key by key; what is wrong is collected with its place."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adclick_cli import faults
from adclick_cli.catalog.expressions import suggestion
from adclick_cli.catalog.problems import Problem
from adclick_cli.catalog.toml_places import Key, line_of
from adclick_cli.errors import ParameterError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TABLES = ("events", "metrics", "results")
"""The tables of `adclick.toml` that are no settings."""

_ABOVE = "A setting of adclick stands above the first table of the file."


def is_declared(name: str, value: object) -> bool:
    """Whether a key at the top of `adclick.toml` is the catalog's; `metrics = true` is a setting of the same name."""
    return name in TABLES and isinstance(value, Mapping)


@dataclass
class Source:
    """A file, and what is wrong in it so far."""

    path: str
    text: str
    problems: list[Problem] = field(default_factory=list)

    def place(self, key: Key) -> str:
        """`file:line` of a key."""
        line = line_of(self.text, key)
        return f"{self.path}:{line}" if line else self.path

    def order(self, problem: Problem) -> int:
        """Where a problem stands among others of this file."""
        return line_of(self.text, tuple(problem.key.split("."))) or 0

    def refuse(self, key: Key, value: object, why: str, hint: str) -> None:
        """Note that a value cannot be used."""
        self.problems.append(Problem(self.place(key), ".".join(key), value, why, hint))


@dataclass
class Table:
    """One table: each method reads one key, and notes what is wrong with it.

    Attributes:
        source: its file.
        key: the dotted name of the table.
        data: what is in it.
    """

    source: Source
    key: Key
    data: Mapping[str, Any]

    def names_of(self, known: Sequence[str]) -> None:
        """Refuse keys that are not known."""
        for name, value in self.data.items():
            if name not in known:
                hint = suggestion(name, known)
                hint = hint if hint.startswith("Did") else f"{hint} {_ABOVE}"
                self.source.refuse((*self.key, name), value, "There is no such key.", hint)

    def table(self, name: str) -> Table:
        """A table inside; empty where there is none."""
        found = self._typed(name, dict, "It is no table.", f"Write it below [{'.'.join((*self.key, name))}].")
        return Table(self.source, (*self.key, name), found or {})

    def text(self, name: str) -> str | None:
        """A text that is not empty, or None where there is none."""
        found = self._typed(name, str, "It is no text.", "Put it between quotes.")
        if found == "":
            self.refuse(name, "It is empty.", "Leave it out, or write something.")
            return None
        return found if found is None else str(found)

    def truth(self, name: str) -> bool | None:
        """`true` or `false`, or None."""
        found = self._typed(name, bool, "It is neither true nor false.", "Write true or false, without quotes.")
        return found if found is None else bool(found)

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number within two bounds, both included, or None."""
        found = self.data.get(name)
        if name in self.data and (type(found) is not int or not least <= found <= most):
            self.refuse(name, "It is no whole number that fits.", f"Write a whole number from {least} to {most}.")
            return None
        return found

    def texts(self, name: str, instead: tuple[str, ...]) -> tuple[str, ...] | None:
        """A list of texts, or None; `instead` where it is no such list, so that nothing more is said of it."""
        found = self.data.get(name)
        if name in self.data and (not isinstance(found, list) or not all(type(one) is str for one in found)):
            self.refuse(name, "It is no list of names.", 'Write for example ["campaign_id", "device_type"].')
            return instead
        return found if found is None else tuple(found)

    def choice(self, name: str, known: Sequence[str]) -> str | None:
        """One of the known words, or None."""
        found = self.text(name)
        if found is not None and found not in known:
            self.refuse(name, "There is no such value.", suggestion(found, known))
            return None
        return found

    def path(self, name: str) -> tuple[str, ...] | None:
        """The path of a value: names with dots between them, or None. `check` looks at what is in it."""
        found = self.text(name)
        return found if found is None else tuple(found.split("."))

    def refuse(self, name: str, why: str, hint: str) -> None:
        """Note that the value of a key cannot be used."""
        self.source.refuse((*self.key, name), self.data.get(name), why, hint)

    def _typed(self, name: str, kind: type, why: str, hint: str) -> Any:
        found = self.data.get(name)
        if name in self.data and type(found) is not kind:
            self.refuse(name, why, hint)
            return None
        return found


def read(path: Path) -> tuple[Source, dict[str, Any]]:
    """A file and all that is in it.

    Raises:
        ParameterError: it cannot be read, is no UTF-8 or no TOML.
    """
    try:
        return parse(str(path), path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        known = faults.of_os_error(error)
        raise ParameterError("config file", str(path), known.why, known.mend) from error
    except UnicodeDecodeError as error:
        why = f"It is no UTF-8 text: {error}."
        raise ParameterError("config file", str(path), why, "Save the file as UTF-8.") from error


def parse(path: str, text: str) -> tuple[Source, dict[str, Any]]:
    """A file's text and all that is in it.

    Raises:
        ParameterError: it is no TOML.
    """
    try:
        return Source(path, text), tomllib.loads(text)
    except ValueError as error:
        raise ParameterError("config file", path, f"{error}.", "Correct the TOML.") from error
