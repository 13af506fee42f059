"""What goes into `SET` and `WITH`: connector and session options of one pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from adclick_cli.pipeline import Pipeline

TRANSACTION_TIMEOUT_MS = 900_000
"""Longer than any pause between checkpoints that a recovery may take; brokers allow up to 15 min by default."""

ALIGNMENT_GROUP = "adclick"
LIVE_STATE_HOURS = 1


def _connection(pipeline: Pipeline, topic: str) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": pipeline.bootstrap_servers,
    }


def source(pipeline: Pipeline, topic: str, *, tolerant: bool, aligned: bool) -> Mapping[str, str]:
    """A JSON topic read from its beginning, committed rows only.

    Args:
        pipeline: the parameters.
        topic: the topic's name.
        tolerant: a value that does not fit its column becomes NULL instead of failing the job.
        aligned: hold this topic back while the others of the group are behind, which bounds the join's state.
    """
    options = _connection(pipeline, topic) | {
        "properties.group.id": f"adclick-{topic}",
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
    }
    if tolerant:
        options["value.json.ignore-parse-errors"] = "true"
    if pipeline.bounded:
        options["scan.bounded.mode"] = "latest-offset"
    elif aligned:
        # Never together with scan.bounded.mode: connector 5.0.0 then fails with "No current assignment for partition".
        options |= {
            "scan.watermark.alignment.group": ALIGNMENT_GROUP,
            "scan.watermark.alignment.max-drift": "2 min",
            "scan.watermark.alignment.update-interval": "200 ms",
        }
    return options


def final_sink(pipeline: Pipeline, topic: str, key: str) -> Mapping[str, str]:
    """An append-only JSON topic, exactly-once, partitioned by the text of one column."""
    return _connection(pipeline, topic) | {
        "key.format": "raw",
        "key.fields": key,
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"adclick-{topic}",
        "properties.transaction.timeout.ms": str(TRANSACTION_TIMEOUT_MS),
    }


def live_sink(pipeline: Pipeline, topic: str) -> Mapping[str, str]:
    """An upsert topic: at-least-once, which its key makes harmless, so that rows show before the next checkpoint."""
    return _connection(pipeline, topic) | {
        "connector": "upsert-kafka",
        "key.format": "json",
        "key.json.timestamp-format.standard": "ISO-8601",
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
    }


def session(pipeline: Pipeline) -> Mapping[str, str]:
    """The session's options, by name."""
    options = {
        "parallelism.default": str(pipeline.parallelism),
        "pipeline.object-reuse": "true",
        "execution.runtime-mode": "streaming",
        "execution.checkpointing.interval": f"{pipeline.checkpoint_interval.ms} ms",
        "table.exec.source.idle-timeout": f"{pipeline.idle_timeout.ms} ms",
    }
    if pipeline.bounded:
        # The alerts are computed from the finished windows: one job after the other.
        options["table.dml-sync"] = "true"
    if pipeline.live:
        kept = pipeline.window.ms + pipeline.attribution.ms + LIVE_STATE_HOURS * 3_600_000
        options |= {
            "table.exec.mini-batch.enabled": "true",
            "table.exec.mini-batch.allow-latency": "1 s",
            "table.exec.mini-batch.size": "20000",
            "table.exec.state.ttl": f"{kept} ms",
        }
    return options
