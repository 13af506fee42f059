"""Alerts against the truth: precision, recall, F1, delay, false alerts an hour.

What counts, once and for every rule:

- A change is the instant at which a campaign's CTR becomes another one: two neighbouring phases of the truth.
- Its alert is a SPIKE where the CTR rises and a DROP where it falls, in the window in which it happens. Where it
  happens within a window and not at its beginning, that window holds some of both CTRs, and the next one is as right.
- A rule that takes more windows to be sure is allowed `late` of them; the delay says how many it took.
- Each change can be found once. A further alert of its type within the windows allowed is a repeat: neither true nor
  false.
- Every other alert of a time that the truth covers is false, whichever campaign it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from adclick_cli.events.truth import Interval

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Change:
    """A campaign's CTR became another one.

    Attributes:
        campaign: the campaign.
        at_ms: when, ms since the epoch.
        type: SPIKE or DROP.
    """

    campaign: str
    at_ms: int
    type: str

    def windows(self, window_ms: int, late: int = 0) -> range:
        """First instants of the windows in which its alert is right, earliest first.

        Args:
            window_ms: size of a window.
            late: so many windows more are allowed.
        """
        first = self.at_ms - self.at_ms % window_ms
        return range(first, self.at_ms + (late + 1) * window_ms, window_ms)


@dataclass(frozen=True)
class Alert:
    """One alert: campaign, first instant of the window that raised it (ms since the epoch), SPIKE or DROP."""

    campaign: str
    window_ms: int
    type: str


@dataclass(frozen=True)
class Score:
    """What a rule was worth.

    Attributes:
        changes: changes of the truth.
        true: changes that were found.
        repeated: further alerts on a change that was found.
        false: all other alerts.
        hours: hours of event time, all campaigns together.
        late_windows: by how many windows the found ones came later than the window of the change, on the average.
        delay_s: from the change to the end of the window that told of it, on the average, in seconds of event time.
    """

    changes: int
    true: int
    repeated: int
    false: int
    hours: float
    late_windows: float | None
    delay_s: float | None

    @property
    def precision(self) -> float | None:
        """True alerts of true and false ones; None without an alert."""
        return self.true / (self.true + self.false) if self.true + self.false else None

    @property
    def recall(self) -> float | None:
        """Changes found of all; None without a change."""
        return self.true / self.changes if self.changes else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 2 true / (changes + true + false); None without changes and alerts."""
        below = self.changes + self.true + self.false
        return 2 * self.true / below if below else None

    @property
    def false_per_hour(self) -> float | None:
        """False alerts in an hour of event time; None without any time."""
        return self.false / self.hours if self.hours else None

    def to_json(self) -> dict[str, Any]:
        """Counts, and rates to four places."""
        rates = ("precision", "recall", "f1", "late_windows", "delay_s", "false_per_hour")
        plain: dict[str, Any] = {name: getattr(self, name) for name in ("changes", "true", "false", "repeated")}
        for name in rates:
            value = getattr(self, name)
            plain[name] = None if value is None else round(value, 4)
        return plain


def changes(intervals: Iterable[Interval], window_ms: int) -> list[Change]:
    """The changes that the truth tells of, in order of campaign and time.

    Args:
        intervals: the truth. Where more than a window lies between two of a campaign, there is nothing to compare.
        window_ms: size of a window.
    """
    found = []
    ordered = sorted(intervals, key=lambda one: (one.campaign_id, one.from_ms))
    for before, after in pairwise(ordered):
        together = before.to_ms is None or after.from_ms - before.to_ms < window_ms
        if before.campaign_id == after.campaign_id and before.ctr != after.ctr and together:
            found.append(Change(after.campaign_id, after.from_ms, "SPIKE" if after.ctr > before.ctr else "DROP"))
    return found


def score(wanted: Iterable[Change], alerts: Sequence[Alert], window_ms: int, hours: float, late: int = 0) -> Score:
    """Compare alerts with the truth; see the module's rules.

    Args:
        wanted: the changes.
        alerts: the alerts of a time that the truth covers, in any order.
        window_ms: size of a window.
        hours: hours of event time that were watched.
        late: how many windows late an alert may be.
    """
    open_ = {(one.campaign, one.window_ms, one.type) for one in alerts}
    total, true, repeated, late_windows, delay_ms = 0, 0, 0, 0, 0
    for change in wanted:
        total += 1
        windows = change.windows(window_ms, late)
        there = [start for start in windows if (change.campaign, start, change.type) in open_]
        open_ -= {(change.campaign, start, change.type) for start in there}
        if there:
            true += 1
            repeated += len(there) - 1
            late_windows += windows.index(there[0])
            delay_ms += there[0] + window_ms - change.at_ms
    mean = (late_windows / true, delay_ms / true / 1000) if true else (None, None)
    return Score(total, true, repeated, len(open_), hours, *mean)
