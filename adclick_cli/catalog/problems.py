"""What cannot work in a declaration, each with its place; all of it is told at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from adclick_cli.errors import AdclickError


@dataclass(frozen=True)
class Problem:
    """One thing that cannot work.

    Attributes:
        place: `file:line`, or the file, or nothing where a catalog comes from no file.
        key: the dotted key, for example `results.spend.by`.
        value: what stands there.
        why: what is wrong with it.
        hint: what to write instead.
    """

    place: str
    key: str
    value: object
    why: str
    hint: str

    @property
    def what(self) -> str:
        """Place, key and value in one line."""
        return f"{self.place}: {self.key}: {self.value!r}" if self.place else f"{self.key}: {self.value!r}"

    def to_json(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {**asdict(self), "value": str(self.value)}


class CatalogError(AdclickError):
    """What is declared cannot work.

    Args:
        problems: at least one.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        if len(self.problems) == 1:
            super().__init__(f"{first.what} cannot be used", first.why, first.hint)
        else:
            lines = [f"{one.what} cannot be used. {one.why} {one.hint}" for one in self.problems]
            super().__init__(
                f"The catalog has {len(lines)} problems",
                "\n".join(lines),
                "Correct them; `adclick catalog check` looks again.",
            )
