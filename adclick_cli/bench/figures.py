"""Times of several rounds as figures: median, spread, events a second, ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

COLUMNS = ("side", "rounds", "median_s", "least_s", "most_s", "events_per_s", "against_reference", "of_parsing")


@dataclass(frozen=True)
class Figures:
    """One side.

    Attributes:
        side: its name.
        rounds: how many.
        median_s, least_s, most_s: of its times, seconds.
        events_per_s: events a second, by the median.
        against_reference: how many times as fast as the reference, median of the rounds' own ratios; None without it.
        of_parsing: its speed as a part of that of reading and parsing alone, the median of the rounds; None without it.
    """

    side: str
    rounds: int
    median_s: float
    least_s: float
    most_s: float
    events_per_s: int
    against_reference: float | None
    of_parsing: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def figures(events: int, seconds: Mapping[str, Sequence[float]], reference: str, parsing: str) -> list[Figures]:
    """The figures of each side.

    Ratios are taken within a round, since what else the machine does changes from round to round.

    Args:
        events: that every run reads.
        seconds: by side, the time of each round, all sides equally often.
        reference, parsing: the sides that the others are compared with; either may be missing.
    """
    found = []
    for side, times in seconds.items():
        found.append(
            Figures(
                side,
                len(times),
                round(median(times), 2),
                round(min(times), 2),
                round(max(times), 2),
                round(events / median(times)),
                _ratio(seconds.get(reference), times),
                _ratio(seconds.get(parsing), times),
            )
        )
    return found


def _ratio(base: Sequence[float] | None, times: Sequence[float]) -> float | None:
    if not base:
        return None
    return round(median(one / own for one, own in zip(base, times, strict=True)), 3)
