"""The whole check: read, recompute, compare, wait for what Flink has not written yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from adclick_cli.broker import admin, transactions
from adclick_cli.broker.transactions import Hidden
from adclick_cli.catalog import records
from adclick_cli.errors import AdclickError
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.security import Servers
from adclick_cli.verify import alerts, compare, declared, early, ledger, oracle, retention
from adclick_cli.verify.apart import event_tables
from adclick_cli.verify.compare import Begins, Comparison
from adclick_cli.verify.late import Dropped, Late, late
from adclick_cli.verify.ledger import Conflict
from adclick_cli.verify.raw import TopicTable
from adclick_cli.verify.retention import Deleted

if TYPE_CHECKING:
    import pyarrow as pa

POLL_S = 1.0
HIDDEN_MARGIN_MS = 10_000
SETTLED_S = 3.0
LONGEST_PAUSE_S = 20.0
"""Between two checks: until nothing new is written for a while, or so long. A check takes both cores from Flink."""
KEPT_CONFLICTS = 1_000
"""Of each topic; the ledger counts them all."""
LONGEST_WAITS = 10
"""A pipeline under traffic always writes something; rows that never come are reported after so many waits."""


class Stopped(NamedTuple):
    """That the jobs write nothing.

    Attributes:
        why: a sentence; empty while they run.
        patience_s: how long they may take to come back, in seconds.
    """

    why: str
    patience_s: float


@dataclass
class Verdict:
    """What the check found.

    Attributes:
        ledger: every raw message in exactly one class, by topic.
        results: ctr, engagement, alerts and, where they are kept, dead_letters and the early lane's.
        watermark: up to where windows must be final, ms since the epoch; None without a good event.
        conflicts: the first events whose id stands for other contents, too.
        late: what came too late, by the results and by the job's own count.
        deleted: the partitions of the raw topics that have lost messages.
        hidden: result rows that have been hidden from readers for longer than it takes to commit them.
        seconds: how long reading and checking took, waiting included.
    """

    ledger: dict[str, dict[str, int]]
    results: dict[str, Comparison]
    watermark: int | None
    conflicts: list[Conflict] = field(default_factory=list)
    late: Late = field(default_factory=lambda: Late(0, 0, 0, None))
    deleted: list[Deleted] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every row is right, none is missing, and the job's own count of what was late fits."""
        return all(found.ok for found in self.results.values()) and self.late.contradiction is None

    @property
    def checked(self) -> int:
        """Rows that were judged, right or wrong."""
        return sum(found.compared + found.wrong for found in self.results.values())

    @property
    def missing(self) -> int:
        """Rows that must be there and are not."""
        return sum(found.missing for found in self.results.values())

    def to_json(self, limit: int) -> dict[str, Any]:
        """Plain values; at most `limit` differences of each kind are named."""
        results = {}
        for name, found in self.results.items():
            plain = asdict(found)
            results[name] = plain | {"differences": plain["differences"][:limit]}
        return {
            "ok": self.ok and self.checked > 0,
            "checked": self.checked,
            "ledger": self.ledger,
            "results": results,
            "conflicts": [asdict(one) for one in self.conflicts[:limit]],
            "late": self.late.to_json(),
            "deleted": [
                asdict(one) | {"until_ms": None if one.until_ms >= oracle.NEVER else one.until_ms}
                for one in self.deleted
            ],
            "hidden": [one.to_json() | {"since": compare.utc(one.since_ms)} for one in self.hidden],
            "watermark": None if self.watermark is None else compare.utc(self.watermark),
            "seconds": round(self.seconds, 3),
        }


