"""What one submission computes: every number that decides a result, in plain types.

The SQL is rendered from a `Pipeline`; `verify` recomputes from the same one without knowing any SQL; `submit` keeps the
one that runs under `ADCLICK_HOME`, so that `watch` and `verify` ask for the right windows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from adclick_cli import defaults, schema
from adclick_cli.catalog import records
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog, EventField
from adclick_cli.catalog.plain import from_plain, to_plain
from adclick_cli.parameters import Duration
from adclick_cli.schema import Record

Method = Literal["ratio", "significance", "baseline"]
METHODS: tuple[Method, ...] = ("ratio", "significance", "baseline")

DedupKey = Literal["impression", "user+ad"]
DEDUP_KEYS: tuple[DedupKey, ...] = ("impression", "user+ad")


@dataclass(frozen=True)
class Topics:
    """The topics' names; the attributes are the settings' names without their `topic_`."""

    impressions: str = defaults.TOPIC_IMPRESSIONS
    clicks: str = defaults.TOPIC_CLICKS
    ctr: str = defaults.TOPIC_CTR
    engagement: str = defaults.TOPIC_ENGAGEMENT
    alerts: str = defaults.TOPIC_ALERTS
    dead_letters: str = defaults.TOPIC_DEAD_LETTERS
    truth: str = defaults.TOPIC_TRUTH
    ctr_live: str = defaults.TOPIC_CTR_LIVE
    engagement_live: str = defaults.TOPIC_ENGAGEMENT_LIVE
    ctr_early: str = defaults.TOPIC_CTR_EARLY
    early_alerts: str = defaults.TOPIC_EARLY_ALERTS
    early_verdicts: str = defaults.TOPIC_EARLY_VERDICTS

    def of(self, record: Record) -> str:
        """The topic of a record: the settings have the last word where they know it."""
        return (
            getattr(self, record.topic_setting.removeprefix("topic_")) if record.topic_setting else record.default_topic
        )


@dataclass(frozen=True)
class AlertRule:
    """What makes two neighbouring windows an alert; the names are those of `Pipeline`."""

    spike: float
    drop: float
    method: Method
    min_impressions: int
    min_z: float

    @property
    def min_previous_z(self) -> float:
        """Least |z| of `baseline` against the previous window alone.

        The same difference is less sure with a fourth of the impressions. It may not be dropped: after a change the
        baseline holds some of both CTRs.
        """
        return self.min_z - defaults.PREVIOUS_LESS

    @property
    def min_halfway_z(self) -> float:
        """Least |z| of `baseline` against the previous window alone where the change began within that one.

        It holds some of both CTRs then, and lies between its neighbours (docs/decisions/0062).
        """
        return self.min_z - defaults.HALFWAY_LESS


def least_z(method: Method) -> float:
    """The least |z| that a rule is meant to have; `ratio` makes no use of it."""
    return defaults.MIN_Z if method == "baseline" else defaults.SIGNIFICANCE_MIN_Z


@dataclass(frozen=True)
class EarlierRule:
    """A rule that was in force before the present one, in a submission that went on from a savepoint.

    Attributes:
        rule: the rule.
        until: by partition of the CTR rows, the first offset that it did not judge any more.
    """

    rule: AlertRule
    until: dict[int, int]

    def to_plain(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> EarlierRule:
        """What `to_plain` gave, back from JSON, where every key is a text.

        Raises:
            ValueError, TypeError, KeyError: it is no such object.
        """
        return cls(AlertRule(**plain["rule"]), {int(number): offset for number, offset in plain["until"].items()})


@dataclass(frozen=True)
class Pipeline:
    """The parameters of one submission.

    Attributes:
        window: size of the tumbling windows on the impressions' event time.
        attribution: a click counts from its impression's time to this much later, both ends included.
        clock_skew: a click may be dated so much before its impression and count, the end included.
        early: the early lane counts the clicks of so much time after their impression; 0 turns it off.
        dedup_window: a click dated at most so much after another one of its key is a duplicate; 0 turns it off.
        dedup_key: what such clicks have in common: their impression, or their impression's user and ad.
        unique_ids: an id that comes again with other contents within so much event time counts once, as the earliest;
            0 turns it off.
        watermark_delay: bounded out-of-orderness of each partition.
        idle_timeout: a partition (of the clicks alone, where parallelism is above 1) silent for so long holds no
            watermark back.
        partition_discovery: how often Flink asks the broker for partitions that were added; if it is more than
            `watermark_delay`, their first events may be late.
        max_ahead: an event dated further than this past its broker timestamp is impossible.
        spike: SPIKE where the CTR is above `spike` times the previous window's.
        drop: DROP where the CTR is below `drop` times the previous window's.
        method: `ratio`; `significance` (ratio and two-proportion z); `baseline` (ratio, and Anscombe's z against the
            four windows before, pooled, and against the one before).
        min_impressions: both windows must hold at least so many impressions.
        min_z: least absolute z of `significance` or `baseline`.
        parallelism: parallel subtasks of each operator.
        bounded: read what is there now, write every window, finish.
        live: also keep the upsert topics with the windows that are still open.
        dead_letters: also write each record that is no event, with the reason.
        portable: plain SQL alone; else adclick's own event format and attribution function do the work.
        checkpoint_interval: how often results are committed.
        transaction_timeout: rows not committed so long after their transaction began are given up by the broker, which
            refuses more than its `transaction.max.timeout.ms` (15 min unless it is told otherwise).
        bootstrap_servers: the broker as Flink reaches it.
        topics: names of the topics.
        catalog: what the events look like, and which results are computed.
    """

    window: Duration = Duration.parse(defaults.WINDOW, "window")
    attribution: Duration = Duration.parse(defaults.ATTRIBUTION, "attribution")
    clock_skew: Duration = Duration.parse(defaults.CLOCK_SKEW, "clock-skew", allow_zero=True)
    early: Duration = Duration.parse(defaults.EARLY, "early", allow_zero=True)
    dedup_window: Duration = Duration.parse(defaults.DEDUP_WINDOW, "dedup-window", allow_zero=True)
    dedup_key: DedupKey = "impression"
    unique_ids: Duration = Duration.parse(defaults.UNIQUE_IDS, "unique-ids", allow_zero=True)
    watermark_delay: Duration = Duration.parse(defaults.WATERMARK_DELAY, "watermark-delay")
    idle_timeout: Duration = Duration.parse(defaults.IDLE_TIMEOUT, "idle-timeout")
    partition_discovery: Duration = Duration.parse(defaults.PARTITION_DISCOVERY, "partition-discovery")
    max_ahead: Duration = Duration.parse(defaults.MAX_AHEAD, "max-ahead")
    spike: float = defaults.SPIKE
    drop: float = defaults.DROP
    method: Method = "baseline"
    min_impressions: int = defaults.MIN_IMPRESSIONS
    min_z: float = defaults.MIN_Z
    parallelism: int = defaults.PARALLELISM
    bounded: bool = False
    live: bool = True
    dead_letters: bool = True
    portable: bool = False
    checkpoint_interval: Duration = Duration.parse(defaults.CHECKPOINT_INTERVAL, "checkpoint-interval")
    transaction_timeout: Duration = Duration.parse(defaults.TRANSACTION_TIMEOUT, "transaction-timeout")
    bootstrap_servers: str = f"{defaults.BIND_ADDRESS}:{defaults.KAFKA_PORT}"
    topics: Topics = field(default_factory=Topics)
    catalog: Catalog = CATALOG

    @staticmethod
    def group(topic: str) -> str:
        """The consumer group under which a topic's reader commits how far it is."""
        return f"adclick-{topic}"

    @staticmethod
    def transactions(topic: str) -> str:
        """What the ids of the transactions that write a result topic begin with."""
        return f"adclick-{topic}"

    @property
    def final_topics(self) -> tuple[str, ...]:
        """The topics that are written exactly once."""
        declared = (self.topics.of(one) for one in records.final(self.catalog))
        topics = (self.topics.ctr, self.topics.engagement, self.topics.alerts, *declared)
        return (*topics, self.topics.dead_letters) if self.dead_letters else topics

    def event_columns(self, name: str) -> tuple[EventField, ...]:
        """What is read of an event besides its time, in the order in which it is looked at.

        Args:
            name: impressions or clicks.
        """
        if name == "clicks":
            return self.catalog.clicks.ids
        source = self.catalog.impressions
        needed = (one.name for one in self.catalog.needed_fields)
        return (*source.ids, *source.named((*needed, *self.dedup_columns)))

    @property
    def outputs(self) -> tuple[Record, ...]:
        """All kinds of rows that a submission may write."""
        declared = (*records.final(self.catalog), *records.live(self.catalog))
        return (*schema.RESULTS, *schema.LIVE, *schema.EARLY, *declared)

    @property
    def dedups(self) -> bool:
        """Whether clicks too close to one another are duplicates; result rows then tell gross clicks, too."""
        return self.dedup_window.ms > 0

    @property
    def dedup_columns(self) -> tuple[str, ...]:
        """What the search for duplicates needs of an impression besides its id."""
        return ("user_id", "ad_id") if self.dedups and self.dedup_key == "user+ad" else ()

    @property
    def held_ms(self) -> int:
        """How far a window's closing is behind the watermark of the topics, ms: until then its clicks may come.

        The search for duplicates waits as long once more. (In plain SQL the join holds the watermark back so far.)
        """
        return (self.reach_back.ms + 1) * (2 if self.dedups else 1)

    @property
    def early_held_ms(self) -> int:
        """The same of the early answer."""
        return max(self.early, self.clock_skew).ms + 1

    @property
    def reach_back(self) -> Duration:
        """How far a join looks back for clicks, less the millisecond by which that must be further than ahead."""
        return max(self.attribution, self.clock_skew)

    @property
    def rule(self) -> AlertRule:
        """The part that decides alerts."""
        return AlertRule(self.spike, self.drop, self.method, self.min_impressions, self.min_z)

    @property
    def fingerprint(self) -> str:
        """What tells pipelines apart, 16 hexadecimal digits; `submit` writes it into the jobs."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        plain = asdict(self)
        for name, value in vars(self).items():
            if isinstance(value, Duration):
                plain[name] = value.ms
        # A submission that declares nothing is the same whatever later editions build in.
        plain.pop("catalog")
        if self.catalog != CATALOG:
            plain["catalog"] = to_plain(self.catalog)
        return json.dumps(plain, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Pipeline:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: the text is not such an object.
        """
        plain: dict[str, Any] = json.loads(text)
        gone = sorted(plain.keys() - cls.__dataclass_fields__.keys())
        if gone:
            raise ValueError(f"Another version of adclick wrote it: this one has no parameter {', '.join(gone)}.")
        plain["topics"] = Topics(**plain["topics"])
        if "catalog" in plain:
            plain["catalog"] = from_plain(plain["catalog"])
        for name, spec in cls.__dataclass_fields__.items():
            if isinstance(spec.default, Duration) and name in plain:
                plain[name] = Duration(int(plain[name]))
        return cls(**plain)
