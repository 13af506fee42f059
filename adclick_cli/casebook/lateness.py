"""Which events come too late to count, by the engine: the interval joins of plain SQL, or the function.

Both know an event's time and the watermark of the pipeline when it was read: the lower one of the two topics'. The
limits are those of docs/correctness.md. Nothing here looks at rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adclick_cli.casebook.contents import Event
from adclick_cli.casebook.model import Case, CaseFileError
from adclick_cli.pipeline import Pipeline


@dataclass(frozen=True)
class Read:
    """An impression or a click, and the watermark that was there when it was read (None before there is one).

    Attributes:
        event: the event.
        watermark: ms since the epoch.
        name: what a message calls it.
    """

    event: Event
    watermark: int | None
    name: str

    @property
    def is_impression(self) -> bool:
        """Whether it is no click."""
        return self.event.topic == "impressions"

    @property
    def is_behind(self) -> bool:
        """Whether the watermark has passed it."""
        return self.watermark is not None and self.event.at_ms < self.watermark

    def reached(self, time_ms: int) -> bool:
        """Whether the watermark has reached a time."""
        return self.watermark is not None and self.watermark >= time_ms


def late(case: Case, reads: Sequence[Read]) -> set[int]:
    """The numbers of those that come too late.

    Args:
        case: the case.
        reads: all impressions and clicks, in the order of arrival.

    Raises:
        CaseFileError: no rule says what one of them does.
    """
    return _by_joins(case, reads) if case.pipeline.portable else _by_function(case, reads)


def _closes(pipeline: Pipeline, at_ms: int) -> int:
    """The watermark at which the window of a time closes: the last millisecond of the window, and what it is held."""
    return at_ms - at_ms % pipeline.window.ms + pipeline.window.ms - 1 + pipeline.held_ms


def _by_joins(case: Case, reads: Sequence[Read]) -> set[int]:
    """The limits of the interval joins, where they do not depend on what else has come."""
    pipeline = case.pipeline
    found: set[int] = set()
    for number, read in enumerate(reads):
        event = read.event
        if not read.is_behind:
            continue
        if pipeline.clock_skew > pipeline.attribution:
            _refuse(case, f"{read.name} comes behind the watermark", "a long clock-skew")
        if read.is_impression:
            clicked = [one.event.at_ms for one in reads[:number] if not one.is_impression and one.event.of == event.of]
            if read.reached(_closes(pipeline, event.at_ms)):
                found.add(number)
            elif any(read.reached(at_ms + 1) for at_ms in clicked):
                _refuse(case, f"{read.name} comes behind the watermark", "its click before it")
        else:
            shown = [one.event.at_ms for one in reads if one.is_impression and one.event.of == event.of]
            if shown and read.reached(max(shown) + pipeline.attribution.ms + 1):
                found.add(number)
    return found


def _by_function(case: Case, reads: Sequence[Read]) -> set[int]:
    """The limits of the function, as AttributionBucket.java and AttributionRules.java have them.

    - An impression is late when the watermark has reached `closesAt` of its window (`AttributionBucket.impression`).
    - A click counts for an impression by `AttributionRules.counts`: it is dated from skew before to attribution after
      it, and the watermark was at most the impression's time + attribution when the click came. Which of the two came
      first does not matter: the function keeps with a click the watermark that it saw.

    A click that counts for one impression of an id and is too late for another one is refused: a case says of an event
    whether it is late.
    """
    pipeline = case.pipeline
    found = {
        number
        for number, read in enumerate(reads)
        if read.is_impression and read.reached(_closes(pipeline, read.event.at_ms))
    }
    shown: dict[str, list[int]] = {}
    for number, read in enumerate(reads):
        if read.is_impression and number not in found:
            shown.setdefault(read.event.of, []).append(read.event.at_ms)
    for number, read in enumerate(reads):
        if read.is_impression:
            continue
        near = [
            at_ms
            for at_ms in shown.get(read.event.of, ())
            if -pipeline.clock_skew.ms <= read.event.at_ms - at_ms <= pipeline.attribution.ms
        ]
        in_time = [not read.reached(at_ms + pipeline.attribution.ms + 1) for at_ms in near]
        if near and not any(in_time):
            found.add(number)
        elif not all(in_time):
            _refuse(case, f"{read.name} comes behind the watermark", "two impressions of its id")
    if pipeline.dedups or pipeline.unique_ids.ms:
        _require_open_windows(case, reads, found)
    return found


def _require_open_windows(case: Case, reads: Sequence[Read], late: set[int]) -> None:
    """Refuse what would take back a row of a window that has closed.

    With unique ids or a dedup window an event can take back others that come up to that time later. A click that is
    taken back belongs to an impression that is up to the attribution older; an impression's own clicks begin the skew
    before it. What is too late to count is not there for the search, but for a click's id.
    """
    pipeline = case.pipeline
    what = "unique-ids or a dedup-window"
    for number, read in enumerate(reads):
        if not read.is_behind:
            continue
        if number in late:
            if pipeline.unique_ids.ms and not read.is_impression:
                _refuse(case, f"{read.name} comes too late", what)
            continue
        reach = pipeline.attribution.ms + (pipeline.clock_skew.ms if read.is_impression else 0)
        since = read.event.at_ms - reach
        since -= since % pipeline.window.ms
        for other, one in enumerate(reads):
            at_ms = one.event.at_ms
            if one.is_impression and other not in late and at_ms >= since and read.reached(_closes(pipeline, at_ms)):
                _refuse(case, f"{read.name} comes after a window that it may change has closed", what)


def _refuse(case: Case, what: str, together: str) -> None:
    raise CaseFileError(
        case.path,
        case.line,
        f"given of {case.name!r}",
        f"{what}, with {together}: no rule says whether that counts.",
        "Leave one of the two out, or let the watermark rise later.",
    )
