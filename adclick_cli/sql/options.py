"""What goes into `SET` and `WITH`: connector and session options of one pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from adclick_cli import defaults, schema
from adclick_cli.catalog import records
from adclick_cli.pipeline import Pipeline

ALIGNMENT_GROUP = "adclick"
DISCOVERY = "scan.topic-partition-discovery.interval"
LIVE_STATE_HOURS = 1
UNSPLIT_CHARACTERS = 64_000
"""Generated classes up to this length stay in one piece: taking them apart was half of planning (decision 0015)."""


EVENT_FORMAT = "adclick-events"
EVENT_LINES = "adclick-event-lines"
"""The same for a file: each message on a line, with its place."""

Options = Mapping[str, str]

_TOLERANT = {
    "ignore-parse-errors": "true",
    # The streaming parser hands on the first elements of an array that turns out to be broken, and stops reading an
    # object as soon as it has counted as many fields as it wants, the same one twice included (docs/decisions/0006).
    "decode.json-parser.enabled": "false",
}
"""A value that does not fit its column becomes NULL instead of failing the job."""


_EARLY = tuple(record.name for record in schema.EARLY)


@dataclass(frozen=True)
class Transport:
    """What the tables of a script are connected to.

    Attributes:
        sources: `WITH` options of the tables that are read, by stage name: impressions, clicks, ctr.
        sinks: the same for the tables that are written, by record name.
        arrival: the metadata column that tells when an event arrived.
        notes: lines for whoever reads the script.
    """

    sources: Mapping[str, Options]
    sinks: Mapping[str, Options]
    arrival: str
    notes: tuple[str, ...] = ()


NO_SECRETS = (
    "No secret is in this script. Where an option reads ${adclick:FILE:NAME}, Flink's Kafka clients read it",
    "themselves from that file, on each machine that runs a JobManager or TaskManager: docs/security.md.",
)


def kafka(pipeline: Pipeline, login: Mapping[str, str] | None = None) -> Transport:
    """Kafka topics, as `submit` uses them.

    Args:
        pipeline: the parameters.
        login: options of Java's Kafka clients that every table gets, by name (`security.java`).
    """
    plain = _topics(pipeline)
    if not login:
        return plain
    more = {f"properties.{name}": value for name, value in login.items()}
    return Transport(
        sources={name: {**table, **more} for name, table in plain.sources.items()},
        sinks={name: {**table, **more} for name, table in plain.sinks.items()},
        arrival=plain.arrival,
        notes=NO_SECRETS,
    )


def _topics(pipeline: Pipeline) -> Transport:
    topics = pipeline.topics
    return Transport(
        sources={
            "impressions": {
                **_source(pipeline, topics.impressions, tolerant=True, aligned=True),
                **_idleness(pipeline, may_fall_idle=pipeline.parallelism == 1),
            },
            "clicks": {
                **_source(pipeline, topics.clicks, tolerant=True, aligned=True),
                **_idleness(pipeline, may_fall_idle=True),
            },
            "impression_records": {
                **_events(pipeline, topics.impressions, "impressions"),
                **_idleness(pipeline, may_fall_idle=pipeline.parallelism == 1),
            },
            "click_records": {
                **_events(pipeline, topics.clicks, "clicks"),
                **_idleness(pipeline, may_fall_idle=True),
            },
            "ctr": {
                **_source(pipeline, topics.ctr, tolerant=False, aligned=False),
                **_idleness(pipeline, may_fall_idle=True),
            },
        },
        sinks={
            "ctr": _final_sink(pipeline, topics.ctr, "campaign_id"),
            "engagement": _final_sink(pipeline, topics.engagement, "device_type"),
            "alerts": _final_sink(pipeline, topics.alerts, "campaign_id"),
            "dead_letters": _final_sink(pipeline, topics.dead_letters, "source_topic")
            | {"properties.max.request.size": str(defaults.DEAD_LETTER_MAX_BYTES)},
            "ctr_live": _live_sink(pipeline, topics.ctr_live),
            "engagement_live": _live_sink(pipeline, topics.engagement_live),
            **{name: _live_sink(pipeline, getattr(topics, name)) for name in _EARLY},
            **{one.name: _declared_sink(pipeline, one) for one in records.final(pipeline.catalog)},
            **{
                one.name: _plain_decimals(_live_sink(pipeline, topics.of(one)))
                for one in records.live(pipeline.catalog)
            },
        },
        arrival="timestamp",
    )


def files(folder: Path, pipeline: Pipeline) -> Transport:
    """Folders of files: the same SQL on a bounded input, without a broker.

    `folder` holds `impressions/` and `clicks/`; the results come beside them, as JSON lines. Plain SQL reads lines of
    JSON, and a file's modification time stands for the arrival of its events; the function reads messages with their
    places (docs/events.md). Only a bounded pipeline without a live lane can write files.
    """
    tolerant = {f"json.{name}": value for name, value in _TOLERANT.items()}
    return Transport(
        sources={
            "impressions": file(folder / "impressions") | tolerant,
            "clicks": file(folder / "clicks") | tolerant,
            "impression_records": _event_lines(folder / "impressions", pipeline, "impressions"),
            "click_records": _event_lines(folder / "clicks", pipeline, "clicks"),
            "ctr": file(folder / "ctr"),
        },
        sinks={name: file(folder / name) for name in ("ctr", "engagement", "alerts", *_EARLY)}
        | {
            one.name: file(folder / one.name) | {"json.encode.decimal-as-plain-number": "true"}
            for one in records.final(pipeline.catalog)
        },
        arrival="file.modification-time",
    )


def file(path: Path) -> dict[str, str]:
    """A folder of JSON lines."""
    return {
        "connector": "filesystem",
        "path": path.resolve().as_uri(),
        "format": "json",
        "json.timestamp-format.standard": "ISO-8601",
    }


_PLACE = {
    "topic": "source_topic",
    "partition": "source_partition",
    "offset": "source_offset",
    "arrival": "arrived_at",
    "record": "source_record",
    "reason": "reason",
    "raw": "line",
}
"""By what Kafka and the format give as metadata: the column that takes it."""


def _event_lines(path: Path, pipeline: Pipeline, name: str) -> dict[str, str]:
    """A folder of messages in adclick's own format."""
    columns = {f"{EVENT_LINES}.{key}-column": column for key, column in _PLACE.items()}
    declared = {f"{EVENT_LINES}.{key}": value for key, value in _declared(pipeline, name).items()}
    return {"connector": "filesystem", "path": path.resolve().as_uri(), "format": EVENT_LINES} | columns | declared


