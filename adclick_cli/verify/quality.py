"""The quality of the events: the ledger by minute of arrival, while they come.

All messages of the time that is asked for are kept in memory (docs/verify.md says how much that is), and classified
anew when more have come: what a message is may change with the ones behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from adclick_cli import submission
from adclick_cli.broker.admin import require_listener
from adclick_cli.errors import BrokerError, ParameterError
from adclick_cli.pipeline import Pipeline
from adclick_cli.results.feeding import Freshness, Reader
from adclick_cli.results.items import Item
from adclick_cli.results.rows import WindowRow
from adclick_cli.results.times import Span, from_ms, write_iso
from adclick_cli.security import Servers
from adclick_cli.settings import Settings
from adclick_cli.verify import compare, ledger, oracle
from adclick_cli.verify.apart import event_tables
from adclick_cli.verify.raw import TopicTable

CLASSES = tuple(dict.fromkeys((*ledger.IMPRESSION_CLASSES[:1], *ledger.CLICK_CLASSES)))
COLUMNS = ("minute", "topic", "raw", *CLASSES)
"""`minute` is ISO-8601, UTC; the others count messages. A class that a topic cannot have is left out of its rows."""

PAUSE_S = 5.0
"""Between two looks: each classifies all messages anew."""


@dataclass(frozen=True)
class Look:
    """What one look at the topics brought.

    Attributes:
        rows: those that are new or have changed, oldest first: `COLUMNS`.
        away: why the broker does not answer; empty while it does.
    """

    rows: list[dict[str, Any]]
    away: str = ""


class Quality:
    """The ledger by minute of arrival.

    Args:
        servers: the broker.
        pipeline: the parameters.
        since_ms, until_ms: the arrivals that are wanted, ms since the epoch; None has no bound.

    Raises:
        BrokerError: the broker does not answer now. Once it has, its silence is told by `looks()`.
    """

    def __init__(self, servers: Servers, pipeline: Pipeline, since_ms: int | None, until_ms: int | None) -> None:
        require_listener(servers)
        self._pipeline, self._since, self._until = pipeline, since_ms, until_ms
        # What an event is depends on those before it: a click's impression, the first one of the same id.
        back = pipeline.held_ms + pipeline.watermark_delay.ms + pipeline.unique_ids.ms + pipeline.window.ms
        begin = None if since_ms is None else since_ms - back
        self._raw = event_tables(servers, pipeline, begin)
        self._final = TopicTable(servers, pipeline.topics.ctr)
        self._unseen = False

    def refresh(self) -> bool:
        """Read what came since the last call that ended well; returns whether anything did.

        Raises:
            BrokerError: the broker does not answer.
        """
        for table in (self._final, *self._raw.values()):
            self._unseen |= table.refresh()
        unseen, self._unseen = self._unseen, False
        return unseen

    def rows(self) -> list[dict[str, Any]]:
        """A row for each minute and topic, oldest first: `COLUMNS`."""
        db = oracle.connect()
        try:
            fields = {name: raw.fields() for name, raw in self._raw.items()}
            impressions, clicks = (raw.table() for raw in self._raw.values())
            oracle.compute(db, impressions, clicks, self._pipeline, fields=fields)
            compare.load_windows(db, "ctr", "campaign_id", self._final.table(), gross=self._pipeline.dedups)
            ledger.classify(db, self._pipeline)
            found = ledger.by_minute(db, self._since, self._until)
        finally:
            db.close()
        return [row | {"minute": write_iso(from_ms(row["minute"]))} for row in found]

    def looks(self) -> Iterator[Look]:
        """One look after the other, for ever; a broker that goes away is waited for."""
        known: dict[str, dict[str, Any]] = {}
        while True:
            try:
                fresh = self.rows() if self.refresh() else []
            except BrokerError as error:
                yield Look([], f"{error.what}. {error.why}".strip())
            else:
                changed = [row for row in fresh if known.get(_key(row)) != row]
                known |= {_key(row): row for row in changed}
                yield Look(changed)
            time.sleep(PAUSE_S)

    def changes(self, report: Callable[[str], None]) -> Iterator[list[dict[str, Any]]]:
        """For ever, the rows that are new or have changed; an empty list while nothing comes.

        Args:
            report: told when the broker goes away and when it is back.
        """
        away = ""
        for look in self.looks():
            if bool(look.away) != bool(away):
                report(f"{look.away} Waiting for it." if look.away else "The broker is back.")
            away = look.away
            yield look.rows


class QualityFeed:
    """The ledger for a live screen, newest minute first.

    Args:
        quality: what is read.
    """

    what = "quality"
    limit: int | None = None
    """Every minute is kept."""

    def __init__(self, quality: Quality) -> None:
        self.fresh = Freshness()
        self._known: dict[str, Item] = {}
        self._reader = Reader[Look](quality.looks)
        self.start, self.stop = self._reader.start, self._reader.stop

    def take(self, seconds: float) -> int:
        """Take what has come; returns how many rows changed."""
        changed = 0
        for look in self._reader.taken(seconds):
            self.fresh.hear(look.away)
            self._known |= {_key(row): Item(row["topic"], _key(row), row, row) for row in look.rows}
            changed += len(look.rows)
        return changed

    def items(self) -> tuple[Item, ...]:
        """The rows as they stand."""
        return tuple(sorted(self._known.values(), key=lambda item: (item.source["minute"], item.name), reverse=True))

    def windows(self, name: str) -> tuple[WindowRow, ...]:
        """A minute of arrival has no windows."""
        return ()


def _key(row: dict[str, Any]) -> str:
    return f"{row['minute']} {row['topic']}"


def open_quality(settings: Settings, campaigns: list[str], since: str | None, until: str | None) -> Quality:
    """The quality of the events that the last submission reads.

    Args:
        settings: where they are.
        campaigns: must be empty: what is no event has no campaign.
        since, until: texts of `--from` and `--to`, which mean times of arrival here.

    Raises:
        ParameterError: a time cannot be read, or a campaign was named.
        BrokerError: the broker does not answer.
    """
    if campaigns:
        raise ParameterError(
            "campaign", campaigns[0], "A message that is no event has no campaign.", "Leave --campaign out."
        )
    span = Span.parse(since, until, datetime.now(timezone.utc))
    bounds = (None if one is None else int(one.timestamp() * 1000) for one in (span.start, span.end))
    pipeline = submission.current_pipeline(settings) or settings.pipeline()
    return Quality(settings.servers, pipeline, *bounds)
