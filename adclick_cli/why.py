"""Why there is nothing to see yet, and what to run next."""

from __future__ import annotations

from adclick_cli import submission
from adclick_cli.broker import admin
from adclick_cli.errors import AdclickError
from adclick_cli.flink import health
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.parameters import Duration
from adclick_cli.results import reading
from adclick_cli.settings import Settings


def nothing_yet(settings: Settings, what: str) -> tuple[str, str]:
    """The reason, and the command that helps.

    Args:
        settings: the settings.
        what: alerts or the name of a result.

    Raises:
        BrokerError: the broker does not answer.
    """
    topics, servers = settings.topics(), settings.servers
    there = set(admin.list_topics(servers))
    pipeline = submission.current_pipeline(settings) or settings.pipeline()
    *_, topic = reading.topics_of(what, topics, catalog=pipeline.catalog)
    if topic not in there:
        return f"There is no topic {topic} yet.", "adclick up"
    try:
        jobs = health.of_cluster(FlinkRest(settings.flink_rest))
    except AdclickError as error:
        return f"{error.what[0].upper()}{error.what[1:]}.", "adclick up"
    trouble = health.sentence(jobs)
    if not any(one.job.active for one in jobs.values()):
        return f"No job of adclick runs. {trouble}".strip(), health.next_submit(settings)
    if trouble:
        return trouble, health.next_step(settings, jobs)
    if topics.impressions not in there or not admin.holds_messages(servers, topics.impressions):
        return f"The jobs run, but {topics.impressions} holds no events.", "adclick generate"
    if what == "alerts" and admin.holds_messages(servers, topics.ctr):
        return "No alert so far: no window differs enough from the one before it.", "adclick watch ctr"
    held = Duration(pipeline.held_ms // 1000 * 1000)
    return (
        f"The jobs run and events are there. A window is final {held} after its end, plus"
        f" {pipeline.watermark_delay} for events out of order and up to {pipeline.checkpoint_interval} for the commit.",
        "adclick status",
    )
