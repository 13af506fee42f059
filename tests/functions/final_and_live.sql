-- Final and live rows of both results, by the function `attribution`. A test runs this on files.

-- `due_time` is a year later than the event, and its watermark a year and the delay earlier. So the watermark is that of the
-- events, and no row is behind it before the function has seen it (Flink 2.2 drops such rows in silence).
CREATE TEMPORARY TABLE impression_events (
    impression_id STRING,
    campaign_id STRING,
    device_type STRING,
    cost DECIMAL(18, 6),
    event_timestamp BIGINT,
    due_time AS TO_TIMESTAMP_LTZ(event_timestamp + 31536000000, 3),
    WATERMARK FOR due_time AS due_time - INTERVAL '365' DAY(3) - INTERVAL '5' SECOND
) WITH (
    'connector' = 'filesystem',
    'path' = '{folder}/impressions',
    'format' = 'json'
);

CREATE TEMPORARY TABLE click_events (
    click_id STRING,
    impression_id STRING,
    event_timestamp BIGINT,
    due_time AS TO_TIMESTAMP_LTZ(event_timestamp + 31536000000, 3),
    WATERMARK FOR due_time AS due_time - INTERVAL '365' DAY(3) - INTERVAL '5' SECOND
) WITH (
    'connector' = 'filesystem',
    'path' = '{folder}/clicks',
    'format' = 'json'
);

-- 128 buckets: as many as Flink has key groups unless it is told otherwise. A decimal is summed in units of its last digit.
CREATE TEMPORARY VIEW events AS
SELECT
    ABS(MOD(HASH_CODE(impression_id), 128)) AS bucket,
    impression_id,
    CAST(NULL AS STRING) AS click_id,
    TO_TIMESTAMP_LTZ(event_timestamp, 3) AS event_timestamp,
    ARRAY[campaign_id, device_type] AS dimensions,
    ARRAY[CAST(cost * 1000000 AS BIGINT)] AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    due_time
FROM impression_events
UNION ALL
SELECT
    ABS(MOD(HASH_CODE(impression_id), 128)) AS bucket,
    impression_id,
    click_id,
    TO_TIMESTAMP_LTZ(event_timestamp, 3) AS event_timestamp,
    CAST(NULL AS ARRAY<STRING>) AS dimensions,
    CAST(NULL AS ARRAY<BIGINT>) AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    due_time
FROM click_events;

CREATE TEMPORARY VIEW attributed AS
SELECT
    kind,
    window_start,
    window_end,
    dimensions[1] AS campaign_id,
    dimensions[2] AS device_type,
    impressions,
    clicks,
    valid_click,
    sums[1] AS cost,
    event_id,
    rowtime AS closed_at
FROM attribution(
    events => TABLE events PARTITION BY bucket,
    window_size => '1 min',
    attribution => '10 min',
    dimensions => 'campaign_id, device_type',
    sums => 'cost',
    live => TRUE,
    on_time => DESCRIPTOR(due_time),
    uid => 'attribution'
);

-- All parts of a closed window have one time, that of its closing: a tumbling window of a millisecond takes them together,
-- and no later than that.
CREATE TEMPORARY VIEW closed_parts AS
SELECT
    window_start AS counted_start,
    window_end AS counted_end,
    campaign_id,
    device_type,
    impressions,
    valid_click,
    cost,
    closed_at
FROM attributed
WHERE kind = 'final';

CREATE TEMPORARY VIEW window_counts AS
SELECT
    window_start,
    window_end,
    window_time,
    counted_start,
    counted_end,
    campaign_id,
    device_type,
    SUM(impressions) AS impression_count,
    COUNT(DISTINCT valid_click) AS click_count,
    SUM(cost) * 0.000001 AS cost
FROM TABLE(TUMBLE(TABLE closed_parts, DESCRIPTOR(closed_at), INTERVAL '0.001' SECOND))
GROUP BY window_start, window_end, window_time, counted_start, counted_end, campaign_id, device_type;

CREATE TEMPORARY VIEW live_parts AS
SELECT
    window_start,
    window_end,
    campaign_id,
    device_type,
    impressions,
    clicks
FROM attributed
WHERE kind = 'live';

CREATE TEMPORARY TABLE ctr_results (
    window_start TIMESTAMP_LTZ(3),
    window_end TIMESTAMP_LTZ(3),
    campaign_id STRING,
    impression_count BIGINT,
    click_count BIGINT,
    ctr DOUBLE,
    cost DECIMAL(38, 6)
) WITH ('connector' = 'filesystem', 'path' = '{folder}/ctr', 'format' = 'json');

CREATE TEMPORARY TABLE engagement_results (
    window_start TIMESTAMP_LTZ(3),
    window_end TIMESTAMP_LTZ(3),
    device_type STRING,
    impression_count BIGINT,
    click_count BIGINT
) WITH ('connector' = 'filesystem', 'path' = '{folder}/engagement', 'format' = 'json');

CREATE TEMPORARY TABLE late_events (
    event_id STRING,
    window_start TIMESTAMP_LTZ(3),
    impressions BIGINT,
    clicks BIGINT
) WITH ('connector' = 'filesystem', 'path' = '{folder}/late', 'format' = 'json');

CREATE TEMPORARY TABLE ctr_live (
    window_start TIMESTAMP_LTZ(3),
    window_end TIMESTAMP_LTZ(3),
    campaign_id STRING,
    impression_count BIGINT,
    click_count BIGINT,
    ctr DOUBLE,
    PRIMARY KEY (window_start, window_end, campaign_id) NOT ENFORCED
) WITH ('connector' = '{live}');

CREATE TEMPORARY TABLE engagement_live (
    window_start TIMESTAMP_LTZ(3),
    window_end TIMESTAMP_LTZ(3),
    device_type STRING,
    impression_count BIGINT,
    click_count BIGINT,
    PRIMARY KEY (window_start, window_end, device_type) NOT ENFORCED
) WITH ('connector' = '{live}');

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO ctr_results (window_start, window_end, campaign_id, impression_count, click_count, ctr, cost)
    SELECT
        counted_start,
        counted_end,
        campaign_id,
        SUM(impression_count),
        SUM(click_count),
        CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count),
        SUM(cost)
    FROM window_counts
    GROUP BY window_start, window_end, counted_start, counted_end, campaign_id;

    INSERT INTO engagement_results (window_start, window_end, device_type, impression_count, click_count)
    SELECT
        counted_start,
        counted_end,
        device_type,
        SUM(impression_count),
        SUM(click_count)
    FROM window_counts
    GROUP BY window_start, window_end, counted_start, counted_end, device_type;

    INSERT INTO ctr_live (window_start, window_end, campaign_id, impression_count, click_count, ctr)
    SELECT
        window_start,
        window_end,
        campaign_id,
        SUM(impressions),
        SUM(clicks),
        CAST(SUM(clicks) AS DOUBLE) / NULLIF(SUM(impressions), 0)
    FROM live_parts
    GROUP BY window_start, window_end, campaign_id;

    INSERT INTO engagement_live (window_start, window_end, device_type, impression_count, click_count)
    SELECT
        window_start,
        window_end,
        device_type,
        SUM(impressions),
        SUM(clicks)
    FROM live_parts
    GROUP BY window_start, window_end, device_type;

    INSERT INTO late_events (event_id, window_start, impressions, clicks)
    SELECT event_id, window_start, impressions, clicks
    FROM attributed
    WHERE kind = 'late';

END;
