"""A case on the oracle: what `adclick verify` would expect of these very messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adclick_cli.casebook import rows
from adclick_cli.casebook.arrival import Arrival, Message, counted, event_name
from adclick_cli.casebook.model import Case
from adclick_cli.parameters import Duration
from adclick_cli.verify import alerts, compare, oracle
from adclick_cli.verify.raw import empty

if TYPE_CHECKING:
    import pyarrow as pa

_NEVER_LATE = Duration(10**12)
_LETTERS = """
SELECT source_topic, "partition" AS source_partition, "offset" AS source_offset, element AS source_record
FROM expected_dead_letters
"""
_KEYS = {"ctr": "campaign_id", "engagement": "device_type"}


def run(case: Case, found: Arrival) -> dict[str, list[dict[str, Any]]]:
    """Compact rows by kind: all of `model.RECORDS`.

    What comes too late is known from the arrival, so it is left out, and the rest is computed without bounds.
    """
    pipeline = replace(case.pipeline, watermark_delay=_NEVER_LATE)
    messages = counted(found)
    tables = [
        _table([one for one in messages if one.topic == topic], found.arrived_ms) for topic in ("impressions", "clicks")
    ]
    db = oracle.connect()
    try:
        oracle.compute(db, tables[0], tables[1], pipeline)
        made: dict[str, list[dict[str, Any]]] = {}
        for name, key in _KEYS.items():
            made[name] = _windows(db, name, key, gross=pipeline.dedups)
        _alerts(db, case, made["ctr"])
        made["alerts"] = _rows(
            db,
            "SELECT * REPLACE (make_timestamp(alert_time * 1000)::VARCHAR AS alert_time, "
            "make_timestamp(window_start * 1000)::VARCHAR AS window_start), "
            "key AS campaign_id FROM expected_alerts",
        )
        for row in made["alerts"]:
            row["alert_time"] += "Z"
            row["window_start"] += "Z"
        made["dead_letters"] = _rows(db, _LETTERS)
    finally:
        db.close()
    compacted = {name: [rows.compact(case, name, row) for row in there] for name, there in made.items()}
    return compacted | {"late": [{"event": event_name(one)} for one in found.late]}


def _table(messages: Sequence[Message], arrived_ms: int) -> pa.Table:
    import pyarrow as pa

    return pa.table(
        {
            "partition": pa.array([one.partition for one in messages], pa.int32()),
            "offset": pa.array([one.offset for one in messages], pa.int64()),
            "arrived_ms": pa.array([arrived_ms] * len(messages), pa.int64()),
            "value": pa.array([one.value for one in messages], pa.binary()),
        }
    )


def _rows(db: Any, query: str) -> list[dict[str, Any]]:
    cursor = db.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def _windows(db: Any, name: str, key: str, *, gross: bool) -> list[dict[str, Any]]:
    made = []
    for row in _rows(db, f"SELECT * FROM expected_{name} ORDER BY window_start, key"):  # noqa: S608 - ctr or engagement
        one: dict[str, Any] = {
            "window_start": compare.utc(row["window_start"]),
            "window_end": compare.utc(row["window_end"]),
            key: row["key"],
            "impression_count": row["impressions_high"],
            "click_count": row["clicks_high"],
        }
        if name == "ctr":
            one["ctr"] = row["clicks_high"] / row["impressions_high"]
        if gross:
            one["gross_click_count"] = row["gross_high"]
        made.append(one)
    return made


def _alerts(db: Any, case: Case, windows: Sequence[Mapping[str, Any]]) -> None:
    """Fill `expected_alerts`: the oracle judges result rows, so it is given its own."""
    import json

    import pyarrow as pa

    values = [json.dumps(dict(row)).encode() for row in windows]
    count = len(values)
    own = pa.table(
        {
            "partition": pa.array([0] * count, pa.int32()),
            "offset": pa.array(list(range(count)), pa.int64()),
            "arrived_ms": pa.array([0] * count, pa.int64()),
            "value": pa.array(values, pa.binary()),
        }
    )
    found = compare.load_windows(db, "ctr", "campaign_id", own, gross=case.pipeline.dedups)
    compare.compare_windows(db, "ctr", found)
    alerts.compare_alerts(db, case.pipeline, (), compare.load_alerts(db, empty()))
