"""What a message holds to the engine that reads it: Flink's JSON format in plain SQL, else adclick's own format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adclick_cli.casebook.model import RECORD, Topic
from adclick_cli.events import lenient, reading
from adclick_cli.pipeline import Pipeline
from adclick_cli.schema import HEARTBEAT_ID, STAMP


@dataclass(frozen=True)
class Event:
    """One event of a message.

    Attributes:
        topic: where it is.
        id: its own id; that of a heartbeat is reserved.
        of: the id of the impression that is meant: its own, or the one that was clicked.
        at_ms: its time, ms since the epoch.
    """

    topic: Topic
    id: str
    of: str
    at_ms: int

    @property
    def counts(self) -> bool:
        """Whether it is no heartbeat."""
        return self.id != HEARTBEAT_ID


def found(pipeline: Pipeline, topic: Topic, value: bytes | None, arrived_ms: int) -> list[Event]:
    """The events of a message, in its order; one too far ahead of its arrival is none."""
    record, ahead = RECORD[topic], pipeline.max_ahead.ms
    made: Sequence[tuple[int, Mapping[str, Any]]]
    if pipeline.portable:
        made = lenient.events(value, record.required, STAMP, arrived_ms + ahead)
    else:
        made = reading.events(value, _schema(pipeline, topic), arrived_ms + ahead)
    return [Event(topic, str(one[record.key[0]]), str(one["impression_id"]), at_ms) for at_ms, one in made]


def rows(pipeline: Pipeline, topic: Topic, value: bytes | None) -> int:
    """How many rows the source gives for a message."""
    if pipeline.portable:
        return len(lenient.elements(value, RECORD[topic].required, STAMP))
    return len(reading.read(value, _schema(pipeline, topic)))


def _schema(pipeline: Pipeline, topic: Topic) -> reading.Schema:
    return reading.declared(pipeline.catalog.source(topic), pipeline.event_columns(topic))
