"""Reading result topics into rows: once, or on and on."""

from __future__ import annotations

from collections.abc import Iterator

from adclick_cli import schema
from adclick_cli.broker import consumer
from adclick_cli.pipeline import Topics
from adclick_cli.results.board import WindowBoard
from adclick_cli.results.rows import AlertRow, Deletion, Row, WindowRow, read
from adclick_cli.schema import Record
from adclick_cli.security import Servers

_LANES: dict[str, tuple[Record, ...]] = {
    "ctr": (schema.CTR_LIVE, schema.CTR),
    "engagement": (schema.ENGAGEMENT_LIVE, schema.ENGAGEMENT),
    "alerts": (schema.ALERT,),
}
WHAT = tuple(_LANES)


def topics_of(what: str, topics: Topics) -> dict[str, Record]:
    """The topics that hold `what` (ctr, engagement or alerts), live lane first."""
    return {getattr(topics, record.topic_setting.removeprefix("topic_")): record for record in _LANES[what]}


def once(servers: Servers, what: str, topics: Topics) -> Iterator[Row | Deletion]:
    """Every row that is there now.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: a message is no such row.
    """
    for topic, record in topics_of(what, topics).items():
        for batch in consumer.read_topic(servers, topic):
            for message in batch:
                yield read(record, message)


def follow(servers: Servers, what: str, topics: Topics) -> Iterator[list[Row | Deletion]]:
    """Batches of rows without an end, from the first on; an empty batch while nothing comes.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: a message is no such row.
    """
    records = topics_of(what, topics)
    for batch in consumer.follow(servers, list(records)):
        yield [read(records[message.topic], message) for message in batch]


def final_ctr_rows(servers: Servers, topics: Topics) -> list[WindowRow]:
    """Every final CTR row, in order of time, then campaign."""
    board = WindowBoard(windows=None)
    for batch in consumer.read_topic(servers, topics.ctr):
        for message in batch:
            row = read(schema.CTR, message)
            if isinstance(row, WindowRow):
                board.update(row)
    return board.rows()


def alert_rows(servers: Servers, topics: Topics) -> list[AlertRow]:
    """Every alert, in order of time, then campaign."""
    rows = {row.key: row for row in once(servers, "alerts", topics) if isinstance(row, AlertRow)}
    return sorted(rows.values(), key=lambda row: (row.time, row.name))
