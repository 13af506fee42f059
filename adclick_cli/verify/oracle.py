"""The results computed a second time, in DuckDB, from the raw events alone.

Written from the rules of correctness, not from the pipeline's SQL: the two are there to disagree. Times are integers,
milliseconds since the epoch.

Whether an event reached its window in time depends on the pipeline's watermark when it was read. That is the least over
the partitions of both topics, and the topics do not tell how far the others had been read. But it is never above the
watermark of the event's own partition, its `horizon` here. Where even the horizon is early enough, the event is certain
to count. The others give each row a lower and an upper bound; without any, both are the same number and the check is
exact. (A partition that Flink left out as idle has no part in that minimum: docs/verify.md.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adclick_cli import schema
from adclick_cli.events import reading
from adclick_cli.events.reading import Field, Kind, Schema
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify import declared, events

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MINI_BATCH_MS = 1_000
"""Flink passes watermarks on in steps of its mini-batch; a window may close so much later than the watermark allows."""

_PARSE = """
CREATE OR REPLACE TABLE {name} AS
WITH typed AS (
    SELECT
        * EXCLUDE (stamp, stamp_type),
        CASE
            WHEN stamp_type IN ('UBIGINT', 'BIGINT') THEN TRY_CAST(stamp AS BIGINT)
            WHEN stamp_type = 'DOUBLE' THEN TRY_CAST(trunc(TRY_CAST(stamp AS DOUBLE)) AS BIGINT)
            WHEN regexp_full_match(trim(stamp), '[+-]?[0-9]+') THEN TRY_CAST(trim(stamp) AS BIGINT)
        END AS ts
    FROM fields_{name}
), judged AS (
    SELECT *, COALESCE({required} AND ts > 0 AND ts <= arrived_ms + $max_ahead, FALSE) AS good FROM typed
)
SELECT
    -- The stamp of what is no event may be too large a number to be added to.
    * REPLACE (CASE WHEN good THEN ts END AS ts),
    good AND {identity} = $heartbeat AS beat,
    -- The watermark of its own partition when it is read: that of the pipeline is never later.
    COALESCE(max(ts) FILTER (good) OVER (
        PARTITION BY "partition" ORDER BY "offset", element ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) - $delay, -$never) AS horizon
FROM judged
"""

_AGAIN = """
CREATE OR REPLACE TABLE {name}_again AS
SELECT {identity} FROM {name} WHERE good GROUP BY ALL HAVING count(*) > 1
"""

# Nearly every id is there once: only the others are put in order, and counted as distinct ones.
_SEEN = """
CREATE OR REPLACE TABLE {name}_seen AS
WITH judged AS (
    SELECT *, good AND horizon < ts AS timely, TRUE AS sure, FALSE AS surely_preceded FROM {name}
)
SELECT *, TRUE AS alone, 1 AS copy, FALSE AS other FROM judged ANTI JOIN {name}_again USING ({identity})
UNION ALL
SELECT
    *,
    FALSE AS alone,
    row_number() OVER same AS copy,
    first_value({content}) OVER same IS DISTINCT FROM {content} AS other
FROM judged SEMI JOIN {name}_again USING ({identity})
WINDOW same AS (PARTITION BY {identity}, good ORDER BY {order}"partition", "offset", element)
"""

# Of the same id within the time, the earliest counts, then the smallest content. The function judges when it closes a
# window, by what it holds then. It holds what was not late, and forgets nothing that a window still needs. So an event
# is there if it came before the watermark reached its own time; it may be there if it came later.
_PRECEDED = """
CREATE OR REPLACE TABLE {name}_seen AS
SELECT * REPLACE (
    good AND min({rank}) OVER near >= {rank} AS sure,
    good AND COALESCE(min({rank}) FILTER (timely) OVER near < {rank}, FALSE) AS surely_preceded
)
FROM {name}_seen
WINDOW near AS (PARTITION BY {identity}, good ORDER BY ts RANGE BETWEEN $unique PRECEDING AND CURRENT ROW)
"""

# Every message, the others than impressions too: whoever classifies messages needs no join.
_PLACED = """
CREATE OR REPLACE VIEW placed AS
SELECT
    *,
    good AND NOT beat AND NOT surely_preceded AS shown,
    ts - ts % {window} AS window_start,
    ts - ts % {window} + {window} AS window_end,
    sure AND horizon < ts - ts % {window} + {window} - 1 + {held} AS certain
FROM impressions_seen
"""

_IMPRESSIONS = "CREATE OR REPLACE VIEW windowed AS SELECT * FROM placed WHERE shown"

_MATCHES = """
CREATE OR REPLACE TABLE matches AS
SELECT
    i.window_start, i.window_end, {dimensions}, c.click_id,
    i.certain AND c.sure AND {in_time} AS certain,
    greatest(i.horizon, c.horizon) AS latest, i.ts AS shown_ts,
    {key} AS key, c.ts AS click_ts, c."partition", c."offset", c.element
