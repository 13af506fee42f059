-- Ticks: live rows are out within a second of the clock, even when no event and no watermark comes any more.
-- Their time is far ahead, so that they hold no watermark back.
CREATE TEMPORARY TABLE clock (
    number BIGINT,
    due_time AS TO_TIMESTAMP_LTZ(253370764800000, 3),
    WATERMARK FOR due_time AS due_time
) WITH (
    'connector' = 'datagen',
    'rows-per-second' = '1'
);

CREATE TEMPORARY VIEW ticks AS
SELECT
    each.bucket,
    CAST(NULL AS STRING) AS impression_id,
    CAST(NULL AS STRING) AS click_id,
    CAST(NULL AS BIGINT) AS event_timestamp,
    CAST(NULL AS ARRAY<STRING>) AS dimensions,
    CAST(NULL AS ARRAY<BIGINT>) AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    clock.due_time
FROM clock
CROSS JOIN UNNEST(ARRAY[{buckets}]) AS each (bucket);

CREATE TEMPORARY VIEW ticking_events AS
SELECT * FROM events
UNION ALL
SELECT * FROM ticks;
