"""Events as `verify` reads them, and a slow model of the pipeline that is plain to read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from adclick_cli.parameters import Duration
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.verify import compare
from adclick_cli.verify.check import Verdict, check
from adclick_cli.verify.raw import empty

T0 = 1_767_225_600_000
PIPELINE = Pipeline(
    method="ratio",
    window=Duration(60_000),
    attribution=Duration(120_000),
    watermark_delay=Duration(10_000_000),
    bounded=True,
)
Row = dict[str, Any]


def messages(rows: list[Any], partitions: int = 1) -> pa.Table:
    values = [row if isinstance(row, bytes) or row is None else json.dumps(row).encode() for row in rows]
    return pa.table(
        {
            "partition": pa.array([index % partitions for index in range(len(rows))], pa.int32()),
            "offset": pa.array(range(len(rows)), pa.int64()),
            "arrived_ms": pa.array([T0 + 86_400_000] * len(rows), pa.int64()),
            "value": pa.array(values, pa.binary()),
        }
    )


def impression(number: int, at: int, campaign: str = "a", device: str = "m", user: str | None = "u") -> Row:
    return {
        "impression_id": f"i{number}",
        "user_id": user,
        "campaign_id": campaign,
        "ad_id": "ad",
        "device_type": device,
        "event_timestamp": T0 + at,
    }


def click(number: int, of: int, at: int) -> Row:
    return {"click_id": f"c{number}", "impression_id": f"i{of}", "event_timestamp": T0 + at}


def winners(events: list[Row], fields: tuple[str, ...], pipeline: Pipeline) -> list[Row]:
    """Of each id the earliest, then the one of the smallest content, unless ids count as often as they come."""

    def rank(event: Row) -> Any:
        texts = [event.get(name) or "" for name in fields[1:]]
        return (event["event_timestamp"], [(len(text), text) for text in texts])

    def beaten(event: Row) -> bool:
        return any(
            other[fields[0]] == event[fields[0]]
            and 0 <= event["event_timestamp"] - other["event_timestamp"] <= pipeline.unique_ids.ms
            and rank(other) < rank(event)
            for other in events
        )

    return [event for event in events if not pipeline.unique_ids.ms or not beaten(event)]


def fresh(pairs: list[tuple[Row, Row]], pipeline: Pipeline) -> list[bool]:
    """Of each (impression, click) whether no other click of its key comes before it closely enough."""

    def key(shown: Row, clicked: Row) -> Any:
        if pipeline.dedup_key == "impression":
            return shown["impression_id"]
        whole = shown["user_id"] and shown["ad_id"]
        return (shown["user_id"], shown["ad_id"]) if whole else ("", clicked["click_id"])

    def order(click_: Row) -> Any:
        return (click_["event_timestamp"], click_["click_id"])

    return [
        not any(
            key(*other) == key(*pair)
            and order(other[1]) < order(pair[1])
            and pair[1]["event_timestamp"] - other[1]["event_timestamp"] <= pipeline.dedup_window.ms
            for other in pairs
        )
        for pair in pairs
    ]


def gross_and_valid(
    impressions: list[Row], clicks: list[Row], pipeline: Pipeline
) -> dict[tuple[int, str], tuple[int, int, int]]:
    """CTR rows by (window start, campaign): impressions, valid clicks, gross clicks."""
    more = ("user_id", "ad_id") if pipeline.dedups and pipeline.dedup_key == "user+ad" else ()
    impressions = winners(impressions, ("impression_id", "campaign_id", "device_type", *more), pipeline)
    clicks = winners(clicks, ("click_id", "impression_id"), pipeline)
    pairs = [
        (one, other)
        for one in impressions
        for other in clicks
        if other["impression_id"] == one["impression_id"]
        and -pipeline.clock_skew.ms <= other["event_timestamp"] - one["event_timestamp"] <= pipeline.attribution.ms
    ]
    counted = fresh(pairs, pipeline) if pipeline.dedups else [True] * len(pairs)
    groups: dict[tuple[int, str, str], tuple[set[str], set[str], set[str]]] = {}

    def group(one: Row) -> tuple[set[str], set[str], set[str]]:
        start = one["event_timestamp"] // pipeline.window.ms * pipeline.window.ms
        return groups.setdefault((start, one["campaign_id"], one["device_type"]), (set(), set(), set()))

    for one in impressions:
        group(one)[0].add(one["impression_id"])
    for (one, other), good in zip(pairs, counted, strict=True):
        group(one)[2].add(other["click_id"])
        if good:
            group(one)[1].add(other["click_id"])
    rows: dict[tuple[int, str], tuple[int, int, int]] = {}
    for (start, campaign, _), (shown, valid, gross) in groups.items():
        before = rows.get((start, campaign), (0, 0, 0))
        rows[start, campaign] = (before[0] + len(shown), before[1] + len(valid), before[2] + len(gross))
    return rows


def model(impressions: list[Row], clicks: list[Row], pipeline: Pipeline) -> dict[tuple[int, str], tuple[int, int]]:
    """CTR rows by (window start, campaign): impressions and clicks."""
    return {key: row[:2] for key, row in gross_and_valid(impressions, clicks, pipeline).items()}


def results(rows: dict[tuple[int, str], tuple[int, int]], pipeline: Pipeline) -> list[Row]:
    return [
        {
            "window_start": compare.utc(start),
            "window_end": compare.utc(start + pipeline.window.ms),
            "campaign_id": name,
            "impression_count": shown,
            "click_count": clicked,
            "ctr": clicked / shown,
        }
        for (start, name), (shown, clicked) in rows.items()
    ]


def verdict(
    impressions: list[Any],
    clicks: list[Any],
    ctr: list[Any],
    pipeline: Pipeline = PIPELINE,
    earlier: Sequence[EarlierRule] = (),
) -> Verdict:
    tables = {
        "impressions": messages(impressions, 3),
        "clicks": messages(clicks, 3),
        "ctr": messages(ctr),
        "engagement": empty(),
        "alerts": empty(),
    }
    return check(tables, pipeline, earlier=earlier)
