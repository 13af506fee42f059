"""Recorded logs, read as `adclick replay` reads them, without a broker."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adclick_cli.events import replay
from adclick_cli.events.generator import Kind

MAP = {"campaign_id": "item", "event_timestamp": "at", "clicked": "click"}


def sent(path: Path, columns: dict[str, str] = MAP, **more: Any) -> list[tuple[Kind, int, dict[str, Any]]]:
    """Kind, time and fields of each event of a log, in the order of sending; no number in it may be NaN."""
    events = replay.read(replay.Request(path, columns=columns, **more))
    return [(event.kind, event.at_ms, json.loads(event.value or b"", parse_constant=_no_json)) for event in events]


def campaigns(path: Path, **more: Any) -> list[str]:
    """The campaigns of a log's impressions, in the order of sending."""
    return [fields["campaign_id"] for kind, _, fields in sent(path, **more) if kind is Kind.IMPRESSION]


def ms(text: str) -> int:
    """An ISO time without a zone, in UTC, as milliseconds since the epoch."""
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def _no_json(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")
