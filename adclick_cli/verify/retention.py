"""Raw events that the topics no longer hold: from which window on results can be judged all the same.

Kafka deletes the oldest messages of a partition, by retention or by `kafka-delete-records`, and moves the partition's
first offset. What was deleted counted in rows that stay. A deleted event is not later than the first event that remains
in its partition by more than events of that topic are out of order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adclick_cli.pipeline import Pipeline
from adclick_cli.verify.compare import Begins
from adclick_cli.verify.oracle import EVENTS, NEVER

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIRST = """
SELECT "partition", min("offset"), arg_min(ts, ("offset", element)) FILTER (good) FROM {name} GROUP BY 1
"""
_DISORDER = "SELECT COALESCE(max(horizon + $delay - ts) FILTER (good), 0)::BIGINT FROM {name}"


@dataclass(frozen=True)
class Deleted:
    """Messages that a partition has lost.

    Attributes:
        topic: impressions or clicks.
        partition: its number.
        messages: at most so many; aborted transactions and marks of transactions are among them.
        until_ms: no deleted event is later, ms since the epoch; `oracle.NEVER` where no event remains to tell.
    """

    topic: str
    partition: int
    messages: int
    until_ms: int


def find(db: DuckDBPyConnection, begins: Begins, pipeline: Pipeline) -> list[Deleted]:
    """The partitions that have lost messages from before what was read.

    Args:
        db: in which the oracle has computed.
        begins: the first offsets, asked for after the messages were read.
        pipeline: the parameters.
    """
    found = []
    for name in EVENTS:
        lost = {number: begin for number, begin in begins.get(name, {}).items() if begin}
        if not lost:
            continue
        disorder = db.execute(_DISORDER.format(name=name), {"delay": pipeline.watermark_delay.ms}).fetchall()[0][0]
        firsts = {number: (offset, ts) for number, offset, ts in db.execute(_FIRST.format(name=name)).fetchall()}
        for number, begin in sorted(lost.items()):
            offset, ts = firsts.get(number, (begin, None))
            # What was deleted while it was being read has been read.
            if offset:
                until = NEVER if ts is None else ts + max(disorder, pipeline.watermark_delay.ms)
                found.append(Deleted(name, number, min(offset, begin), until))
    return found


def judged_after(deleted: list[Deleted], pipeline: Pipeline) -> int | None:
    """Only windows that start later are judged, ms since the epoch; None where every window is.

    A deleted impression belongs to its own window. A deleted click belongs to the window of an impression that is not
    later than it by more than the clock skew. Where ids are unique, or clicks are deduplicated, a deleted event may
    have kept a later one from counting, too.
    """
    if not deleted:
        return None
    of = {name: max((one.until_ms for one in deleted if one.topic == name), default=-NEVER) for name in EVENTS}
    unique, dedup = pipeline.unique_ids.ms, pipeline.dedup_window.ms
    clicks = of["clicks"]
    if dedup:
        clicks = max(clicks, of["impressions"] + pipeline.attribution.ms) + dedup
    return min(max(of["impressions"] + unique, clicks + unique + pipeline.clock_skew.ms), NEVER)
