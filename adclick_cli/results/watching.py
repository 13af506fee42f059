"""One watch: which rows are wanted, and the board that they fill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from adclick_cli import schema, submission
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import Topics
from adclick_cli.results import reading
from adclick_cli.results.board import AlertBoard, WindowBoard
from adclick_cli.results.rows import AlertRow, Deletion, Row, WindowRow
from adclick_cli.results.times import Span
from adclick_cli.schema import Record
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

_RECORDS = {"ctr": schema.CTR, "engagement": schema.ENGAGEMENT, "alerts": schema.ALERT}


@dataclass(frozen=True)
class Watch:
    """A board and what fills it.

    Attributes:
        what: ctr, engagement or alerts.
        record: the fields of a row.
        board: what is known so far.
        servers, topics: where the rows are.
        names: the campaigns that are wanted; empty means all.
        span: the times that are wanted.
    """

    what: str
    record: Record
    board: WindowBoard | AlertBoard
    servers: Servers
    topics: Topics
    names: frozenset[str]
    span: Span

    def read_once(self) -> None:
        """Fill the board with what is there now."""
        for row in reading.once(self.servers, self.what, self.topics):
            self._take(row)

    def steps(self) -> Iterator[int]:
        """Fill the board for ever; yields how many rows each step changed."""
        for batch in reading.follow(self.servers, self.what, self.topics):
            yield sum(self._take(row) for row in batch)

    def changes(self) -> Iterator[Row]:
        """For ever, each row of the span that is new or has changed."""
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[list[Row]]:
        """For ever, the rows of the span that are new or have changed; an empty batch while nothing comes."""
        for batch in reading.follow(self.servers, self.what, self.topics):
            yield [
                row
                for row in batch
                if self._take(row) and not isinstance(row, Deletion) and self.span.holds(row.moment)
            ]

    def _take(self, row: Row | Deletion) -> bool:
        name = str(row.key[-1])
        if self.names and name not in self.names:
            return False
        if isinstance(self.board, AlertBoard):
            return isinstance(row, AlertRow) and self.board.update(row)
        return isinstance(row, (WindowRow, Deletion)) and self.board.update(row)


def open_watch(
    settings: Settings, what: str, campaigns: list[str], since: str | None, until: str | None, *, keep_all: bool
) -> Watch:
    """A watch with an empty board.

    Args:
        settings: where the rows are.
        what: ctr, engagement or alerts.
        campaigns: only these; empty means all.
        since, until: texts of `--from` and `--to`.
        keep_all: keep every window instead of the newest ones.

    Raises:
        ParameterError: there are no such results, a time cannot be read, or devices have no campaign.
    """
    if what not in _RECORDS:
        raise ParameterError("watch", what, "There are no such results.", f"Use one of {', '.join(_RECORDS)}, quality.")
    if campaigns and what == "engagement":
        raise ParameterError(
            "campaign", campaigns[0], "Engagement is counted by device.", "Leave --campaign out, or watch ctr."
        )
    span = Span.parse(since, until, datetime.now(timezone.utc))
    board: WindowBoard | AlertBoard
    if what == "alerts":
        board = AlertBoard(span, None) if keep_all else AlertBoard(span)
    else:
        board = WindowBoard(span, None) if keep_all else WindowBoard(span)
    submitted = submission.current_pipeline(settings) or settings.pipeline()
    record = schema.written(_RECORDS[what], gross=submitted.dedups)
    return Watch(what, record, board, settings.servers, settings.topics(), frozenset(campaigns), span)
