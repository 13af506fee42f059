"""Result rows for the dashboard's tests, made the way they come from Kafka."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from adclick_cli import schema
from adclick_cli.broker.consumer import Message
from adclick_cli.catalog import records
from adclick_cli.catalog.model import Catalog
from adclick_cli.dashboard.boards import Boards
from adclick_cli.dashboard.state import Source, State
from adclick_cli.results.rows import read
from adclick_cli.results.times import write_iso
from adclick_cli.security import Servers

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


def at(minute: int) -> datetime:
    """So many minutes after noon."""
    return NOON + minute * MINUTE


def new_state(windows: int = 120) -> State:
    return State(Source(Servers("127.0.0.1:9092"), "connected", NOON), windows)


def values(record: schema.Record, minute: int, name: str, impressions: int, clicks: int) -> dict[str, object]:
    row: dict[str, object] = {
        "window_start": write_iso(at(minute)),
        "window_end": write_iso(at(minute + 1)),
        record.key[-1]: name,
        "impression_count": impressions,
        "click_count": clicks,
    }
    return row | ({"ctr": clicks / impressions} if "ctr" in record.field_names else {})


def put(boards: Boards, record: schema.Record, minute: int, name: str, impressions: int, clicks: int) -> None:
    """A row of a window that begins so many minutes after noon."""
    text = json.dumps(values(record, minute, name, impressions, clicks)).encode()
    message = Message(record.default_topic, 0, 0, round(at(minute + 1).timestamp() * 1000), None, text)
    boards.take("ctr" if record in (schema.CTR, schema.CTR_LIVE) else "engagement", read(record, message))


def put_declared(boards: Boards, catalog: Catalog, result: str, text: str) -> None:
    """A final row of a declared result."""
    record = records.lanes(catalog, result)[-1]
    boards.take(result, read(record, Message(record.default_topic, 0, 0, 0, None, text.encode())))


def alert(minute: int, name: str, kind: str = "SPIKE") -> dict[str, object]:
    """An alert raised by the window that begins so many minutes after noon."""
    return {
        "alert_time": write_iso(at(minute + 1)),
        "campaign_id": name,
        "current_ctr": 0.4,
        "previous_ctr": 0.1,
        "alert_type": kind,
        "window_start": write_iso(at(minute)),
        "current_impressions": 100,
        "current_clicks": 40,
        "previous_impressions": 100,
        "previous_clicks": 10,
        "z_score": 4.9,
        "rule": "ratio",
    }


def put_alert(
    boards: Boards,
    minute: int,
    name: str,
    kind: str = "SPIKE",
    record: schema.Record = schema.ALERT,
    more: dict[str, object] | None = None,
) -> None:
    text = json.dumps(alert(minute, name, kind) | (more or {})).encode()
    message = Message(record.default_topic, 0, 0, round(at(minute + 1).timestamp() * 1000), None, text)
    boards.take("alerts", read(record, message))
