"""Reading result topics into rows: once, or on and on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from adclick_cli import schema
from adclick_cli.broker import whole
from adclick_cli.broker.stream import Stream
from adclick_cli.catalog import records
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog
from adclick_cli.pipeline import Topics
from adclick_cli.results.board import WindowBoard
from adclick_cli.results.rows import AlertRow, Deletion, Row, WindowRow, read
from adclick_cli.schema import Record
from adclick_cli.security import Servers

_EARLY = (schema.EARLY_ALERT, schema.EARLY_VERDICT)


@dataclass(frozen=True)
class Batch:
    """What one look at the topics brought.

    Attributes:
        rows: those that came.
        anew: the topics were made anew or emptied: what was read before is no longer there.
        away: why the broker does not answer; empty while it does.
    """

    rows: list[Row | Deletion]
    anew: bool = False
    away: str = ""


def topics_of(what: str, topics: Topics, *, early: bool = False, catalog: Catalog = CATALOG) -> dict[str, Record]:
    """The topics that hold `what`, live lane first.

    Args:
        what: alerts or the name of a result.
        topics: the topics' names.
        early: also the early alerts.
        catalog: which results there are.
    """
    if what == "alerts":
        found: tuple[Record, ...] = (*_EARLY, schema.ALERT) if early else (schema.ALERT,)
    else:
        found = records.lanes(catalog, what)
    return {topics.of(record): record for record in found}


def once(
    servers: Servers, what: str, topics: Topics, *, early: bool = False, catalog: Catalog = CATALOG
) -> Iterator[Row | Deletion]:
    """Every row that is there now; `early` and `catalog` as in `topics_of`.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: a message is no such row.
    """
    for topic, record in topics_of(what, topics, early=early, catalog=catalog).items():
        for batch in whole.read_topic(servers, topic):
            for message in batch:
                yield read(record, message)


def follow(
    servers: Servers,
    what: str,
    topics: Topics,
    newest: int | None = None,
    *,
    early: bool = False,
    catalog: Catalog = CATALOG,
) -> Iterator[Batch]:
    """Batches of rows without an end, from the first on; an empty batch while nothing comes.

    Args:
        servers: the broker; one that goes away later is waited for.
        what: alerts or the name of a result.
        topics: where they are; one may be made later.
        newest: how many offsets of each partition, at most, are read of what is there at the start; None reads all.
        early, catalog: as in `topics_of`.

    Raises:
        BrokerError: the broker does not answer at the start.
        AdclickError: a message is no such row.
    """
    wanted = topics_of(what, topics, early=early, catalog=catalog)
    stream = Stream(servers, list(wanted), newest)
    try:
        while True:
            step = stream.step()
            yield Batch([read(wanted[message.topic], message) for message in step.messages], step.anew, step.away)
    finally:
        stream.close()


def final_ctr_rows(servers: Servers, topics: Topics) -> list[WindowRow]:
    """Every final CTR row, in order of time, then campaign."""
    board = WindowBoard(windows=None)
    for batch in whole.read_topic(servers, topics.ctr):
        for message in batch:
            row = read(schema.CTR, message)
            if isinstance(row, WindowRow):
                board.update(row)
    return board.rows()


def alert_rows(servers: Servers, topics: Topics) -> list[AlertRow]:
    """Every alert, in order of time, then campaign."""
    rows = {row.key: row for row in once(servers, "alerts", topics) if isinstance(row, AlertRow)}
    return sorted(rows.values(), key=lambda row: (row.time, row.name))
