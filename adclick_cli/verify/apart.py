"""A topic of events that is read and taken apart side by side, and only what is new."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from adclick_cli.events.reading import Schema
from adclick_cli.pipeline import Pipeline
from adclick_cli.security import Servers
from adclick_cli.verify import events, oracle
from adclick_cli.verify.raw import TopicTable

if TYPE_CHECKING:
    import pyarrow as pa

PART = 200_000
"""Messages that are taken apart at once: as many as DuckDB likes, and little enough to begin early."""


class EventTable(TopicTable):
    """All messages of a topic of events, and their fields.

    Reading keeps one thread of Python busy; DuckDB works beside it in a thread of its own, and no message is taken
    apart a second time when more have come.

    Args:
        servers: the broker.
        topic: its name.
        columns: what is read of the messages, as `oracle.columns` gives it.
        since_ms: only messages that arrived at or after this time, ms since the epoch; None reads them all.
    """

    def __init__(
        self,
        servers: Servers,
        topic: str,
        columns: tuple[Schema, bool],
        since_ms: int | None = None,
    ) -> None:
        super().__init__(servers, topic, since_ms)
        self._columns = columns
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._db = oracle.connect(threads=1)
        self._waiting: list[pa.Table] = []
        self._taken: list[Future[pa.Table]] = []

    def add(self, part: pa.Table) -> None:
        """Keep what has been read, and have it taken apart as soon as there is enough of it."""
        super().add(part)
        self._waiting.append(part)
        if sum(one.num_rows for one in self._waiting) >= PART:
            self._hand_over()

    def _hand_over(self) -> None:
        import pyarrow as pa

        if self._waiting:
            part, self._waiting = pa.concat_tables(self._waiting), []
            self._taken.append(self._worker.submit(events.take_apart, self._db, part, *self._columns))

    def fields(self) -> pa.Table:
        """The fields of everything read so far, as `events.take_apart` gives them."""
        import pyarrow as pa

        self._hand_over()
        taken = [one.result() for one in self._taken]
        return pa.concat_tables(taken) if taken else events.take_apart(self._db, self.table(), *self._columns)

    def close(self) -> None:
        """Let go of the database; what has not been taken apart is not wanted any more."""
        self._worker.shutdown(cancel_futures=True)
        self._db.close()


def event_tables(servers: Servers, pipeline: Pipeline, since_ms: int | None = None) -> dict[str, EventTable]:
    """The topics of events by name: impressions, then clicks.

    Args:
        servers: the broker.
        pipeline: the parameters: names of the topics, and what is read of their messages.
        since_ms: only messages that arrived at or after this time, ms since the epoch; None reads them all.
    """
    return {
        name: EventTable(servers, getattr(pipeline.topics, name), oracle.columns(name, pipeline), since_ms)
        for name in oracle.EVENTS
    }