FROM windowed AS i
JOIN clicks_seen AS c ON c.impression_id = i.impression_id
WHERE c.good AND NOT c.surely_preceded AND c.ts - i.ts BETWEEN -$skew AND $attribution
"""
# The function keeps a click for as long as one of its impressions may come. It counts one that comes before the
# watermark is $attribution past the impression, whichever of the two is read first (AttributionRules.counts).
_IN_TIME = "c.horizon <= i.ts + $attribution"
# The interval join keeps a click until the watermark is $back past it, an impression until it is $attribution past it.
# Whichever is read first, the watermark is then at most the lower of both horizons, and later at most the other's own.
_IN_TIME_PORTABLE = """
    i.horizon <= c.ts + $back AND least(i.horizon, c.horizon) < c.ts + $back
    AND c.horizon <= i.ts + $attribution AND least(i.horizon, c.horizon) < i.ts + $attribution
"""

# Clicks of one key in the order of time, then id: a duplicate follows another one too closely. One that may not have
# been there makes the next one neither sure to count nor sure not to. The function looks when it closes a window, twice
# $back after its end: what came before the watermark was $back past the click is there.
_FRESH = """
CREATE OR REPLACE TABLE fresh AS
WITH clicked AS (
    SELECT key, click_ts, click_id, bool_or(certain AND latest < click_ts + $back) AS timely
    FROM matches GROUP BY ALL
)
SELECT
    key, click_ts, click_id,
    COALESCE(click_ts - max(click_ts) OVER before > $dedup, TRUE) AS surely_fresh,
    COALESCE(click_ts - max(click_ts) FILTER (timely) OVER before > $dedup, TRUE) AS fresh
FROM clicked
WINDOW before AS (
    PARTITION BY key ORDER BY click_ts, click_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
)
"""

_COUNTS = """
CREATE OR REPLACE TABLE counts AS
WITH alone AS (
    SELECT
        window_start, window_end, {dimensions},
        count(*) FILTER (certain) AS low, count(*) AS high{sums_alone}
    FROM windowed WHERE alone
    GROUP BY ALL
), each AS (
    SELECT window_start, window_end, {dimensions}, impression_id, bool_or(certain) AS certain{values_again}
    FROM windowed WHERE NOT alone
    GROUP BY ALL
), again AS (
    SELECT
        window_start, window_end, {dimensions},
        count(*) FILTER (certain) AS low, count(*) AS high{sums_again}
    FROM each
    GROUP BY ALL
), shown AS (
    SELECT
        window_start, window_end, {dimensions},
        sum(low)::BIGINT AS impressions_low, sum(high)::BIGINT AS impressions_high{sums_shown}
    FROM (FROM alone UNION ALL FROM again)
    GROUP BY ALL
), clicked AS (
    SELECT
        window_start, window_end, {dimensions},
        count(DISTINCT click_id) FILTER (certain AND surely_fresh) AS clicks_low,
        count(DISTINCT click_id) FILTER (fresh) AS clicks_high,
        count(DISTINCT click_id) FILTER (certain) AS gross_low,
        count(DISTINCT click_id) AS gross_high
    FROM matches JOIN fresh USING (key, click_ts, click_id)
    GROUP BY window_start, window_end, {dimensions}
)
SELECT
    shown.*,
    COALESCE(clicks_low, 0) AS clicks_low,
    COALESCE(clicks_high, 0) AS clicks_high,
    COALESCE(gross_low, 0) AS gross_low,
    COALESCE(gross_high, 0) AS gross_high
FROM shown LEFT JOIN clicked USING (window_start, window_end, {dimensions})
"""

_EXPECTED = """
CREATE OR REPLACE TABLE expected_{name} AS
SELECT
    window_start, window_end, {key} AS key,
    sum(impressions_low)::BIGINT AS impressions_low,
    sum(impressions_high)::BIGINT AS impressions_high,
    sum(clicks_low)::BIGINT AS clicks_low,
    sum(clicks_high)::BIGINT AS clicks_high,
    sum(gross_low)::BIGINT AS gross_low,
    sum(gross_high)::BIGINT AS gross_high,
    sum(impressions_low) > 0 AND window_end - 1 + $held <= $bound AS must
FROM counts
GROUP BY window_start, window_end, {key}
"""

_DEAD_LETTERS = """
SELECT $topic_{name} AS source_topic, b."partition", b."offset", b.element, b.arrived_ms,
    COALESCE(b.raw, w.value) AS bytes