def _declared(pipeline: Pipeline, name: str) -> dict[str, str]:
    """The options of the format that say where fields are and which of them may be missing (docs/events.md)."""
    source = pipeline.catalog.source(name)
    columns = pipeline.event_columns(name)
    paths = {one.name: one.path for one in columns} | {schema.STAMP: source.time}
    nullable = [one.name for one in columns if one.nullable]
    return {
        **{f"fields.{column}": ".".join(path) for column, path in paths.items() if path != (column,)},
        **{f"default.{one.name}": _default(one.default) for one in columns if one.default is not None},
        **({"optional": ";".join(nullable)} if nullable else {}),
        **({"time-unit": source.time_unit} if source.time_unit != "ms" else {}),
    }


def _connection(pipeline: Pipeline, topic: str) -> dict[str, str]:
    return {
        "connector": "kafka",
        "topic": topic,
        "properties.bootstrap.servers": pipeline.bootstrap_servers,
    }


def _source(pipeline: Pipeline, topic: str, *, tolerant: bool, aligned: bool) -> Options:
    """A JSON topic read from its beginning, committed rows only.

    Args:
        pipeline: the parameters.
        topic: the topic's name.
        tolerant: a value that does not fit its column becomes NULL instead of failing the job.
        aligned: hold this topic back while the others of the group are behind, which bounds the join's state.
    """
    options = _reading(pipeline, topic) | {
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
    }
    if tolerant:
        options |= {f"value.json.{name}": value for name, value in _TOLERANT.items()}
    return options | _alignment(pipeline) if aligned else options


