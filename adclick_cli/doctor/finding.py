"""One finding: what was looked at, how it is, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "warning", "wrong", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        name: what was looked at, one or two words.
        state: ok, warning (works, or `up` mends it), wrong (something does not work), or skipped (could not be seen).
        what: how it is, a sentence.
        mend: what to do; empty where nothing is to be done.
        fix: does it, where that is safe; None where the user has to.
    """

    name: str
    state: State
    what: str
    mend: str = ""
    fix: Callable[[], object] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """A complaint without a way out helps nobody."""
        if self.state in ("warning", "wrong") and not self.mend:
            raise ValueError(f"the finding {self.name!r} is {self.state} and names no mend")

    @property
    def fixable(self) -> bool:
        """Whether `--fix` mends it."""
        return self.fix is not None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "state": self.state,
            "what": self.what,
            "mend": self.mend,
            "fixable": self.fixable,
        }
