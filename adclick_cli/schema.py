"""The events and the result rows, once: fields, types, order, keys and topics.

SQL, generator, replay, watch, verify, tests and docs take names and order from here.
Times in events are integers, milliseconds since the epoch (UTC). Times in result rows are ISO-8601 texts in UTC
with a `Z`, for example `2026-01-01T12:00:00Z`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from adclick_cli import defaults


class Kind(Enum):
    """What a field holds."""

    TEXT = "text"
    COUNT = "count"
    EPOCH_MS = "epoch_ms"
    INSTANT = "instant"
    RATIO = "ratio"
    DECIMAL = "decimal"
    TRUTH = "truth value"
    BYTES = "bytes"

    @property
    def sql(self) -> str:
        """The Flink SQL type."""
        return _SQL_TYPES[self]


_SQL_TYPES = {
    Kind.TEXT: "STRING",
    Kind.COUNT: "BIGINT",
    Kind.EPOCH_MS: "BIGINT",
    Kind.INSTANT: "TIMESTAMP_LTZ(3)",
    Kind.RATIO: "DOUBLE",
    Kind.TRUTH: "BOOLEAN",
    Kind.BYTES: "BYTES",
}


@dataclass(frozen=True)
class Field:
    """One field of an event or a result row.

    Attributes:
        name: its name in the JSON.
        kind: what it holds.
        about: a line about it.
        digits: of a decimal, its Flink SQL type.
    """

    name: str
    kind: Kind
    about: str
    digits: str | None = None

    @property
    def sql(self) -> str:
        """The Flink SQL type."""
        return self.digits or self.kind.sql


@dataclass(frozen=True)
class Record:
    """A kind of event or result row.

    Attributes:
        name: the word used on the command line and in the SQL.
        topic_setting: the name of the setting that holds its topic; empty where the catalog names the topic.
        default_topic: that setting's default, or the catalog's topic.
        partitions: partitions of the topic as adclick creates it.
        fields: in the order in which they stand in the JSON.
        key: the fields that identify a row.
        compacted: whether only the newest row of a key is kept.
        required: texts that a result needs: an event without one of them counts nowhere.
        max_bytes: the largest message of its topic, or None for the broker's default.
    """

    name: str
    topic_setting: str
    default_topic: str
    partitions: int
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    compacted: bool = False
    required: tuple[str, ...] = ()
    max_bytes: int | None = None

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields, in order."""
        return tuple(field.name for field in self.fields)


WINDOW = (
    Field("window_start", Kind.INSTANT, "first instant of the tumbling window (inclusive)"),
    Field("window_end", Kind.INSTANT, "end of the tumbling window (exclusive)"),
)
TIMES = tuple(field.name for field in WINDOW)
"""The fields that say which window a row is of."""
_COUNTS = (
    Field("impression_count", Kind.COUNT, "distinct impressions whose event time lies in the window"),
    Field("click_count", Kind.COUNT, "distinct clicks on those impressions within the attribution window"),
)
GROSS = Field(
    "gross_click_count",
    Kind.COUNT,
    "the same before the search for duplicates; only in final rows, and only with --dedup-window",
)
_CTR_FIELDS = (
    *WINDOW,
    Field("campaign_id", Kind.TEXT, "the campaign"),
    *_COUNTS,
    Field("ctr", Kind.RATIO, "click_count / impression_count"),
)
_ENGAGEMENT_FIELDS = (*WINDOW, Field("device_type", Kind.TEXT, "mobile, desktop, tablet, …"), *_COUNTS)
_CTR_KEY = (*TIMES, "campaign_id")
_ENGAGEMENT_KEY = (*TIMES, "device_type")

