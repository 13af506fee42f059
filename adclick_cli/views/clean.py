"""A user's text as a terminal may show it: no control character reaches the terminal, and no name takes the whole line.

Names of campaigns, devices and topics, reasons of Flink and lines of logs may hold anything. JSON and CSV do not come
through here: data stay as they are.
"""

from __future__ import annotations

LONGEST = 256
"""Characters of a name that a table gets at most; a table that has less room cuts it further."""
REPLACED = "\N{REPLACEMENT CHARACTER}"


def name(text: str) -> str:
    """One line of printable characters, at most `LONGEST`."""
    return _printable(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…", "")


def message(text: str) -> str:
    """The same lines, of any length, without control characters (a tab stays)."""
    return _printable(text, "\n\t")


def _printable(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in kept else REPLACED for sign in text)
