"""Times of several rounds as figures: median, spread, events a second, ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from adclick_cli.bench.place import Usage

COLUMNS = (
    "side",
    "rounds",
    "median_s",
    "least_s",
    "most_s",
    "events_per_s",
    "against_reference",
    "of_parsing",
    "cpu_s",
    "peak_mb",
    "state_mb",
)


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
        cpu_s: the TaskManager's processor seconds, median of the rounds; None where they cannot be seen.
        peak_mb: its resident memory at the highest, in any round, MiB; None where it cannot be seen.
        state_mb: the largest checkpoint of any round, MB (10^6 bytes); None where there was none.
    """

    side: str
    rounds: int
    median_s: float
    least_s: float
    most_s: float
    events_per_s: int
    against_reference: float | None
    of_parsing: float | None
    cpu_s: float | None
    peak_mb: int | None
    state_mb: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def figures(
    events: int,
    seconds: Mapping[str, Sequence[float]],
    used: Mapping[str, Sequence[Usage]],
    states: Mapping[str, Sequence[int]],
    reference: str,
    parsing: str,
) -> list[Figures]:
    """The figures of each side.

    Ratios are taken within a round, since what else the machine does changes from round to round.

    Args:
        events: that every run reads.
        seconds: by side, the time of each round, all sides equally often.
        used: by side, what the TaskManager used in each round; empty where it cannot be seen.
        states: by side, bytes of the largest checkpoint of each round that had one.
        reference, parsing: the sides that the others are compared with; either may be missing.
    """
    found = []
    for side, times in seconds.items():
        usages = used.get(side, ())
        peaks = [usage.peak_mb for usage in usages if usage.peak_mb is not None]
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
                round(median(usage.cpu_s for usage in usages), 1) if usages else None,
                max(peaks, default=None),
                round(max(states[side]) / 1e6, 1) if states.get(side) else None,
            )
        )
    return found


def _ratio(base: Sequence[float] | None, times: Sequence[float]) -> float | None:
    if not base:
        return None
    return round(median(one / own for one, own in zip(base, times, strict=True)), 3)
