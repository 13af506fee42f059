"""The results computed a second time, in DuckDB, from the raw events alone.

Written from the rules of correctness, not from the pipeline's SQL: the two are there to disagree. Times are integers,
milliseconds since the epoch.

An event that is behind its own partition's watermark may or may not have reached its window in time: that depends on
how far the other partitions had been read, which the topics do not tell. Such events give each row a lower and an upper
bound; without any, both are the same number and the check is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adclick_cli import schema
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify import events

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MINI_BATCH_MS = 1_000
"""Flink passes watermarks on in steps of its mini-batch; a window may close so much later than the watermark allows."""

_PARSE = """
CREATE OR REPLACE TABLE {name} AS
WITH fields AS (
    SELECT
        "partition", "offset", element, arrived_ms, batch,
        {texts},
        json_extract_string(object, '$.event_timestamp') AS stamp,
        json_type(object, '$.event_timestamp') AS stamp_type
    FROM objects_{name}
), typed AS (
    SELECT
        * EXCLUDE (stamp, stamp_type),
        CASE
            WHEN stamp_type = 'DOUBLE' THEN TRY_CAST(trunc(TRY_CAST(stamp AS DOUBLE)) AS BIGINT)
            WHEN regexp_full_match(trim(stamp), '[+-]?[0-9]+') THEN TRY_CAST(trim(stamp) AS BIGINT)
        END AS ts
    FROM fields
), judged AS (
    SELECT *, COALESCE({required} AND ts > 0 AND ts <= arrived_ms + $max_ahead, FALSE) AS good FROM typed
)
SELECT
    *,
    good AND {identity} = $heartbeat AS beat,
    max(ts) FILTER (good) OVER (
        PARTITION BY "partition" ORDER BY "offset", element ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) - $delay AS horizon
FROM judged
"""

_SEEN = """
CREATE OR REPLACE TABLE {name}_seen AS
SELECT
    *,
    good AND ts < COALESCE(horizon, ts) AS behind,
    row_number() OVER same AS copy,
    first_value({content}) OVER same IS DISTINCT FROM {content} AS other
FROM {name}
WINDOW same AS (PARTITION BY {identity}, good ORDER BY "partition", "offset", element)
"""

_IMPRESSIONS = """
CREATE OR REPLACE TABLE windowed AS
SELECT
    *,
    ts - ts % $window AS window_start,
    ts - ts % $window + $window AS window_end,
    COALESCE(horizon, ts) - $attribution < ts - ts % $window + $window AS certain
FROM impressions_seen
WHERE good AND NOT beat
"""

_MATCHES = """
CREATE OR REPLACE TABLE matches AS
SELECT
    i.window_start, i.window_end, i.campaign_id, i.device_type, c.click_id,
    i.certain AND NOT i.behind AND NOT c.behind AS certain
FROM windowed AS i
JOIN clicks_seen AS c ON c.impression_id = i.impression_id
WHERE c.good AND c.ts - i.ts BETWEEN -$skew AND $attribution
"""

_COUNTS = """
CREATE OR REPLACE TABLE counts AS
WITH shown AS (
    SELECT
        window_start, window_end, campaign_id, device_type,
        count(DISTINCT impression_id) FILTER (certain) AS impressions_low,
        count(DISTINCT impression_id) AS impressions_high
    FROM windowed
    GROUP BY ALL
), clicked AS (
    SELECT
        window_start, window_end, campaign_id, device_type,
        count(DISTINCT click_id) FILTER (certain) AS clicks_low,
        count(DISTINCT click_id) AS clicks_high
    FROM matches
    GROUP BY ALL
)
SELECT
    shown.*,
    COALESCE(clicks_low, 0) AS clicks_low,
    COALESCE(clicks_high, 0) AS clicks_high
FROM shown LEFT JOIN clicked USING (window_start, window_end, campaign_id, device_type)
"""

_EXPECTED = """
CREATE OR REPLACE TABLE expected_{name} AS
SELECT
    window_start, window_end, {key} AS key,
    sum(impressions_low)::BIGINT AS impressions_low,
    sum(impressions_high)::BIGINT AS impressions_high,
    sum(clicks_low)::BIGINT AS clicks_low,
    sum(clicks_high)::BIGINT AS clicks_high,
    sum(impressions_low) > 0 AND window_end - 1 + $attribution <= $bound AS must
