"""One watch: which rows are wanted, and the board that they fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial

from adclick_cli import schema, submission
from adclick_cli.catalog import records
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import Topics
from adclick_cli.results import items, reading
from adclick_cli.results.board import KEPT_NAMES, KEPT_WINDOWS, AlertBoard, WindowBoard
from adclick_cli.results.conditions import Fields, Wish
from adclick_cli.results.reading import Batch
from adclick_cli.results.rows import AlertRow, Deletion, Row, WindowRow
from adclick_cli.results.times import Span
from adclick_cli.schema import Record
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

NEWEST = 100_000
"""Offsets of each partition that a live table reads at its start: far more than the windows that it keeps."""


@dataclass(frozen=True)
class Watch:
    """A board and what fills it.

    Attributes:
        what: alerts or the name of a result.
        record: the fields of a row.
        board: what is known so far.
        servers, topics: where the rows are.
        names: the campaigns that are wanted; empty means all.
        span: the times that are wanted.
        keep_all: every window is kept, not only the newest.
        early: the early lane's alerts are wanted, too.
        catalog: which results there are.
    """

    what: str
    record: Record
    board: WindowBoard | AlertBoard
    servers: Servers
    topics: Topics
    names: frozenset[str]
    span: Span
    keep_all: bool
    early: bool = False
    catalog: Catalog = CATALOG

    @property
    def fields(self) -> Fields:
        """What conditions and orders may look at."""
        return items.fields(self.what, self.record)

    def read_once(self) -> None:
        """Fill the board with what is there now."""
        for row in reading.once(self.servers, self.what, self.topics, early=self.early, catalog=self.catalog):
            self._take(row)

    def follow(self) -> Iterator[Batch]:
        """For ever what comes, not yet taken; only the newest where the board keeps no more."""
        newest = None if self.keep_all or not self.span.everything else NEWEST
        return reading.follow(self.servers, self.what, self.topics, newest, early=self.early, catalog=self.catalog)

    def steps(self) -> Iterator[int]:
        """Fill the board for ever; yields how many rows each step changed."""
        for batch in self.follow():
            yield len(self.take(batch))

    def batches(self, report: Callable[[str], None] | None = None) -> Iterator[list[Row]]:
        """For ever, the rows of the span that are new or have changed; an empty batch while nothing comes.

        Args:
            report: told when the broker goes away and when it is back.
        """
        away = ""
        for batch in self.follow():
            if report and bool(batch.away) != bool(away):
                report(f"{batch.away} Waiting for it." if batch.away else "The broker is back.")
            away = batch.away
            yield [row for row in self.take(batch) if not isinstance(row, Deletion) and self.span.holds(row.moment)]

    def wanted(self, wish: Wish, report: Callable[[str], None]) -> Iterator[list[Row]]:
        """`batches` of the rows that a wish chooses, each batch in its order.

        With a number of rows, a campaign's rows pass while it is among so many of the board.
        """
        for batch in self.batches(report):
            values = partial(items.row_values, self.what, self.board)
            found = replace(wish, top=None).choose(batch, values)
            if found and wish.top is not None:
                top = self._top(wish)
                found = [row for row in found if row.key in top or row.name in top]
            yield found

    def _top(self, wish: Wish) -> frozenset[object]:
        chosen = wish.choose(items.Items(self.what, self.board).now(), lambda item: item.values)
        alerts = isinstance(self.board, AlertBoard)
        return frozenset(item.source.key if alerts else item.name for item in chosen)

    def take(self, batch: Batch) -> list[Row | Deletion]:
        """Take a batch into the board; returns the rows that changed it."""
        if batch.anew:
            self.board.clear()
        return [row for row in batch.rows if self._take(row)]

    def _take(self, row: Row | Deletion) -> bool:
        name = str(row.key[-1])
        if self.names and name not in self.names:
            return False
        if isinstance(self.board, AlertBoard):
            return isinstance(row, AlertRow) and self.board.update(row)
        return isinstance(row, (WindowRow, Deletion)) and self.board.update(row)


def open_watch(
    settings: Settings,
    what: str,
    campaigns: list[str],
    since: str | None,
    until: str | None,
    *,
    keep_all: bool,
    once: bool = False,
) -> Watch:
    """A watch with an empty board.

    Args:
        settings: where the rows are.
        what: alerts or the name of a result.
        campaigns: only these; empty means all.
        since, until: texts of `--from` and `--to`.
        keep_all: keep every window of every name instead of the newest ones.
        once: for one look: keep every name and every alert, whose number the table then tells.

    Raises:
        ParameterError: there are no such results, a time cannot be read, or devices have no campaign.
    """
    submitted = submission.current_pipeline(settings) or settings.pipeline()
    known = [*(one.name for one in submitted.catalog.results), "alerts"]
    if what not in known:
        raise ParameterError("watch", what, "There are no such results.", f"Use one of {', '.join(known)}, quality.")
    if campaigns and what == "engagement":
        raise ParameterError(
            "campaign", campaigns[0], "Engagement is counted by device.", "Leave --campaign out, or watch ctr."
        )
    if campaigns and what not in ("ctr", "alerts"):
        raise ParameterError("campaign", campaigns[0], "It chooses rows of ctr, alerts and quality.", "Use --where.")
    span = Span.parse(since, until, datetime.now(timezone.utc))
    board: WindowBoard | AlertBoard
    if what == "alerts":
        board = AlertBoard(span, None) if keep_all or once else AlertBoard(span)
    else:
        board = WindowBoard(span, None if keep_all else KEPT_WINDOWS, None if once else KEPT_NAMES)
    plain = schema.ALERT if what == "alerts" else records.lanes(submitted.catalog, what)[-1]
    record = schema.written(plain, gross=submitted.dedups)
    names, early = frozenset(campaigns), submitted.early.ms > 0
    return Watch(
        what, record, board, settings.servers, settings.topics(), names, span, keep_all, early, submitted.catalog
    )