IMPRESSION = Record(
    "impression",
    "topic_impressions",
    defaults.TOPIC_IMPRESSIONS,
    defaults.PARTITIONS,
    (
        Field("impression_id", Kind.TEXT, "identifies the impression; repeats count once"),
        Field("user_id", Kind.TEXT, "who saw the ad"),
        Field("campaign_id", Kind.TEXT, "the campaign"),
        Field("ad_id", Kind.TEXT, "the ad"),
        Field("device_type", Kind.TEXT, "mobile, desktop, tablet, …"),
        Field("browser", Kind.TEXT, "chrome, safari, firefox, edge, …"),
        Field("event_timestamp", Kind.EPOCH_MS, "when it was shown, ms since the epoch"),
        Field("cost", Kind.RATIO, "what it cost"),
    ),
    ("impression_id",),
    required=("impression_id", "campaign_id", "device_type"),
)
CLICK = Record(
    "click",
    "topic_clicks",
    defaults.TOPIC_CLICKS,
    defaults.PARTITIONS,
    (
        Field("click_id", Kind.TEXT, "identifies the click; repeats count once"),
        Field("impression_id", Kind.TEXT, "the impression that was clicked"),
        Field("user_id", Kind.TEXT, "who clicked"),
        Field("event_timestamp", Kind.EPOCH_MS, "when it was clicked, ms since the epoch"),
    ),
    ("click_id",),
    required=("click_id", "impression_id"),
)
HEARTBEAT_ID = "adclick-heartbeat"
"""All ids of a heartbeat: an event that nothing counts, written into a silent partition so that its watermark moves."""
STAMP = "event_timestamp"
LONGEST_TEXT = 1_024
"""Characters of an id, a campaign or a device: one of a megabyte would end up in a result row that no broker takes."""
CTR = Record("ctr", "topic_ctr", defaults.TOPIC_CTR, defaults.PARTITIONS, _CTR_FIELDS, _CTR_KEY)
ENGAGEMENT = Record(
    "engagement",
    "topic_engagement",
    defaults.TOPIC_ENGAGEMENT,
    defaults.PARTITIONS,
    _ENGAGEMENT_FIELDS,
    _ENGAGEMENT_KEY,
)
ALERT = Record(
    "alerts",
    "topic_alerts",
    defaults.TOPIC_ALERTS,
    defaults.ALERT_PARTITIONS,
    (
        Field("alert_time", Kind.INSTANT, "end of the window that raised the alert"),
        Field("campaign_id", Kind.TEXT, "the campaign"),
        Field("current_ctr", Kind.RATIO, "CTR of the window that raised the alert"),
        Field("previous_ctr", Kind.RATIO, "CTR of the window just before it"),
        Field("alert_type", Kind.TEXT, "SPIKE or DROP"),
        Field("window_start", Kind.INSTANT, "first instant of the window that raised the alert"),
        Field("current_impressions", Kind.COUNT, "impressions of that window"),
        Field("current_clicks", Kind.COUNT, "clicks of that window"),
        Field("previous_impressions", Kind.COUNT, "impressions of the window before"),
        Field("previous_clicks", Kind.COUNT, "clicks of the window before"),
        Field(
            "z_score",
            Kind.RATIO,
            "baseline: Anscombe's z against the four windows before, pooled; else two-proportion z of the two windows,"
            " null where it is not defined",
        ),
        Field("rule", Kind.TEXT, "baseline, significance or ratio"),
    ),
    ("alert_time", "campaign_id"),
)
DEAD_LETTER = Record(
    "dead_letters",
    "topic_dead_letters",
    defaults.TOPIC_DEAD_LETTERS,
    defaults.DEAD_LETTER_PARTITIONS,
    (
        Field("source_topic", Kind.TEXT, "the topic of the message that holds what is no event"),
        Field("source_partition", Kind.COUNT, "its partition"),
        Field("source_offset", Kind.COUNT, "its offset"),
        Field("source_record", Kind.COUNT, "the record's position in the message, from 0"),
        Field("arrived_at", Kind.INSTANT, "its timestamp in the broker"),
        Field("reason", Kind.TEXT, "why it counts nowhere"),
        Field(
            "line",
            Kind.BYTES,
            f"the record's bytes, in base64; null for a tombstone and beyond {defaults.DEAD_LETTER_CHARACTERS:,}"
            " characters",
        ),
    ),
    ("source_topic", "source_partition", "source_offset", "source_record"),
    max_bytes=defaults.DEAD_LETTER_MAX_BYTES,
)
TRUTH = Record(
    "truth",
    "topic_truth",
    defaults.TOPIC_TRUTH,
    defaults.TRUTH_PARTITIONS,
    (
        Field("campaign_id", Kind.TEXT, "the campaign that the generator's timeline applies to"),
        Field("phase", Kind.TEXT, "normal, low or high"),
        Field("ctr", Kind.RATIO, "the probability of a click in that phase"),
        Field("from_ms", Kind.EPOCH_MS, "event time at which the phase begins, ms since the epoch (inclusive)"),
        Field("to_ms", Kind.EPOCH_MS, "its end (exclusive); null while it is open"),
    ),
    ("campaign_id", "from_ms"),
)
CTR_LIVE = Record(
    "ctr_live",
    "topic_ctr_live",
    defaults.TOPIC_CTR_LIVE,
    defaults.PARTITIONS,
    _CTR_FIELDS,
    _CTR_KEY,
    compacted=True,
)
ENGAGEMENT_LIVE = Record(
    "engagement_live",
    "topic_engagement_live",
    defaults.TOPIC_ENGAGEMENT_LIVE,
    defaults.PARTITIONS,
    _ENGAGEMENT_FIELDS,
    _ENGAGEMENT_KEY,
    compacted=True,
)

CTR_EARLY = Record(
    "ctr_early",
    "topic_ctr_early",
    defaults.TOPIC_CTR_EARLY,
    defaults.PARTITIONS,
    _CTR_FIELDS,
    _CTR_KEY,
    compacted=True,
)
EARLY_ALERT = Record(
    "early_alerts",
    "topic_early_alerts",
    defaults.TOPIC_EARLY_ALERTS,
    defaults.ALERT_PARTITIONS,
    ALERT.fields,
    ALERT.key,
    compacted=True,
)
EARLY_VERDICT = Record(
    "early_verdicts",
    "topic_early_verdicts",
    defaults.TOPIC_EARLY_VERDICTS,
    defaults.ALERT_PARTITIONS,
    (
        *ALERT.fields,
        Field("verdict", Kind.TEXT, "CONFIRMED where the final window raises the same by the rule, else WITHDRAWN"),
        Field("final_ctr", Kind.RATIO, "CTR of the final window; the fields before are those of the early one"),
        Field("final_impressions", Kind.COUNT, "impressions of the final window"),
        Field("final_clicks", Kind.COUNT, "clicks of the final window"),
    ),
    ALERT.key,
    compacted=True,
)


def written(record: Record, *, gross: bool) -> Record:
    """A record as it is written: final windows also tell gross clicks, behind all else, where asked for."""
    return replace(record, fields=(*record.fields, GROSS)) if gross and record in (CTR, ENGAGEMENT) else record


EVENTS = (IMPRESSION, CLICK)
RESULTS = (CTR, ENGAGEMENT, ALERT, DEAD_LETTER)
LIVE = (CTR_LIVE, ENGAGEMENT_LIVE)
EARLY = (CTR_EARLY, EARLY_ALERT, EARLY_VERDICT)
ALL = (*EVENTS, *RESULTS, TRUTH, *LIVE, *EARLY)
