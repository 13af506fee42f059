"""Where in a TOML text a key stands. The parser of TOML does not tell."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Key = tuple[str, ...]

_PART = r"""(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_ASSIGNMENT = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=", re.ASCII)
_HEADER = re.compile(rf"\s*\[\s*({_PART}(?:\s*\.\s*{_PART})*)\s*\]\s*(?:#.*)?", re.ASCII)
_LONG_TEXT = re.compile("\"\"\"|'''")


def line_of(text: str, key: Key) -> int | None:
    """The line of a dotted key, from 1: of the key itself, else of what is nearest above it, else of the first in it.

    A key inside an inline table has the line of that table; None where there is nothing of it.
    """
    best, found, below = 0, None, None
    for line, known in _keys(text):
        if len(known) > best and key[: len(known)] == known:
            best, found = len(known), line
        if below is None and known[: len(key)] == key:
            below = line
    return found or below


def _keys(text: str) -> Iterator[tuple[int, Key]]:
    """The keys and the headers of tables, with their lines."""
    table: Key = ()
    ends_with = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not ends_with and line.lstrip().startswith("#"):
            continue
        if not ends_with:
            header, assignment = _HEADER.fullmatch(line), _ASSIGNMENT.match(line)
            if header:
                table = _parts(header.group(1))
                yield number, table
            elif assignment:
                yield number, (*table, *_parts(assignment.group(1)))
        # Lines of a text that spans several are no keys.
        for mark in _LONG_TEXT.findall(line):
            if not ends_with:
                ends_with = mark
            elif mark == ends_with:
                ends_with = ""


def _parts(dotted: str) -> Key:
    found: Any = tomllib.loads(f"{dotted} = 0")
    parts = []
    while isinstance(found, dict):
        ((part, found),) = found.items()
        parts.append(part)
    return tuple(parts)
