"""The one sentence that a newcomer asks for: why do I see no rows yet?"""

from __future__ import annotations

from dataclasses import dataclass

from adclick_cli.doctor import judge
from adclick_cli.doctor.finding import Finding
from adclick_cli.doctor.picture import Picture

MANY = 3


@dataclass(frozen=True)
class Answer:
    """What holds rows up, or that nothing does.

    Attributes:
        what: a sentence.
        mend: the command that helps, or empty.
    """

    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.what} Mend: {self.mend}" if self.mend else self.what


def of_finding(finding: Finding) -> Answer:
    """Where the pipeline cannot be looked at: what stands in its way."""
    return Answer(f"No rows: {finding.name}: {finding.what}", finding.mend)


def answer(picture: Picture) -> Answer:
    """The first reason that applies, from the ground up; else when the next rows come."""
    none = "No new rows" if picture.final_rows else "No rows yet"
    for wrong in judge.jobs(picture):
        if wrong.state == "wrong":
            return Answer(f"{none}: {wrong.name}: {wrong.what}", wrong.mend)
    topics = picture.pipeline.topics
    if not any(one.end for one in picture.partitions if one.topic == topics.impressions):
        return Answer(f"{none}: the jobs run, but {topics.impressions} holds no events.", "adclick generate")
    for odd in judge.event_times(picture):
        return Answer(odd.what, odd.mend)
    for found in (*judge.blocked(picture), *judge.unread(picture)):
        return Answer(f"{none}: {found.name}: {found.what}", found.mend)
    held = judge.holding(picture)
    if held:
        return Answer(f"{none}: {_held(picture)}", judge.heartbeat_mend(picture))
    for found in (*judge.checkpoints(picture), judge.hidden(picture)):
        if found.state == "wrong":
            return Answer(f"{none}: {found.name}: {found.what}", found.mend)
    behind = judge.lag(picture)[0]
    if behind.state == "warning":
        return Answer(f"{none}: {behind.what}", behind.mend)
    if not picture.pending and picture.windows_ms is not None:
        return Answer(_closed(picture))
    return Answer(_waiting(picture))


def _held(picture: Picture) -> str:
    held = judge.holding(picture)
    if len(held) == len(picture.partitions):
        newest = max((one.arrived_ms or 0 for one in held), default=0)
        return f"nothing has come since {judge.instant(newest)}; open windows wait for newer events."
    names = ", ".join(one.name for one in held[:MANY]) + (f" and {len(held) - MANY} more" if len(held) > MANY else "")
    came = [one.arrived_ms for one in held if one.arrived_ms is not None]
    carry = "has" if len(held) == 1 else "have"
    since = f"{carry} sent nothing since {judge.instant(max(came))}" if came else f"{carry} never carried an event"
    return f"{names} {since}; windows wait for {'it' if len(held) == 1 else 'them'}."


def _closed(picture: Picture) -> str:
    newest = max((one.newest_ms or 0 for one in picture.partitions), default=0)
    return f"Rows are complete: every window with events is closed; the newest event is of {judge.instant(newest)}."


def _waiting(picture: Picture) -> str:
    end, left = picture.next_end_ms, judge.left_ms(picture)
    if end is None or left is None:
        return "No rows yet: Flink has just begun to read; look again in some seconds."
    commit = picture.pipeline.checkpoint_interval
    closes = f"the window that ends at {judge.instant(end)} closes in about {judge.length(left)}"
    when = f"{closes}, and shows up to {commit} later"
    return f"Rows come: {when}." if picture.final_rows else f"No rows yet, and nothing is wrong: {when}."
