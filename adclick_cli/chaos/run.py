"""A run of chaos: events flow, faults come, and at the end every row is checked."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from adclick_cli import submission
from adclick_cli.broker import admin
from adclick_cli.broker.whole import read_topic
from adclick_cli.chaos import plan
from adclick_cli.chaos.record import Record
from adclick_cli.chaos.recovery import Recovery, all_run, committed_since, endure
from adclick_cli.errors import AdclickError, FlinkError, RuntimeFailure
from adclick_cli.events.background import Generator, generating
from adclick_cli.flink import leftovers
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local import supervisor
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import Report
from adclick_cli.schema import HEARTBEAT_ID
from adclick_cli.settings import Settings
from adclick_cli.submission import Submission
from adclick_cli.verify.check import verify

FLOWING_DEADLINE_S = 60.0
VERIFY_WAIT_S = 120.0
SLACK_S = 5.0
POLL_S = 0.2
Ends = dict[str, dict[int, int]]
"""By topic and partition, the next offset."""

LOG = Path("logs") / "chaos-generator.log"


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        kinds: of faults.
        faults: how many.
        seed: of faults and events.
        rate: impressions a second.
        outage_s: how long a paused or stopped service stays away.
        gap_s: longest time between a recovery and the next fault.
    """

    kinds: tuple[plan.Kind, ...]
    faults: int
    seed: int
    rate: float
    outage_s: float
    gap_s: float


def run(settings: Settings, request: Request, report: Report) -> Record:
    """Break things while events flow through the jobs that run, and check every result.

    Raises:
        RuntimeFailure: the runtime is none that processes can be killed in, or a process cannot be started again.
        FlinkError: the jobs do not run.
        AdclickError: the generator ended by itself.
    """
    begun = time.monotonic()
    runtime = choose(settings)
    if not isinstance(runtime, LocalRuntime):
        raise RuntimeFailure(f"chaos kills local processes; this is the {runtime.name} runtime")
    if runtime.process(supervisor.NAME):
        raise RuntimeFailure(
            "the supervisor would mend before the fault is over", mend="Run `adclick down` and `adclick up` without it."
        )
    rest = FlinkRest(settings.flink_rest)
    submitted = submission.current(settings)
    if submitted is None or not all_run(runtime, rest):
        raise FlinkError("the jobs do not all run", mend="Run `adclick up` and `adclick submit` first.")
    faults = plan.faults(request.kinds, request.faults, request.seed, request.gap_s)
    before = _ends(settings, submitted.pipeline)
    recoveries: list[Recovery] = []
    with generating(settings, _flags(request), LOG) as generator:
        _wait_flowing(rest, generator)
        for number, fault in enumerate(faults, start=1):
            time.sleep(fault.after_s)
            generator.require_alive()
            recovery = endure(runtime, rest, fault, number, request.outage_s, report)
            if recovery.committed_s is not None:
                left = leftovers.sweep(rest, settings.servers, submitted.pipeline, report, wait=True)
                recovery = replace(recovery, left_open=tuple(left))
            recoveries.append(recovery)
            report(_told(recoveries[-1]))
            _wait_arriving(settings, submitted.pipeline, generator)
            if recoveries[-1].committed_s is None:
                break
        last_s = time.time()
        _settle(submitted.pipeline, generator, report)
        sent = generator.end()
    return _check(settings, request, submitted, recoveries, sent, before, last_s, begun, report)


def _check(
    settings: Settings,
    request: Request,
    submitted: Submission,
    recoveries: list[Recovery],
    sent: dict[str, int],
    before: Ends,
    last_s: float,
    begun: float,
    report: Report,
) -> Record:
    verdict = verify(settings.servers, submitted.pipeline, VERIFY_WAIT_S, report, submitted.earlier)
    held = _since(settings, submitted.pipeline, before)
    final = -1 if verdict.watermark is None else verdict.watermark - submitted.pipeline.held_ms
    return Record(
        seed=request.seed,
        rate=request.rate,
        gap_s=request.gap_s,
        submission=submitted,
        recoveries=recoveries,
        sent=sent,
        held=held,
        verdict=verdict,
        covered=final >= last_s * 1000,
        seconds=time.monotonic() - begun,
    )


def _raw_topics(pipeline: Pipeline) -> dict[str, str]:
    return {"impressions": pipeline.topics.impressions, "clicks": pipeline.topics.clicks}


def _ends(settings: Settings, pipeline: Pipeline) -> Ends:
    return admin.end_offsets(settings.servers, _raw_topics(pipeline).values())


def _since(settings: Settings, pipeline: Pipeline, ends: Ends) -> dict[str, int]:
    """Messages that came since, by kind; heartbeats, which nobody generated, are left out."""
    return {
        name: sum(
            message.key != HEARTBEAT_ID.encode()
            for batch in read_topic(settings.servers, topic, start=ends[topic])
            for message in batch
        )
        for name, topic in _raw_topics(pipeline).items()
    }


def _flags(request: Request) -> tuple[str, ...]:
    return ("--phase", "cycle", "--rate", str(request.rate), "--seed", str(request.seed))


def _wait_flowing(rest: FlinkRest, generator: Generator) -> None:
    """Wait until both jobs have committed something of this run."""
    since, deadline = time.time(), time.monotonic() + FLOWING_DEADLINE_S
    while not committed_since(rest, since):
        generator.require_alive()
        if time.monotonic() > deadline:
            raise FlinkError("the jobs commit nothing", mend="Look at `adclick jobs`.")
        time.sleep(POLL_S)


def _wait_arriving(settings: Settings, pipeline: Pipeline, generator: Generator) -> None:
    """Wait until events arrive again: a fault that hits an idle pipeline proves nothing."""
    before, deadline = _ends(settings, pipeline), time.monotonic() + FLOWING_DEADLINE_S
    while not all(_since(settings, pipeline, before).values()):
        generator.require_alive()
        if time.monotonic() > deadline:
            raise AdclickError("the generator sends nothing any more", mend="Look at `adclick status`.")
        time.sleep(POLL_S)


def _settle(pipeline: Pipeline, generator: Generator, report: Report) -> None:
    """Let events flow on until the windows that were open at the last fault are final."""
    left = pipeline.window.seconds + pipeline.held_ms / 1000 + pipeline.watermark_delay.seconds + SLACK_S
    report(f"Events flow on for {left:.0f} s, so that every window of the faults becomes final …")
    deadline = time.monotonic() + left
    while time.monotonic() < deadline:
        generator.require_alive()
        time.sleep(POLL_S)


def _told(one: Recovery) -> str:
    if one.committed_s is None:
        return f"Fault {one.number}: {one.kind}: not recovered."
    return f"Fault {one.number}: {one.kind}: all runs again after {one.running_s} s, commits after {one.committed_s} s."
