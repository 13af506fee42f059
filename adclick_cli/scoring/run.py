"""`adclick score`: which rules, on which rows, with which thresholds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adclick_cli.errors import AdclickError, ParameterError
from adclick_cli.events import truth
from adclick_cli.parameters import Duration, parse_count
from adclick_cli.pipeline import Pipeline
from adclick_cli.results import reading
from adclick_cli.scoring import measure, rules, simulate
from adclick_cli.scoring.measure import Alert, Change, Score
from adclick_cli.scoring.rules import Judge, Rule
from adclick_cli.security import Servers

THRESHOLDS = tuple(number / 10 for number in range(1, 10))
MIN_ZS = tuple(number / 2 for number in range(2, 17))
SENT = "sent"
RECOMPUTED = "recomputed"
MOST_RUNS = 10_000
MOST_IMPRESSIONS = 100_000


@dataclass(frozen=True)
class Line:
    """One score.

    Attributes:
        source: `simulated`; `sent`: the alerts in the topic; `recomputed`: what the rule makes of the CTR rows there.
        impressions: of each campaign in a window, on the average; None where nobody chose them.
        rule: the rule's name.
        thresholds: its thresholds; None for alerts that were sent by a rule of the past.
        score: what it was worth.
    """

    source: str
    impressions: int | None
    rule: str
    thresholds: Rule | None
    score: Score

    @property
    def knob(self) -> float | None:
        """What a sweep turns: the drop threshold of `ratio`, else the least |z|."""
        if self.thresholds is None:
            return None
        return self.thresholds.drop if self.rule == "ratio" else self.thresholds.min_z

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        knob, used = self.knob, self.thresholds
        return {
            "source": self.source,
            "impressions": self.impressions,
            "rule": self.rule,
            "drop": None if used is None else round(used.drop, 4),
            "spike": None if used is None else round(used.spike, 4),
            "min_z": None if used is None or self.rule == "ratio" else knob,
            **self.score.to_json(),
        }


COLUMNS = tuple(Line("", None, "", None, Score(0, 0, 0, 0, 0.0, None, None)).to_json())


def chosen(names: Sequence[str], base: Pipeline, min_z: float | None) -> list[Rule]:
    """The rules to score.

    Args:
        names: their names; none means all.
        base: for the factors and the least impressions.
        min_z: the least |z| of all, or None for what each is meant to have.

    Raises:
        ParameterError: there is no such rule.
    """
    found = []
    for name in names or rules.RULES:
        own = rules.default(name)
        found.append(
            replace(
                own,
                spike=base.spike,
                drop=base.drop,
                min_impressions=base.min_impressions,
                min_z=own.min_z if min_z is None else min_z,
            )
        )
    return found


def parse_levels(text: str) -> list[int]:
    """`50,100,300` as numbers.

    Raises:
        ParameterError: it is no such list.
    """
    try:
        levels = [int(part) for part in text.split(",")]
    except ValueError:
        raise ParameterError(
            "impressions", text, "It is not a list of numbers.", "Write for example 50,100,300."
        ) from None
    return [parse_count(level, "impressions", at_least=1, at_most=MOST_IMPRESSIONS) for level in levels]


def swept(rule: Rule) -> Iterator[Rule]:
    """The rule with each of its thresholds: `ratio` from 0.1 to 0.9 (spike its inverse), the others |z| from 1 to 8."""
    if rule.name == "ratio":
        yield from (replace(rule, drop=one, spike=1 / one) for one in THRESHOLDS)
    else:
        yield from (replace(rule, min_z=one) for one in MIN_ZS)


def simulated(
    levels: Iterable[int],
    runs: int,
    seed: int,
    wanted: Sequence[Rule],
    *,
    late: int,
    sweep: bool,
    shift: Duration | None = None,
) -> Iterator[Line]:
    """Scores on simulated runs, level by level.

    Args:
        levels: impressions of each campaign in a window, on the average.
        runs: how many runs at each level.
        seed: decides every row.
        wanted: the rules.
        late: how many windows late an alert may be.
        sweep: each rule with each of its thresholds.
        shift: how long after a window's beginning a CTR changes; None means at its beginning.

    Raises:
        ParameterError: too many runs, or none; a shift of a window or more.
    """
    parse_count(runs, "runs", at_least=1, at_most=MOST_RUNS)
    shift_ms = shift.ms if shift else 0
    if shift_ms >= simulate.WINDOW_MS:
        raise ParameterError(
            "shift",
            str(shift),
            f"It is not within a window, which is {simulate.WINDOW_MS // 1000}s.",
            "Give less, for example 20s.",
        )
    for level in levels:
        made = simulate.simulate(level, runs, seed, shift_ms)
        judge = Judge(made.rows, simulate.WINDOW_MS)
        known = measure.changes(made.intervals, simulate.WINDOW_MS)
        for rule in wanted:
            for one in swept(rule) if sweep else (rule,):
                worth = measure.score(known, judge.alerts(one), simulate.WINDOW_MS, made.hours, late)
                yield Line("simulated", level, one.name, one, worth)
        judge.close()


@dataclass(frozen=True)
class Found:
    """What the topics hold.

    Attributes:
        intervals: the truth.
        rows: the final CTR rows.
        alerts: the alerts that were sent, with the name of their rule.
    """

    intervals: list[truth.Interval]
    rows: list[simulate.CtrRow]
    alerts: list[tuple[str, Alert]]


def read(servers: Servers, pipeline: Pipeline) -> Found:
    """Read the truth, the final CTR rows and the alerts.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: a message is no such row.
    """
    window_ms, topics = pipeline.window.ms, pipeline.topics
    # Alerts before rows: whatever an alert was made of is there when it is read.
    alerts = [
        (row.rule, Alert(row.name, round(row.time.timestamp() * 1000) - window_ms, row.type))
        for row in reading.alert_rows(servers, topics)
    ]
    rows = [
        simulate.CtrRow(row.name, round(row.start.timestamp() * 1000), row.impressions, row.clicks)
        for row in reading.final_ctr_rows(servers, topics)
    ]
    return Found(truth.read(servers, topics.truth), rows, alerts)


def of_topics(found: Found, pipeline: Pipeline, wanted: Sequence[Rule], *, late: int, sweep: bool) -> list[Line]:
    """Scores of the alerts that were sent, and of what each rule makes of the final CTR rows.

    Args:
        found: what the topics hold.
        pipeline: the parameters of the submission.
        wanted: the rules.
        late: how many windows late an alert may be.
        sweep: each rule with each of its thresholds.

    Raises:
        AdclickError: there is no truth, or no final row of its time.
    """
    window_ms, topics = pipeline.window.ms, pipeline.topics
    if not found.intervals:
        raise AdclickError(
            f"{topics.truth} holds no truth",
            "Only events that `adclick generate` made can be scored.",
            "Run `adclick generate` first, or `adclick score --simulate`.",
        )
    covered = Covered(found.intervals, [row.window_ms for row in found.rows], window_ms)
    if not covered.starts:
        raise AdclickError(
            f"{topics.ctr} holds no final row of the time that {topics.truth} tells of",
            "A window is final when its attribution time has passed.",
            "`adclick watch ctr` shows what is there; try again later.",
        )
    known = covered.changes(late)
    sent: dict[str, list[Alert]] = {pipeline.method: []}
    for name, alert in found.alerts:
        sent.setdefault(name, []).append(alert)

    def worth(alerts: Iterable[Alert]) -> Score:
        return measure.score(known, covered.of(alerts), window_ms, covered.hours, late)

    lines = [Line(SENT, None, name, None, worth(alerts)) for name, alerts in sent.items()]
    judge = Judge(found.rows, window_ms)
    for rule in wanted:
        for one in swept(rule) if sweep else (rule,):
            lines.append(Line(RECOMPUTED, None, one.name, one, worth(judge.alerts(one))))
    judge.close()
    return lines


class Covered:
    """The part of the truth that the final rows reach.

    Args:
        intervals: the truth.
        starts: first instants of the windows that have a final row, ms since the epoch.
        window_ms: size of a window.

    Attributes:
        starts: those of them that the truth covers.
    """

    def __init__(self, intervals: Sequence[truth.Interval], starts: Iterable[int], window_ms: int) -> None:
        self._intervals = intervals
        self._window_ms = window_ms
        spans = [(one.from_ms, one.to_ms) for one in intervals]
        self.starts = {
            start
            for start in starts
            if any(start + window_ms > begins and (ends is None or start < ends) for begins, ends in spans)
        }

    @property
    def hours(self) -> float:
        """Hours of event time, all campaigns together."""
        return len(self.starts) * self._window_ms / measure.HOUR_MS

    def of(self, alerts: Iterable[Alert]) -> list[Alert]:
        """The alerts of that time."""
        return [one for one in alerts if one.window_ms in self.starts]

    def changes(self, late: int) -> list[Change]:
        """The changes whose windows are all final: the others may still be found."""
        newest = max(self.starts)
        found = measure.changes(self._intervals, self._window_ms)
        return [one for one in found if one.windows(self._window_ms, late)[-1] <= newest]