FROM {name} AS b JOIN raw_{name} AS w ON w."partition" = b."partition" AND w."offset" = b."offset"
WHERE NOT b.good
"""

_BOUND = """
SELECT CASE WHEN count(*) >= $partitions THEN min(newest) - $delay - 1 - $mini_batch END FROM (
    SELECT 'i', "partition", max(ts) AS newest FROM impressions WHERE good GROUP BY ALL
    UNION ALL
    SELECT 'c', "partition", max(ts) FROM clicks WHERE good GROUP BY ALL
)
"""

_IS_TEXT = f"({{0}} <> '' AND {{0}}[1] NOT IN ('{{{{', '[') AND length({{0}}) <= {schema.LONGEST_TEXT})"
EVENTS = ("impressions", "clicks")
_KEYS = {
    "impression": "row(c.impression_id, '', '')",
    "user+ad": "row(COALESCE(i.user_id, ''), COALESCE(i.ad_id, ''),"
    " CASE WHEN i.user_id <> '' AND i.ad_id <> '' THEN '' ELSE c.click_id END)",
}
"""What clicks that may be duplicates have in common; one without a user or an ad has nothing in common with others."""
NEVER = 2**62


def connect(threads: int | None = None) -> DuckDBPyConnection:
    """A database in memory that works in so many threads; None means one for each core."""
    import duckdb

    # Nothing is fetched from anywhere, whatever a query asks for.
    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    return duckdb.connect(":memory:", config=config if threads is None else config | {"threads": threads})


def columns(name: str, pipeline: Pipeline) -> tuple[Schema, bool]:
    """What `events.take_apart` takes: what an event of impressions or clicks is, and whose format reads it."""
    return reading.declared(pipeline.catalog.source(name), pipeline.event_columns(name)), not pipeline.portable


def _judged(one: Field, own_format: bool) -> str:
    """Whether a column has what an event needs; only texts are not judged before."""
    is_text = _IS_TEXT.format(f'"{one.name}"')
    if one.kind is Kind.TEXT and one.required:
        return is_text
    if one.kind is Kind.TEXT and own_format:
        return f"(COALESCE(\"{one.name}\", '') = '' OR {is_text})"
    return "TRUE"


def compute(
    db: DuckDBPyConnection,
    impressions: pa.Table,
    clicks: pa.Table,
    pipeline: Pipeline,
    partitions: int = 0,
    fields: Mapping[str, pa.Table] | None = None,
) -> int | None:
    """Fill `expected_ctr`, `expected_engagement` and the tables that the ledger is made from.

    Args:
        db: where the tables are made.
        impressions, clicks: raw messages as `raw.TopicTable` gives them.
        pipeline: the parameters.
        partitions: how many the two topics have together; 0 where it is not known.
        fields: of impressions and clicks, as `events.take_apart` gives them; None takes the messages apart here.

    Returns:
        The watermark up to which every window must be final (ms since the epoch), or None: there is none before every
        partition has held an event.
    """
    values: dict[str, Any] = {
        "window": pipeline.window.ms,
        "attribution": pipeline.attribution.ms,
        "skew": pipeline.clock_skew.ms,
        "dedup": pipeline.dedup_window.ms,
        "unique": pipeline.unique_ids.ms,
        "held": pipeline.held_ms,
        "back": pipeline.reach_back.ms + 1,
        "never": NEVER,
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
        looks, own_format = columns(name, pipeline)
        wanted = looks.fields[:-1]
        identity = wanted[0].name
        taken = fields[name] if fields else events.take_apart(db, messages, looks, own_format)
        db.register(f"raw_{name}", messages)
        db.register(f"fields_{name}", taken)
        required = " AND ".join(_judged(one, own_format) for one in wanted)
        run(_PARSE.format(name=name, identity=identity, required=required))
        db.unregister(f"fields_{name}")
        content = "row(" + ", ".join((*(f'"{one.name}"' for one in wanted), "ts")) + ")"
        # What is only summed up puts contents in no order.
        of_impressions = dict.fromkeys((*pipeline.catalog.dimensions, *pipeline.dedup_columns))
        ranked = tuple(of_impressions) if name == "impressions" else ("impression_id",)
        rank = ", ".join(("ts", *(f"length(COALESCE(\"{one}\", '')), COALESCE(\"{one}\", '')" for one in ranked)))
        unique = pipeline.unique_ids.ms > 0
        run(_AGAIN.format(name=name, identity=identity))
        run(_SEEN.format(name=name, identity=identity, content=content, order=f"{rank}, " if unique else ""))
        if unique:
            run(_PRECEDED.format(name=name, identity=identity, rank=f"row({rank})"))
    letters = " UNION ALL ".join(_DEAD_LETTERS.format(name=name) for name in EVENTS)
    run(f"CREATE OR REPLACE TABLE expected_dead_letters AS {letters}")
    # A view takes no parameters; these are whole numbers.
    db.execute(_PLACED.format(window=pipeline.window.ms, held=pipeline.held_ms))
    db.execute(_IMPRESSIONS)
    key = _KEYS[pipeline.dedup_key] if pipeline.dedups else "row(c.click_id, '', '')"
    in_time = _IN_TIME_PORTABLE if pipeline.portable else _IN_TIME
    run(_MATCHES.format(key=key, in_time=in_time, dimensions=declared.dimensions(pipeline.catalog, "i.")))
    run(_FRESH)
    run(_COUNTS.format(dimensions=declared.dimensions(pipeline.catalog), **declared.sums(pipeline.catalog)))
    found = run(_BOUND).fetchone()
    watermark = found[0] if found else None
    bound = NEVER if pipeline.bounded else watermark if watermark is not None else -NEVER
    for name, key in (("ctr", "campaign_id"), ("engagement", "device_type")):
        run(_EXPECTED.format(name=name, key=key), bound=bound)
    for sql in declared.expected(pipeline.catalog):
        run(sql, bound=bound)
    return watermark
