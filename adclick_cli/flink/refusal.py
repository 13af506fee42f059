"""A statement that Flink refused, told with the lines of the script that was rendered."""

from __future__ import annotations

import re

from adclick_cli.errors import FlinkError
from adclick_cli.sql.script import Statement

_POSITION = re.compile(r"\bline 1, column (\d+)")
# A cluster that was started by an adclick without them, or by hand.
_OWN_CLASSES = re.compile(r"identifier 'adclick-events'|ClassNotFoundException: adclick\.")
_WITHOUT_CLASSES = (
    "This Flink has not adclick's Java classes: `adclick down`, `adclick up`; `adclick render --jar FILE` writes"
    " their jar for a Flink of yours."
)
_NAME = re.compile(r"'([^']+)'")


def refused(script: str, statement: Statement, reason: str) -> FlinkError:
    """The error for a statement of which Flink saw `on_one_line`.

    Args:
        script: the SQL, as it was rendered.
        statement: one of its statements.
        reason: Flink's own words; positions in them are those of the one line.
    """
    line = _line(reason, statement)
    shown = script.splitlines()[line - 1].strip()
    return FlinkError(
        f"Flink refused the statement at line {statement.line} of the script",
        f"{_in_script(reason, statement)}\nLine {line}: {shown}",
        _WITHOUT_CLASSES if _OWN_CLASSES.search(reason) else "See the whole script with `adclick render`.",
    )


def _line(reason: str, statement: Statement) -> int:
    """The line of the script that a reason speaks of: by position, else by the first name that it quotes."""
    position = _POSITION.search(reason)
    if position:
        return statement.place(int(position.group(1)))[0]
    named = _NAME.search(reason)
    column = statement.on_one_line.find(named.group(1)) + 1 if named else 0
    return statement.place(column)[0] if column else statement.line


def _in_script(reason: str, statement: Statement) -> str:
    """Flink's reason with lines and columns of the script instead of those of the one line that Flink saw."""
    return _POSITION.sub(lambda found: "line {}, column {}".format(*statement.place(int(found.group(1)))), reason)