FROM counts
GROUP BY window_start, window_end, {key}
"""

_DEAD_LETTERS = """
CREATE OR REPLACE TABLE expected_dead_letters AS
SELECT $topic_impressions AS source_topic, "partition", "offset", any_value(arrived_ms) AS arrived_ms
FROM impressions WHERE NOT good AND NOT batch GROUP BY ALL
UNION ALL
SELECT $topic_clicks, "partition", "offset", any_value(arrived_ms)
FROM clicks WHERE NOT good AND NOT batch GROUP BY ALL
"""

_BOUND = """
SELECT CASE WHEN count(*) >= $partitions THEN min(newest) - $delay - 1 - $mini_batch END FROM (
    SELECT 'i', "partition", max(ts) AS newest FROM impressions WHERE good GROUP BY ALL
    UNION ALL
    SELECT 'c', "partition", max(ts) FROM clicks WHERE good GROUP BY ALL
)
"""

_IS_TEXT = f"({{0}} <> '' AND {{0}}[1] NOT IN ('{{{{', '[') AND length({{0}}) <= {schema.LONGEST_TEXT})"
_TEXTS = {
    "impressions": ("impression_id", "campaign_id", "device_type"),
    "clicks": ("click_id", "impression_id"),
}
NEVER = 2**62


def connect() -> DuckDBPyConnection:
    """A database in memory."""
    import duckdb

    # Nothing is fetched from anywhere, whatever a query asks for.
    return duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )


def compute(
    db: DuckDBPyConnection, impressions: pa.Table, clicks: pa.Table, pipeline: Pipeline, partitions: int = 0
) -> int | None:
    """Fill `expected_ctr`, `expected_engagement` and the tables that the ledger is made from.

    Args:
        db: where the tables are made.
        impressions, clicks: raw messages as `raw.TopicTable` gives them.
        pipeline: the parameters.
        partitions: how many the two topics have together; 0 where it is not known.

    Returns:
        The watermark up to which every window must be final (ms since the epoch), or None: there is none before every
        partition has held an event.
    """
    values: dict[str, Any] = {
        "window": pipeline.window.ms,
        "attribution": pipeline.attribution.ms,
        "skew": pipeline.clock_skew.ms,
        "delay": pipeline.watermark_delay.ms,
        "max_ahead": pipeline.max_ahead.ms,
        "mini_batch": MINI_BATCH_MS,
        "heartbeat": schema.HEARTBEAT_ID,
        "partitions": partitions,
        "topic_impressions": pipeline.topics.impressions,
        "topic_clicks": pipeline.topics.clicks,
    }

    def run(sql: str, **more: Any) -> Any:
        wanted = {name: value for name, value in (values | more).items() if f"${name}" in sql}
        return db.execute(sql, wanted)

    for name, messages in (("impressions", impressions), ("clicks", clicks)):
        columns = _TEXTS[name]
        events.load(db, name, messages, columns)
        texts = ", ".join(f"json_extract_string(object, '$.{column}') AS {column}" for column in columns)
        required = " AND ".join(_IS_TEXT.format(column) for column in columns)
        run(_PARSE.format(name=name, identity=columns[0], texts=texts, required=required))
        content = f"row({', '.join((*columns, 'ts'))})"
        run(_SEEN.format(name=name, identity=columns[0], content=content))
    run(_DEAD_LETTERS)
    run(_IMPRESSIONS)
    run(_MATCHES)
    run(_COUNTS)
    found = run(_BOUND).fetchone()
    watermark = found[0] if found else None
    bound = NEVER if pipeline.bounded else watermark if watermark is not None else -NEVER
    for name, key in (("ctr", "campaign_id"), ("engagement", "device_type")):
        run(_EXPECTED.format(name=name, key=key), bound=bound)
    return watermark


_IMPRESSION_LEDGER = """
SELECT
    CASE
        WHEN NOT s.good THEN 'malformed'
        WHEN s.beat THEN 'heartbeat'
        WHEN s.copy > 1 THEN CASE WHEN s.other THEN 'conflict' ELSE 'duplicate' END
        WHEN NOT w.certain THEN 'late'
        WHEN r.key IS NULL THEN 'pending'
        ELSE 'counted'
    END AS class,
    count(*)
FROM impressions_seen AS s
LEFT JOIN windowed AS w ON w."partition" = s."partition" AND w."offset" = s."offset" AND w.element = s.element
LEFT JOIN rows_ctr AS r ON r.window_start = w.window_start AND r.window_end = w.window_end AND r.key = w.campaign_id
GROUP BY 1
"""

_CLICK_LEDGER = """
WITH firsts AS (
    SELECT
        i.impression_id,
        min(i.ts) AS first_ts,
        list({'ts': i.ts, 'final': r.key IS NOT NULL}) AS shown
    FROM windowed AS i
    LEFT JOIN rows_ctr AS r ON r.window_start = i.window_start AND r.window_end = i.window_end AND r.key = i.campaign_id
    GROUP BY 1
), judged AS (
    SELECT
        c.*, f.impression_id IS NOT NULL AS known, f.first_ts,
        list_filter(f.shown, lambda one: c.ts - one.ts BETWEEN -$skew AND $attribution) AS fitting
    FROM clicks_seen AS c
    LEFT JOIN firsts AS f ON c.good AND f.impression_id = c.impression_id
)
SELECT
    CASE
        WHEN NOT good THEN 'malformed'
        WHEN beat THEN 'heartbeat'
        WHEN copy > 1 THEN CASE WHEN other THEN 'conflict' ELSE 'duplicate' END
        WHEN NOT known THEN 'orphan'
        WHEN len(fitting) = 0 AND ts < first_ts THEN 'before_impression'
        WHEN len(fitting) = 0 THEN 'expired'
        WHEN behind THEN 'late'
        WHEN NOT list_bool_or(list_transform(fitting, lambda one: one.final)) THEN 'pending'
        ELSE 'valid'
    END AS class,
    count(*)
FROM judged
GROUP BY 1
"""

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


def ledger(db: DuckDBPyConnection, pipeline: Pipeline) -> dict[str, dict[str, int]]:
    """Each raw message in exactly one class, by topic; needs `rows_ctr` of the comparison."""
    impressions = dict(db.execute(_IMPRESSION_LEDGER).fetchall())
    clicks = dict(
        db.execute(_CLICK_LEDGER, {"attribution": pipeline.attribution.ms, "skew": pipeline.clock_skew.ms}).fetchall()
    )
    return {
        "impressions": {"raw": sum(impressions.values())}
        | {name: impressions.get(name, 0) for name in IMPRESSION_CLASSES},
        "clicks": {"raw": sum(clicks.values())} | {name: clicks.get(name, 0) for name in CLICK_CLASSES},
    }
