"""One run of the generator: from what the user asked for to events in the topics."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from adclick_cli import private, schema
from adclick_cli.defaults import CAMPAIGNS
from adclick_cli.errors import ParameterError
from adclick_cli.events import sending, truth
from adclick_cli.events.generator import Plan, Shares, events
from adclick_cli.parameters import Duration, parse_number
from adclick_cli.runtime import disk
from adclick_cli.settings import Settings


@dataclass(frozen=True)
class Request:
    """What the user asked for, as text and numbers."""

    phase: str
    campaign: str
    duration: str | None
    count: int | None
    backfill: str | None
    start: str | None
    shares: Shares
    campaigns: int = CAMPAIGNS


def plan(settings: Settings, request: Request, now_ms: int) -> Plan:
    """The plan of a request.

    Args:
        settings: for rate and seed.
        request: the request.
        now_ms: the clock, ms since the epoch.

    Raises:
        ParameterError: a value cannot be used, or two flags contradict each other.
    """
    rate = parse_number(settings.rate, "rate", above=0)
    if request.count is not None and request.duration is not None:
        raise ParameterError("count", request.count, "--duration is given, too.", "Give one of the two.")
    span = Duration.parse(request.duration, "duration") if request.duration else None
    start_ms = now_ms
    if request.start:
        start_ms = parse_time(request.start, "start")
    if request.backfill:
        back = Duration.parse(request.backfill, "backfill")
        if request.start:
            raise ParameterError("backfill", request.backfill, "--start is given, too.", "Give --start and --duration.")
        start_ms = now_ms - back.ms
        span = span or (None if request.count is not None else back)
    count = request.count if span is None else max(1, int(span.seconds * rate))
    if request.start and count is None:
        raise ParameterError("start", request.start, "It has no end.", "Give --duration or --count with it.")
    return Plan(
        settings.seed, start_ms, rate, count, request.phase, request.campaign, request.shares, request.campaigns
    ).checked()


def parse_time(text: str, field: str) -> int:
    """Milliseconds since the epoch from such a number or an ISO time (UTC where it names no zone).

    Raises:
        ParameterError: it is neither.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise ParameterError(
            field, text, "It is no time.", "Write 2026-01-01T12:00:00Z, or milliseconds since the epoch."
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return round(moment.timestamp() * 1000)


def run(settings: Settings, request: Request, copy: Path | None, report: Callable[[str], None]) -> sending.Report:
    """Send a run's events, and to the truth's topic what they hold.

    Args:
        settings: for rate, seed, broker and topics.
        request: what the user asked for.
        copy: a file for the truth, as JSON lines, or None.
        report: told what is done.

    Raises:
        ParameterError: a value cannot be used.
        BrokerError: no broker answers within `broker_wait`, or events could not be delivered.
    """
    # What the user wrote is checked before anything is waited for; the clock is read again when it matters.
    plan(settings, request, 0)
    topics, servers = settings.topics(), settings.servers
    wait_s = Duration.parse(settings.broker_wait, "broker-wait", allow_zero=True).seconds
    sending.prepare(settings, wait_s, report, more=(schema.TRUTH,))
    made = plan(settings, request, int(time.time() * 1000))
    paced = not (request.backfill or request.start)
    ends = "until Ctrl-C" if made.count is None else f"{made.count:,} impressions"
    report(f"Sending {ends} to {topics.impressions} and their clicks to {topics.clicks} at {servers} …")
    truth.write(servers, topics.truth, truth.planned(made))
    look = partial(disk.require_room, settings)
    sent = sending.send(events(made, settings.catalog), servers, topics, speed=1.0 if paced else 0.0, look=look)
    came = truth.ended(made, sent.last_ms)
    truth.write(servers, topics.truth, came)
    injected = [one.to_json() for one in came if not one.empty]
    sent.more = {"seed": made.seed, "start_ms": made.start_ms, "truth": injected}
    if copy is not None:
        lines = "".join(json.dumps(line) + "\n" for line in injected)
        private.write_for_user("truth", copy, lines)
    return sent
