"""The first look: the whole way from nothing to proven rates, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from adclick_cli import submission
from adclick_cli.events import generate, sending
from adclick_cli.events.generator import Shares
from adclick_cli.flink.submit import submit
from adclick_cli.results import reading
from adclick_cli.runtime.service import Runtime
from adclick_cli.settings import Settings
from adclick_cli.verify.check import Verdict, verify

BACKFILL = "40m"
RATE = 300.0
LIVE_SECONDS = 20
SETTLE_S = 90.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Summary:
    """What the demo showed.

    Attributes:
        impressions, clicks: messages sent.
        windows: final CTR rows.
        ctr_by_phase: CTR of the campaign with phases, by phase.
        alerts: by type.
        verdict: the check.
        seconds: how long it all took.
    """

    impressions: int
    clicks: int
    windows: int
    ctr_by_phase: dict[str, float]
    alerts: dict[str, int]
    verdict: Verdict
    seconds: float


def backfill(settings: Settings, report: Report) -> sending.Report:
    """A cycle of phases whose event time ends now."""
    request = generate.Request("cycle", "camp-1", None, None, BACKFILL, None, Shares())
    return generate.run(settings.model_copy(update={"rate": RATE}), request, None, report)


def live(settings: Settings, report: Report) -> sending.Report:
    """Some seconds of events at the pace of the clock."""
    request = generate.Request("normal", "camp-1", f"{LIVE_SECONDS}s", None, None, None, Shares())
    return generate.run(settings, request, None, report)


def start(settings: Settings, runtime: Runtime, report: Report) -> None:
    """Cluster and jobs."""
    runtime.up(report)
    submit(settings, settings.pipeline(), replace=True, report=report)


def until_settled(settings: Settings, steps: Iterator[int]) -> Iterator[int]:
    """Pass a watch's steps on until final rows stop coming, at most for some time."""
    deadline = time.monotonic() + SETTLE_S
    quiet_since = time.monotonic()
    seen = 0
    for step in steps:
        yield step
        rows = len(reading.final_ctr_rows(settings.servers, settings.topics())) if not step else seen
        now = time.monotonic()
        if rows != seen or step:
            seen, quiet_since = rows, now
        patience = (submission.current_pipeline(settings) or settings.pipeline()).checkpoint_interval.seconds * 1.5
        if (seen and now - quiet_since > patience) or now > deadline:
            return


def summarise(settings: Settings, sent: list[sending.Report], begun: float, report: Report) -> Summary:
    """Check everything and put the figures together."""
    pipeline = submission.current_pipeline(settings) or settings.pipeline()
    verdict = verify(settings.servers, pipeline, 60.0, report)
    topics = settings.topics()
    rows = reading.final_ctr_rows(settings.servers, topics)
    phases: dict[str, tuple[int, int]] = {}
    for phase in sent[0].more["truth"]:
        inside = [
            row
            for row in rows
            if row.name == phase["campaign_id"]
            and row.start.timestamp() * 1000 >= phase["from_ms"]
            and row.end.timestamp() * 1000 <= phase["to_ms"]
        ]
        shown, clicked = phases.get(phase["phase"], (0, 0))
        phases[phase["phase"]] = (
            shown + sum(row.impressions for row in inside),
            clicked + sum(row.clicks for row in inside),
        )
    alerts: dict[str, int] = {}
    for alert in reading.alert_rows(settings.servers, topics):
        alerts[alert.type] = alerts.get(alert.type, 0) + 1
    return Summary(
        impressions=sum(one.impressions for one in sent),
        clicks=sum(one.clicks for one in sent),
        windows=len(rows),
        ctr_by_phase={name: clicked / shown for name, (shown, clicked) in phases.items() if shown},
        alerts=alerts,
        verdict=replace(verdict),
        seconds=time.monotonic() - begun,
    )