def check(
    tables: dict[str, pa.Table],
    pipeline: Pipeline,
    until_ms: int = oracle.NEVER,
    earlier: Sequence[EarlierRule] = (),
    partitions: int = 0,
    dropped: Dropped | None = None,
    fields: Mapping[str, pa.Table] | None = None,
    begins: Begins | None = None,
) -> Verdict:
    """Check messages that have been read.

    Args:
        tables: impressions, clicks, ctr, engagement, alerts and (where they are kept) dead_letters and those of the
            early lane, as `raw.TopicTable` gives them.
        pipeline: the parameters of the submission that wrote the results.
        until_ms: dead letters of messages that arrived later need not be there yet, ms since the epoch.
        earlier: the alert rules that were in force before the pipeline's own, oldest first.
        partitions: how many the two topics of events have together; 0 where it is not known.
        dropped: the job's own count of what was late, from before the raw events were read.
        fields: of impressions and clicks, as `events.take_apart` gives them; None takes the messages apart here.
        begins: the first offsets of the raw topics, from after they were read; None: nothing was ever deleted.
    """
    db = oracle.connect()
    try:
        watermark = oracle.compute(db, tables["impressions"], tables["clicks"], pipeline, partitions, fields)
        deleted = retention.find(db, begins or {}, pipeline)
        after = retention.judged_after(deleted, pipeline)
        results = {
            name: compare.load_windows(db, name, key, tables[name], gross=pipeline.dedups)
            for name, key in (("ctr", "campaign_id"), ("engagement", "device_type"))
        }
        results["alerts"] = compare.load_alerts(db, tables["alerts"])
        compare.compare_windows(db, "ctr", results["ctr"], judged_after=after)
        compare.compare_windows(db, "engagement", results["engagement"], judged_after=after)
        for one in records.declared(pipeline.catalog):
            if one.name in tables:
                results[one.name] = declared.check(db, pipeline.catalog, one, tables[one.name], after)
        alerts.compare_alerts(db, pipeline, earlier, results["alerts"])
        if "dead_letters" in tables:
            results["dead_letters"] = compare.load_dead_letters(db, tables["dead_letters"])
            compare.compare_dead_letters(db, pipeline, until_ms, results["dead_letters"], begins or {})
        if "ctr_early" in tables:
            results |= early.check_early(
                db, tables, pipeline, partitions, fields, one_rule=not earlier, judged_after=after
            )
        ledger.classify(db, pipeline)
        if dropped and pipeline.unique_ids.ms:
            # What is missing may as well be an event of an id that counts already.
            dropped = Dropped(dropped.rows, whole=False)
        if deleted:
            # Of what was deleted nobody knows how much was late.
            dropped = None
        return Verdict(
            ledger.totals(db),
            results,
            watermark,
            ledger.conflicts(db, KEPT_CONFLICTS),
            late(db, pipeline, dropped),
            deleted,
        )
    finally:
        db.close()


def require_rows(verdict: Verdict, *, submitted: bool) -> None:
    """See that a check had anything to judge: one that judged no row proves nothing.

    Args:
        verdict: what the check found.
        submitted: whether anything was ever submitted.

    Raises:
        AdclickError: no row was judged.
    """
    if verdict.checked or not verdict.ok:
        return
    what = "there is nothing to prove: no result row was checked"
    messages = sum(classes["raw"] for classes in verdict.ledger.values())
    pending = sum(found.pending for found in verdict.results.values())
    beyond = sum(found.beyond_retention for found in verdict.results.values())
    if not submitted:
        raise AdclickError(
            what,
            "Nothing was submitted from this ADCLICK_HOME, and the result topics hold no row.",
            "Run `adclick submit`, send events, for example with `adclick generate`, and verify again.",
        )
    if not messages:
        raise AdclickError(
            what,
            "The topics of impressions and clicks hold no message.",
            "Send events, for example with `adclick generate`, and verify again.",
        )
    if beyond and not pending:
        raise AdclickError(
            what,
            f"Events of all {beyond} rows that are there have been deleted from the raw topics.",
            "Verify again when later windows are final, or keep raw events longer (retention.ms).",
        )
    raise AdclickError(
        what,
        f"{messages} messages were read, and {pending} rows are pending: no window is final yet.",
        "Verify again when `adclick watch ctr` shows FINAL rows; `adclick doctor` says what they wait for.",
    )


def _begins(servers: Servers, pipeline: Pipeline) -> Begins:
    """Where the raw topics begin."""
    offsets = admin.all_offsets(servers, (pipeline.topics.impressions, pipeline.topics.clicks))
    return {
        name: {number: low for number, (low, _) in offsets[getattr(pipeline.topics, name)].items()}
        for name in oracle.EVENTS
    }


