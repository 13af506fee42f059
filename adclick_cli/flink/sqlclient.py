"""Running a script through Flink's own sql-client and reading what it printed.

sql-client ends with 0 even after a statement that failed: what it prints decides, not its exit code.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adclick_cli.errors import FlinkError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\[ERROR\] (.*?)(?=\n\s*\n|\nShutting down|\nFlink SQL> |\Z)", re.DOTALL)
_POSITION = re.compile(r"(?:at|From) line (\d+), column (\d+)")
_PROMPT = "Flink SQL> "


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        line: the line of the script, from 1, on which its text begins (comments before it left out).
        text: the statement without its `;`.
    """

    line: int
    text: str


def statements(script: str) -> list[Statement]:
    """Split a rendered script: a statement ends with a `;` at a line's end, a statement set with `END;`."""
    found: list[Statement] = []
    lines: list[str] = []
    first = 0
    in_set = False
    for number, line in enumerate(script.splitlines(), start=1):
        bare = line.strip()
        if not lines and (not bare or bare.startswith("--")):
            continue
        if not lines:
            first = number
            in_set = bare.startswith("EXECUTE STATEMENT SET")
        lines.append(line)
        ends = bare == "END;" if in_set else bare.endswith(";") and not bare.startswith("--")
        if ends:
            found.append(Statement(first, "\n".join(lines).rstrip().removesuffix(";")))
            lines = []
    if lines:
        found.append(Statement(first, "\n".join(lines).rstrip()))
    return found


def failure(script: str, output: str) -> FlinkError | None:
    """The first statement's failure, with Flink's reason and the line of SQL; None where none failed."""
    plain = _ANSI.sub("", output)
    match = _ERROR.search(plain)
    if match is None:
        return None
    reason = match.group(1).replace("Could not execute SQL statement. Reason:\n", "").strip()
    index = plain[: match.start()].count(_PROMPT) - 1
    parts = statements(script)
    if not 0 <= index < len(parts):
        return FlinkError("Flink refused the SQL", reason)
    statement = parts[index]
    position = _POSITION.search(reason)
    offset = int(position.group(1)) - 1 if position else 0
    text_lines = statement.text.splitlines()
    line = statement.line + min(offset, len(text_lines) - 1)
    shown = text_lines[min(offset, len(text_lines) - 1)].strip()
    return FlinkError(
        f"Flink refused the statement at line {statement.line} of the script",
        f"{reason}\nLine {line}: {shown}",
        "See the whole script with `adclick render`.",
    )


def run(command: Sequence[str], env: Mapping[str, str], script: str, path: Path) -> None:
    """Run `script` through sql-client.

    Args:
        command: sql-client with its own options; `-f path` is put behind it.
        env: variables to add to this process's environment.
        script: the SQL.
        path: where the script is put for sql-client to read; its folder must exist.

    Raises:
        FlinkError: a statement failed (Flink's reason, the line of SQL), or sql-client itself did.
    """
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(  # the list is adclick's own
        [*command, "-f", str(path)],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    error = failure(script, done.stdout)
    if error is not None:
        raise error
    if done.returncode != 0:
        tail = "\n".join(_ANSI.sub("", done.stdout).strip().splitlines()[-15:])
        raise FlinkError(f"sql-client ended with exit code {done.returncode}", tail, "Look at `adclick status`.")
