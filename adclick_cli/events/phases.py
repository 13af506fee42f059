"""The generator's timeline: by what factor a phase changes a campaign's CTR, and the truth of what was injected."""

from __future__ import annotations

from dataclasses import dataclass

from adclick_cli.errors import ParameterError

BASE_CTR = 0.1
CTR_CAP = 0.6
LOW = 0.1
HIGH = 4.0
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Phase:
    """A stretch of the timeline.

    Attributes:
        name: normal, low or high.
        factor: multiplies the base CTR.
        from_ms, to_ms: ms since the start of the timeline; `to_ms` None means for ever.
    """

    name: str
    factor: float
    from_ms: int
    to_ms: int | None


_TIMELINES: dict[str, tuple[Phase, ...]] = {
    "normal": (Phase("normal", 1.0, 0, None),),
    "low": (Phase("low", LOW, 0, None),),
    "high": (Phase("high", HIGH, 0, None),),
    "cycle": (
        Phase("normal", 1.0, 0, 5 * MINUTE_MS),
        Phase("low", LOW, 5 * MINUTE_MS, 10 * MINUTE_MS),
        Phase("high", HIGH, 10 * MINUTE_MS, 15 * MINUTE_MS),
        Phase("normal", 1.0, 15 * MINUTE_MS, None),
    ),
}
NAMES = tuple(_TIMELINES)


def timeline(name: str) -> tuple[Phase, ...]:
    """The phases of a timeline, in order.

    Raises:
        ParameterError: there is no such timeline.
    """
    if name not in _TIMELINES:
        raise ParameterError("phase", name, "There is no such phase.", f"Use one of {', '.join(NAMES)}.")
    return _TIMELINES[name]


def ctr(factor: float) -> float:
    """The CTR under a factor: `min(0.6, 0.1 * factor)`."""
    return min(CTR_CAP, BASE_CTR * factor)
