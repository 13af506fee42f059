-- Ticks: live rows are out within a second or two of the clock, even when no event and no watermark comes any more. With 512
-- a second, one of 128 buckets waits longer than a second in 2 of 100 cases, longer than two in 3 of 10,000.
-- Their time is far ahead, so that they hold no watermark back.
CREATE TEMPORARY TABLE clock (
    bucket INT,
    far_ahead BIGINT,
    due_time AS TO_TIMESTAMP_LTZ(far_ahead, 3),
    WATERMARK FOR due_time AS due_time
) WITH (
    'connector' = 'datagen',
    'rows-per-second' = '512',
    'fields.bucket.min' = '0',
    'fields.bucket.max' = '127',
    'fields.far_ahead.min' = '253370764800000',
    'fields.far_ahead.max' = '253370764801000'
);

CREATE TEMPORARY VIEW ticking_events AS
SELECT * FROM events
UNION ALL
SELECT
    bucket,
    CAST(NULL AS STRING) AS impression_id,
    CAST(NULL AS STRING) AS click_id,
    CAST(NULL AS TIMESTAMP_LTZ(3)) AS event_timestamp,
    CAST(NULL AS ARRAY<STRING>) AS dimensions,
    CAST(NULL AS ARRAY<BIGINT>) AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    due_time
FROM clock;
