"""The suites by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adclick_cli.bench import backlog, freshness, scaling, start, stock, tools
from adclick_cli.bench.measures import Measured
from adclick_cli.errors import ParameterError
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

FULL = "full"

Result = backlog.Record | Measured


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        suite: a name of `NAMES`, or `FULL` for all of them.
        events: impressions of a backlog.
        rate: impressions a second of event time.
        rounds: how often each thing is measured.
        sides: of the backlog, of `backlog.SIDES`.
        duration_s: how long events flow where freshness is measured, seconds.
        live_rate: impressions a second there.
    """

    suite: str
    events: int
    rate: float
    rounds: int
    sides: tuple[str, ...]
    duration_s: float
    live_rate: float


_SUITES: dict[str, Callable[[Settings, Request, Report], Result]] = {
    backlog.SUITE: lambda settings, asked, report: backlog.backlog(
        settings, backlog.Request(asked.events, asked.rate, asked.rounds, asked.sides), report
    ),
    stock.SUITE: lambda settings, asked, report: stock.run(settings, asked.events, asked.rate, asked.rounds, report),
    tools.SUITE: lambda settings, asked, report: tools.run(settings, asked.events, asked.rate, asked.rounds, report),
    freshness.SUITE: lambda settings, asked, report: freshness.run(settings, asked.live_rate, asked.duration_s, report),
    scaling.SUITE: lambda settings, asked, report: scaling.run(
        settings, max(asked.events // SCALED_DOWN, 1), asked.rate, asked.rounds, report
    ),
    start.SUITE: lambda settings, asked, report: start.run(settings, asked.rounds, report),
}
SCALED_DOWN = 5
"""The starting point of the scaling suite is so much smaller than the backlog, for it grows to ten times its size."""
NAMES = (*_SUITES, FULL)


def run(settings: Settings, request: Request, report: Report) -> list[Result]:
    """Measure; the suites run one after the other.

    Raises:
        ParameterError: there is no such suite.
        AdclickError: a suite's own errors.
    """
    if request.suite not in NAMES:
        raise ParameterError("suite", request.suite, "There is no such suite.", f"Use one of: {', '.join(NAMES)}.")
    wanted = _SUITES if request.suite == FULL else (request.suite,)
    return [_SUITES[name](settings, request, report) for name in wanted]
