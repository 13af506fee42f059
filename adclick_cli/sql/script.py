"""A rendered script as statements: where each begins, each on one line for sql-client, and back from there.

sql-client reads a script as if it were typed: it looks at a statement anew with each line and draws it anew with each
character. A statement set of eighty lines takes it seconds to read; the same on one line does not.
"""

from __future__ import annotations

from dataclasses import dataclass

SET_BEGINS = "EXECUTE STATEMENT SET"


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        line: the line of the script, from 1, on which its text begins (comments before it left out).
        text: the statement without its `;`.
    """

    line: int
    text: str

    def _parts(self) -> list[tuple[int, int, str]]:
        """Line of the script, columns left out before it, text: of each line that is neither empty nor a comment."""
        found = []
        for number, line in enumerate(self.text.splitlines(), start=self.line):
            bare = line.strip()
            if bare and not bare.startswith("--"):
                found.append((number, len(line) - len(line.lstrip()), bare))
        return found

    @property
    def on_one_line(self) -> str:
        """The statement without comments and line breaks."""
        return " ".join(bare for _, _, bare in self._parts())

    @property
    def starts_job(self) -> bool:
        """Whether it is a statement set or an INSERT of its own."""
        return self.on_one_line.startswith((SET_BEGINS, "INSERT INTO "))

    def place(self, column: int) -> tuple[int, int]:
        """Line and column of the script, both from 1, of a column of `on_one_line`."""
        parts = self._parts()
        for number, indent, bare in parts:
            if column <= len(bare):
                return number, indent + column
            column -= len(bare) + 1
        number, indent, bare = parts[-1]
        return number, indent + len(bare)


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
            in_set = bare.startswith(SET_BEGINS)
        lines.append(line)
        ends = bare == "END;" if in_set else bare.endswith(";") and not bare.startswith("--")
        if ends:
            found.append(Statement(first, "\n".join(lines).rstrip().removesuffix(";")))
            lines = []
    if lines:
        found.append(Statement(first, "\n".join(lines).rstrip()))
    return found


def compact(script: str) -> str:
    """The same statements, each on one line."""
    return "".join(f"{statement.on_one_line};\n" for statement in statements(script))


def explained(script: str) -> str:
    """The same script, but every job is only planned; nothing is started."""
    lines = []
    for statement in statements(script):
        text = statement.on_one_line
        if text.startswith("INSERT INTO "):
            text = f"EXPLAIN {text}"
        lines.append(text.replace(SET_BEGINS, "EXPLAIN STATEMENT SET", 1) + ";\n")
    return "".join(lines)