def _alignment(pipeline: Pipeline) -> dict[str, str]:
    """Hold a topic back while the others of the group are behind."""
    if pipeline.bounded:
        # Never together with scan.bounded.mode: connector 5.0.0 then fails with "No current assignment for partition".
        return {}
    return {
        "scan.watermark.alignment.group": ALIGNMENT_GROUP,
        "scan.watermark.alignment.max-drift": "2 min",
        "scan.watermark.alignment.update-interval": "200 ms",
    }


def _default(value: str | int | Decimal) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _events(pipeline: Pipeline, topic: str, name: str) -> dict[str, str]:
    """A topic of events in adclick's own format (docs/events.md)."""
    declared = {f"value.{EVENT_FORMAT}.{key}": value for key, value in _declared(pipeline, name).items()}
    return _reading(pipeline, topic) | {"value.format": EVENT_FORMAT} | declared | _alignment(pipeline)


def _reading(pipeline: Pipeline, topic: str) -> dict[str, str]:
    """A topic read from its beginning, committed messages only; to its present end where the pipeline is bounded."""
    return (
        _connection(pipeline, topic)
        | {
            "properties.group.id": pipeline.group(topic),
            "properties.isolation.level": "read_committed",
        }
        # Flink asks every 5 minutes unless told otherwise. It reads a partition that it finds from its first message.
        | ({} if pipeline.bounded else {DISCOVERY: f"{pipeline.partition_discovery.ms} ms"})
        | {"scan.startup.mode": "earliest-offset"}
        | ({"scan.bounded.mode": "latest-offset"} if pipeline.bounded else {})
    )


def _idleness(pipeline: Pipeline, *, may_fall_idle: bool) -> Options:
    """How long a partition may be silent before it holds no watermark back; for ever unless `may_fall_idle`.

    Where several join subtasks fall idle together, the first one to wake lets the windows behind them close before the
    others have handed over their rows (docs/decisions/0004). One side that never falls idle keeps them all awake.
    """
    if pipeline.bounded or not may_fall_idle:
        return {}
    return {"scan.watermark.idle-timeout": f"{pipeline.idle_timeout.ms} ms"}


def _final_sink(pipeline: Pipeline, topic: str, key: str) -> dict[str, str]:
    """An append-only JSON topic, exactly-once, partitioned by the text of one column."""
    return _connection(pipeline, topic) | {
        "key.format": "raw",
        "key.fields": key,
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": pipeline.transactions(topic),
        "properties.transaction.timeout.ms": str(pipeline.transaction_timeout.ms),
    }


def _declared_sink(pipeline: Pipeline, record: schema.Record) -> Options:
    """The same of a declared result, partitioned by what it is broken down by."""
    sink = _final_sink(pipeline, pipeline.topics.of(record), record.key[-1])
    return _plain_decimals(sink | {"key.format": "json", "key.fields": ";".join(record.key[2:])})


def _plain_decimals(sink: Options) -> Options:
    """Without it, Flink writes 0.0000001 as 1E-7."""
    return {**sink, "value.json.encode.decimal-as-plain-number": "true"}


def _live_sink(pipeline: Pipeline, topic: str) -> Options:
    """An upsert topic: at-least-once, which its key makes harmless, so that rows show before the next checkpoint."""
    return _connection(pipeline, topic) | {
        "connector": "upsert-kafka",
        "key.format": "json",
        "key.json.timestamp-format.standard": "ISO-8601",
        "value.format": "json",
        "value.json.timestamp-format.standard": "ISO-8601",
    }


def session(pipeline: Pipeline) -> Options:
    """The session's options, by name."""
    options = {
        "parallelism.default": str(pipeline.parallelism),
        "pipeline.object-reuse": "true",
        "execution.runtime-mode": "streaming",
        "execution.checkpointing.interval": f"{pipeline.checkpoint_interval.ms} ms",
        "table.generated-code.max-length": str(UNSPLIT_CHARACTERS),
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
