"""Each raw message in exactly one class, and the events whose id stands for other contents, too.

Made from the oracle's tables. An event is `late` if it may have come too late and its row is below its upper bound.
Minutes are those of the arrival at the broker: what is no event has no other time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adclick_cli.pipeline import Pipeline

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IMPRESSION_CLASSES = ("counted", "pending", "duplicate", "conflict", "late", "malformed", "heartbeat")
CLICK_CLASSES = (
    "valid",
    "pending",
    "duplicate",
    "conflict",
    "before_impression",
    "expired",
    "orphan",
    "late",
    "malformed",
    "heartbeat",
)
CLASSES = {"impressions": IMPRESSION_CLASSES, "clicks": CLICK_CLASSES}
MINUTE_MS = 60_000

# A row that has reached its upper bound counts every event that it can, however late those were.
_FINAL = """
CREATE OR REPLACE TABLE final AS
SELECT
    r.window_start, r.window_end, r.key,
    COALESCE(r.impression_count >= e.impressions_high, FALSE) AS all_shown,
    COALESCE(r.gross_click_count >= e.gross_high, FALSE) AS all_clicked
FROM rows_ctr AS r
LEFT JOIN expected_ctr AS e ON e.window_start = r.window_start AND e.window_end = r.window_end AND e.key = r.key
"""

_IMPRESSIONS = """
CREATE OR REPLACE TABLE classes_impressions AS
SELECT
    s."partition", s."offset", s.element, s.arrived_ms,
    CASE
        WHEN NOT s.good THEN 'malformed'
        WHEN s.beat THEN 'heartbeat'
        WHEN s.copy > 1 THEN CASE WHEN s.other THEN 'conflict' ELSE 'duplicate' END
        WHEN s.shown AND NOT s.certain AND NOT COALESCE(r.all_shown, FALSE) THEN 'late'
        WHEN r.key IS NULL THEN 'pending'
        ELSE 'counted'
    END AS class
FROM placed AS s
LEFT JOIN final AS r
    ON s.shown AND r.window_start = s.window_start AND r.window_end = s.window_end AND r.key = s.campaign_id
"""

_CLICKS = """
CREATE OR REPLACE TABLE classes_clicks AS
WITH firsts AS (
    SELECT
        i.impression_id,
        min(i.ts) AS first_ts,
        list({'ts': i.ts, 'final': r.key IS NOT NULL}) AS shown
    FROM windowed AS i
    LEFT JOIN final AS r ON r.window_start = i.window_start AND r.window_end = i.window_end AND r.key = i.campaign_id
    SEMI JOIN clicks_seen AS c ON c.impression_id = i.impression_id
    GROUP BY 1
), freshness AS (
    SELECT
        m."partition", m."offset", m.element, bool_or(f.fresh) AS fresh,
        bool_or(m.certain OR COALESCE(r.all_clicked, FALSE)) AS counted
    FROM matches AS m
    JOIN fresh AS f USING (key, click_ts, click_id)
    LEFT JOIN final AS r ON r.window_start = m.window_start AND r.window_end = m.window_end AND r.key = m.campaign_id
    GROUP BY ALL
), judged AS (
    SELECT
        c.*, f.impression_id IS NOT NULL AS known, f.first_ts, n.fresh, n.counted,
        list_filter(f.shown, lambda one: c.ts - one.ts BETWEEN -$skew AND $attribution) AS fitting
    FROM clicks_seen AS c
    LEFT JOIN firsts AS f ON c.good AND f.impression_id = c.impression_id
    LEFT JOIN freshness AS n
        ON n."partition" = c."partition" AND n."offset" = c."offset" AND n.element = c.element
)
SELECT
    "partition", "offset", element, arrived_ms,
    CASE
        WHEN NOT good THEN 'malformed'
        WHEN beat THEN 'heartbeat'
        WHEN copy > 1 THEN CASE WHEN other THEN 'conflict' ELSE 'duplicate' END
        WHEN NOT known THEN 'orphan'
        WHEN len(fitting) = 0 AND ts < first_ts THEN 'before_impression'
        WHEN len(fitting) = 0 THEN 'expired'
        WHEN NOT COALESCE(counted, FALSE) THEN 'late'
        WHEN NOT COALESCE(fresh, TRUE) THEN 'duplicate'
        WHEN NOT list_bool_or(list_transform(fitting, lambda one: one.final)) THEN 'pending'
        ELSE 'valid'
    END AS class
