"""Samples of one thing as figures, held against a goal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Any, Literal

TABLE = ("what", "median", "p99", "most", "unit", "goal", "reached")
COLUMNS = ("what", "unit", "samples", "median", "p99", "least", "most", "goal", "reached")


@dataclass(frozen=True)
class Goal:
    """What a figure should reach.

    Attributes:
        value: in the samples' unit.
        of: the statistic that is held against it.
        more: whether more is better.
    """

    value: float
    of: Literal["median", "p99", "most"] = "median"
    more: bool = False

    def __str__(self) -> str:
        return f"{self.of} {'at least' if self.more else 'at most'} {self.value:g}"


@dataclass(frozen=True)
class Measure:
    """One thing that was measured.

    Attributes:
        what: in words.
        unit: of all its figures, for example s, messages/s or µs/event.
        samples: how many.
        median, p99, least, most: of them.
        goal: in words; None where there is none.
        reached: whether it was; None without a goal.
    """

    what: str
    unit: str
    samples: int
    median: float
    p99: float
    least: float
    most: float
    goal: str | None = None
    reached: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """What a suite found.

    Attributes:
        suite: its name.
        measures: in the order of measuring.
        parameters: of the pipeline and the machine.
    """

    suite: str
    measures: list[Measure]
    parameters: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "suite": self.suite,
            "measures": [one.to_json() for one in self.measures],
            "parameters": self.parameters,
        }


def measure(what: str, unit: str, samples: Sequence[float], *goals: Goal) -> Measure:
    """The figures of some samples.

    Args:
        what: in words.
        unit: of the samples.
        samples: at least one.
        goals: what they should reach, all of it.
    """
    found = Measure(
        what,
        unit,
        len(samples),
        _rounded(median(samples)),
        _rounded(quantile(samples, 0.99)),
        _rounded(min(samples)),
        _rounded(max(samples)),
    )
    if not goals:
        return found
    reached = [
        getattr(found, goal.of) >= goal.value if goal.more else getattr(found, goal.of) <= goal.value for goal in goals
    ]
    return replace(found, goal=", ".join(map(str, goals)), reached=all(reached))


def quantile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _rounded(value: float) -> float:
    return float(f"{value:.4g}") if abs(value) < 1_000 else float(round(value))
