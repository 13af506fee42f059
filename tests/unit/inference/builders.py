"""Samples, and what a proposed catalog makes of the messages that it was proposed from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adclick_cli.catalog.load import load_text
from adclick_cli.catalog.model import Catalog, EventSource
from adclick_cli.events import reading
from adclick_cli.events.reading import Field, Kind, Schema, Unit
from adclick_cli.inference import propose, toml
from adclick_cli.inference.sample import Sample, of_messages
from adclick_cli.schema import STAMP

NOW_MS = 1_764_000_000_000
"""2025-11-24T16:00:00Z."""
START_MS = NOW_MS - 3_600_000


def sample(topic: str, records: Iterable[Any], total: int | None = None) -> Sample:
    """A topic with a message for each record."""
    return of_messages(topic, [json.dumps(one).encode() for one in records], total)


def proposed(impressions: Sample, clicks: Sample) -> tuple[str, Catalog]:
    """The text for two topics, and what it declares."""
    text = toml.of_proposal(propose.of_topics(impressions, clicks, NOW_MS))
    return text, load_text(text, "adclick.toml")


def schema(source: EventSource) -> Schema:
    """What an event is to those that read it."""
    columns = [*source.ids, *source.fields]
    fields = [
        Field(one.name, _KINDS[one.type], one.path, one.required, one.default, one.precision, one.scale)
        for one in columns
    ]
    return Schema((*fields, Field(STAMP, Kind.TIME, source.time)), _UNITS[source.time_unit])


def events(source: EventSource, records: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The events in messages of these records; each record has to be one."""
    found = [reading.read(json.dumps(one).encode(), schema(source)) for one in records]
    reasons = {row.reason for rows in found for row in rows if row.reason is not None}
    assert not reasons
    return [row.values for rows in found for row in rows if row.values is not None]


_KINDS = {"text": Kind.TEXT, "integer": Kind.INTEGER, "decimal": Kind.DECIMAL, "boolean": Kind.BOOLEAN}
_UNITS = {"s": Unit.S, "ms": Unit.MS, "us": Unit.US, "ns": Unit.NS, "iso8601": Unit.ISO8601}


def view(number: int, **more: Any) -> dict[str, Any]:
    """An impression like those of examples/spend."""
    return {
        "event": {"id": f"v-{number}", "at": (START_MS + 1_000 * number) * 1_000},
        "campaign": {"id": f"camp-{number % 5}"},
        "device": {"type": ("mobile", "tv")[number % 2]},
        "geo": {"country": ("DE", "FR", "US")[number % 3]},
        "price": (number % 50 + 1) / 1_000,
        **more,
    }


def click(number: int, **more: Any) -> dict[str, Any]:
    """A click on it."""
    return {
        "click_id": f"c-{number}",
        "view_id": f"v-{number}",
        "event_timestamp": START_MS + 1_000 * number + 400,
        **more,
    }


VIEWS = [view(number) for number in range(500)]
CLICKS = [click(number) for number in range(0, 500, 10)]
