"""Result rows under short names, times counted from the case's start; and comparing them with what is expected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from adclick_cli import schema
from adclick_cli.casebook.lines import format_offset
from adclick_cli.casebook.model import Case, Compact, Expectation

TOLERANCE = 1e-6
"""Of a rate that a file gives; those of the two engines agree to 1e-9."""
AGREE = 1e-9

SHORT: dict[str, dict[str, str]] = {
    "ctr": {
        "window": "window_start",
        "end": "window_end",
        "campaign": "campaign_id",
        "impressions": "impression_count",
        "clicks": "click_count",
        "gross": "gross_click_count",
        "ctr": "ctr",
    },
    "engagement": {
        "window": "window_start",
        "end": "window_end",
        "device": "device_type",
        "impressions": "impression_count",
        "clicks": "click_count",
        "gross": "gross_click_count",
    },
    "alerts": {
        "at": "alert_time",
        "campaign": "campaign_id",
        "type": "alert_type",
        "ctr": "current_ctr",
        "previous": "previous_ctr",
        "impressions": "current_impressions",
        "clicks": "current_clicks",
        "previous_impressions": "previous_impressions",
        "previous_clicks": "previous_clicks",
        "window": "window_start",
        "z": "z_score",
        "rule": "rule",
    },
    "dead_letters": {
        "topic": "source_topic",
        "partition": "source_partition",
        "offset": "source_offset",
        "record": "source_record",
        "reason": "reason",
    },
    "late": {"event": "event"},
}
"""By kind of row: the short name of each field that a file may give."""

WRITTEN: dict[str, tuple[str, ...]] = {
    "ctr": ("window", "campaign", "impressions", "clicks", "gross"),
    "engagement": ("window", "device", "impressions", "clicks", "gross"),
    "alerts": ("at", "campaign", "type", "previous", "ctr", "rule"),
    "dead_letters": ("topic", "partition", "offset", "record", "reason"),
    "late": ("event",),
}
"""What `--update` writes of each kind: the rest follows from it."""

TIMES = frozenset({"window", "end", "at"})
_INSTANTS = {field.name for record in schema.RESULTS for field in record.fields if field.kind is schema.Kind.INSTANT}


@dataclass(frozen=True)
class Difference:
    """One row that is not as expected.

    Attributes:
        engine: flink, oracle, or `flink, not oracle` where the two disagree.
        record: the kind of row.
        kind: MISSING or UNEXPECTED.
        row: the row, compact.
    """

    engine: str
    record: str
    kind: Literal["MISSING", "UNEXPECTED"]
    row: Compact


def compact(case: Case, record: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A result row as a file writes it, every field that has a short name."""
    topics = {case.pipeline.topics.impressions: "impressions", case.pipeline.topics.clicks: "clicks"}
    found: dict[str, Any] = {}
    for short, name in SHORT[record].items():
        if name not in row:
            continue
        value = row[name]
        if name in _INSTANTS and isinstance(value, str):
            value = format_offset(_epoch_ms(value) - case.start_ms)
        elif name == "source_topic":
            value = topics.get(value, value)
        found[short] = value
    return found


def written(record: str, row: Compact) -> dict[str, Any]:
    """What `--update` writes of a compact row."""
    found = {name: row[name] for name in WRITTEN[record] if name in row}
    if record == "dead_letters":
        found = {name: value for name, value in found.items() if value or name not in ("partition", "record")}
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in found.items()}


def _epoch_ms(text: str) -> int:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "T"))
    return round((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1000)


def _same(value: object, wanted: object, tolerance: float) -> bool:
    if isinstance(wanted, float) and isinstance(value, (int, float)):
        return math.isclose(value, wanted, rel_tol=tolerance, abs_tol=tolerance)
    return value == wanted


def fits(row: Compact, wanted: Compact, tolerance: float = TOLERANCE) -> bool:
    """Whether a row has the values of those fields that `wanted` gives and the row's engine can tell."""
    return all(_same(row[name], value, tolerance) for name, value in wanted.items() if name in row)


def against(engine: str, record: str, expected: Expectation, rows: Sequence[Compact]) -> list[Difference]:
    """What is missing, and (where the expectation is exact) what is unexpected."""
    missing, left = _matched(expected.rows, rows, TOLERANCE)
    found = [Difference(engine, record, "MISSING", row) for row in missing]
    if expected.mode == "exact":
        found += [Difference(engine, record, "UNEXPECTED", row) for row in left]
    return found


def disagreement(record: str, flink: Sequence[Compact], oracle: Sequence[Compact]) -> list[Difference]:
    """Rows that the two engines do not share."""
    missing, left = _matched(oracle, flink, AGREE)
    name = "flink, by the oracle"
    return [Difference(name, record, "MISSING", row) for row in missing] + [
        Difference(name, record, "UNEXPECTED", row) for row in left
    ]


def _matched(
    wanted: Sequence[Compact], rows: Sequence[Compact], tolerance: float
) -> tuple[list[Compact], list[Compact]]:
    """Wanted rows without a partner, and rows without one; those that say most choose first."""
    left = list(rows)
    missing = []
    for one in sorted(wanted, key=len, reverse=True):
        partner = next((row for row in left if fits(row, one, tolerance)), None)
        if partner is None:
            missing.append(one)
        else:
            left.remove(partner)
    return missing, left
