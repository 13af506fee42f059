"""The throughput of adclick's own two loops: making events, and verifying results."""

from __future__ import annotations

import time

from adclick_cli import defaults, schema
from adclick_cli.bench import place
from adclick_cli.bench.measures import Goal, Measured, measure
from adclick_cli.broker import admin
from adclick_cli.broker.producer import fast_client
from adclick_cli.errors import AdclickError
from adclick_cli.events import generate, sending
from adclick_cli.events.generator import Plan, events
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.submit import inside, submit
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings
from adclick_cli.verify.check import verify

SUITE = "tools"
GENERATED = 200_000
"""Impressions of one sample."""
GENERATE_GOAL = Goal(150_000, more=True)
VERIFY_GOAL_EVENTS = 3_300_000
VERIFY_GOAL_S = 20.0
PATIENCE_S = 60.0


def run(settings: Settings, impressions: int, rate: float, rounds: int, report: Report) -> Measured:
    """Events made and sent a second, with each Kafka client that is installed; seconds to verify a whole backlog.

    Args:
        settings: of the cluster that is up.
        impressions: of the backlog that is verified.
        rate: impressions a second of event time.
        rounds: samples of each.
        report: told what is done.

    Raises:
        FlinkError: a job of adclick runs, or one fails.
        AdclickError: verify found a difference, so that its time means nothing.
    """
    rest = FlinkRest(settings.flink_rest)
    place.require_idle(rest)
    found = []
    for fast in (True, False) if fast_client() else (False,):
        name = "confluent-kafka" if fast else "kafka-python"
        samples = [_generate(settings, number, fast=fast) for number in range(rounds)]
        report(f"generate with {name}: {max(samples):,.0f} messages/s at best")
        goals = [GENERATE_GOAL] if fast else []
        found.append(measure(f"generate, one process, {name}", "messages/s", samples, *goals))
    own = place.own(settings)
    held = place.prepare(own, impressions, rate, defaults.CAMPAIGNS, report)
    pipeline = inside(own, own.pipeline(bounded=True))
    report(f"Computing the results of {held:,} events …")
    submit(own, pipeline, replace=True, report=report)
    seconds = []
    for number in range(1, rounds + 1):
        begun = time.monotonic()
        verdict = verify(own.servers, own.pipeline(bounded=True), PATIENCE_S, report)
        if not verdict.ok:
            raise AdclickError(f"verify found {verdict.missing} rows missing or other differences in its own benchmark")
        seconds.append(time.monotonic() - begun)
        report(f"Round {number} of {rounds}: verified in {seconds[-1]:.1f} s")
    found.append(
        measure(f"verify of {held:,} events", "s", seconds, Goal(round(VERIFY_GOAL_S * held / VERIFY_GOAL_EVENTS, 1)))
    )
    return Measured(SUITE, found, {**place.parameters(own, pipeline), "events": held})


def _generate(settings: Settings, number: int, *, fast: bool) -> float:
    own = place.own(settings, f"{place.PREFIX}made-")
    topics = own.topics()
    admin.ensure_topics(own.servers, admin.topic_names(topics, schema.EVENTS))
    start = generate.parse_time(place.START, "start") + number
    plan = Plan(own.seed, start, 1_000.0, GENERATED, "normal", defaults.PHASE_CAMPAIGN)
    report = sending.send(events(plan), own.servers, topics, speed=0.0, fast=fast)
    admin.delete_records(own.servers, [topics.impressions, topics.clicks])
    return (report.impressions + report.clicks) / (report.seconds - report.paused_s)