def _written(servers: Servers, pipeline: Pipeline) -> int:
    """How much Flink has written so far, in any result topic."""
    topics = admin.topic_names(pipeline.topics, pipeline.outputs)
    return sum(sum(ends.values()) for ends in admin.end_offsets(servers, topics).values())


def _hidden(servers: Servers, pipeline: Pipeline) -> list[Hidden]:
    """Rows behind a transaction that has been open for longer than two checkpoints and a margin."""
    latest = time.time() * 1000 - 2 * pipeline.checkpoint_interval.ms - HIDDEN_MARGIN_MS
    return [one for one in transactions.hidden(servers, pipeline.final_topics) if one.since_ms < latest]


def verify(
    servers: Servers,
    pipeline: Pipeline,
    wait_s: float,
    report: Callable[[str], None],
    earlier: Sequence[EarlierRule] = (),
    dropped: Callable[[], Dropped | None] = lambda: None,
    stopped: Callable[[], Stopped] = lambda: Stopped("", 0.0),
) -> Verdict:
    """Read all topics and check; while rows are missing that must come and something is still written, read again.

    Results are read before the raw events: whatever a row was computed from was there when the row was written.

    Args:
        servers: the broker.
        pipeline: the parameters of the submission.
        wait_s: how long to wait for missing rows while nothing new is written, seconds.
        report: told what is waited for.
        earlier: the alert rules that were in force before the pipeline's own, oldest first.
        dropped: tells the job's own count of what was late.
        stopped: tells why the jobs write nothing now; missing rows are then waited for no longer than its patience.

    Raises:
        BrokerError: the broker does not answer.
    """
    begun = time.monotonic()
    until_ms = int(time.time() * 1000)
    names: tuple[str, ...] = ("ctr", "engagement", "alerts")
    if pipeline.dead_letters:
        names = ("dead_letters", *names)
    if pipeline.early.ms:
        names = (*early.NAMES, *names)
    topics = {name: TopicTable(servers, getattr(pipeline.topics, name)) for name in names}
    topics |= {one.name: TopicTable(servers, pipeline.topics.of(one)) for one in records.final(pipeline.catalog)}
    of_events = event_tables(servers, pipeline)
    raw = admin.end_offsets(servers, (pipeline.topics.impressions, pipeline.topics.clicks))
    partitions = sum(len(ends) for ends in raw.values())
    told = False
    written, moved, ran = -1, begun, begun
    with ExitStack() as opened:
        for topic in of_events.values():
            opened.enter_context(closing(topic))
        while True:
            for results in topics.values():
                results.refresh()
            counted = dropped()
            for topic in of_events.values():
                topic.refresh()
            begins = _begins(servers, pipeline)
            tables = {name: topic.table() for name, topic in (topics | of_events).items()}
            fields = {name: topic.fields() for name, topic in of_events.items()}
            verdict = check(tables, pipeline, until_ms, earlier, partitions, counted, fields, begins)
            now = time.monotonic()
            verdict.seconds = now - begun
            # The job's own count may be some seconds old, too.
            if (
                (not verdict.missing and not verdict.late.contradiction)
                or now - moved > wait_s
                or verdict.seconds > wait_s * LONGEST_WAITS
            ):
                verdict.hidden = _hidden(servers, pipeline)
                return verdict
            why, patience_s = stopped()
            ran = ran if why else now
            if why and now - ran >= patience_s:
                report(f"Not waiting for {verdict.missing} rows: {why}")
                verdict.hidden = _hidden(servers, pipeline)
                return verdict
            if not told and verdict.missing:
                report(f"Waiting for {verdict.missing} rows that Flink has still to write …")
                told = True
            again = time.monotonic() + LONGEST_PAUSE_S
            while time.monotonic() < again:
                time.sleep(POLL_S)
                before, written = written, _written(servers, pipeline)
                now = time.monotonic()
                if written != before:
                    moved = now
                elif now - moved > SETTLED_S:
                    break