FROM judged
"""


def classify(db: DuckDBPyConnection, pipeline: Pipeline) -> None:
    """Fill `classes_impressions` and `classes_clicks`; needs the oracle's tables and `rows_ctr`."""
    db.execute(_FINAL)
    db.execute(_IMPRESSIONS)
    db.execute(_CLICKS, {"attribution": pipeline.attribution.ms, "skew": pipeline.clock_skew.ms})


def totals(db: DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Messages by class, by topic; `raw` is their sum."""
    found = {}
    for topic, names in CLASSES.items():
        counts = dict(db.execute(f"SELECT class, count(*) FROM classes_{topic} GROUP BY 1").fetchall())  # noqa: S608
        found[topic] = {"raw": sum(counts.values())} | {name: counts.get(name, 0) for name in names}
    return found


def by_minute(db: DuckDBPyConnection, since_ms: int | None, until_ms: int | None) -> list[dict[str, Any]]:
    """Messages by minute of arrival and topic: `minute` (ms since the epoch), `topic`, `raw` and each class.

    Args:
        db: with the classes.
        since_ms, until_ms: only messages that arrived from here on, and before; None has no bound.
    """
    rows: dict[tuple[int, str], dict[str, Any]] = {}
    for topic, names in CLASSES.items():
        cursor = db.execute(
            f"SELECT arrived_ms // {MINUTE_MS} * {MINUTE_MS}, class, count(*) FROM classes_{topic} "  # noqa: S608
            "WHERE arrived_ms >= COALESCE($since, arrived_ms) AND arrived_ms < COALESCE($until, arrived_ms + 1) "
            "GROUP BY 1, 2",
            {"since": since_ms, "until": until_ms},
        )
        for minute, name, count in cursor.fetchall():
            row = rows.setdefault(
                (minute, topic), {"minute": minute, "topic": topic, "raw": 0} | dict.fromkeys(names, 0)
            )
            row[name] += count
            row["raw"] += count
    return [rows[key] for key in sorted(rows, key=lambda key: (key[0], -len(key[1])))]


@dataclass(frozen=True)
class Conflict:
    """An event whose id stands for other contents in an earlier message.

    Attributes:
        topic: impressions or clicks.
        id: the id.
        partition, offset: where it is.
        first_partition, first_offset: where the event is that it contradicts.
        differs: the fields that are not the same.
    """

    topic: str
    id: str
    partition: int
    offset: int
    first_partition: int
    first_offset: int
    differs: list[str]


_CONFLICTS = """
SELECT l.{id}, l."partition", l."offset", f."partition", f."offset", {differs}
FROM {topic}_seen AS l
JOIN {topic}_seen AS f ON f.good AND f.copy = 1 AND f.{id} = l.{id}
WHERE l.good AND NOT l.beat AND l.copy > 1 AND l.other
ORDER BY 2, 3
LIMIT $limit
"""


def conflicts(db: DuckDBPyConnection, limit: int) -> list[Conflict]:
    """The first conflicts of each topic, in the order of their places."""
    found = []
    for topic, key, fields in (
        ("impressions", "impression_id", ("campaign_id", "device_type", "user_id", "ad_id", "event_timestamp")),
        ("clicks", "click_id", ("impression_id", "event_timestamp")),
    ):
        there = {row[0] for row in db.execute(f"DESCRIBE {topic}_seen").fetchall()}
        columns = {name: "ts" if name == "event_timestamp" else name for name in fields}
        differs = ", ".join(
            f"CASE WHEN l.{column} IS DISTINCT FROM f.{column} THEN '{name}' END"
            for name, column in columns.items()
            if column in there
        )
        query = _CONFLICTS.format(id=key, topic=topic, differs=f"list_filter([{differs}], lambda one: one IS NOT NULL)")
        for row in db.execute(query, {"limit": limit}).fetchall():
            found.append(Conflict(topic, *row))
    return found
