-- Settings of both jobs.

-- Window bounds are written in UTC whatever the host's time zone is.
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'table.generated-code.max-length' = '64000';
SET 'table.dml-sync' = 'true';

-- Flink shows it with each job; by it adclick knows its own.
SET 'pipeline.global-job-parameters' = 'adclick.submission:3365374879072fc1';

-- Stage: sources. Two topics of JSON events, read once from the beginning by adclick's own format (docs/events.md).
--
-- A message gives its events, or says in `reason` why it is none. What is no event has event time 0 and moves no
-- watermark. A heartbeat is an event with a reserved id: it moves its partition's watermark and counts nowhere.
-- `due_time` is a year past the event, and its watermark a year and the delay before that: so the watermark is that of the
-- events, and no row is behind it before the function has seen it (Flink drops such rows in silence).

CREATE TEMPORARY TABLE impression_events (
    impression_id STRING,
    campaign_id STRING,
    device_type STRING,
    event_timestamp TIMESTAMP_LTZ(3),
    source_topic STRING METADATA FROM 'topic' VIRTUAL,
    source_partition BIGINT METADATA FROM 'partition' VIRTUAL,
    source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    source_record INT METADATA FROM 'value.record' VIRTUAL,
    reason STRING METADATA FROM 'value.reason' VIRTUAL,
    line BYTES METADATA FROM 'value.raw' VIRTUAL,
    is_event AS reason IS NULL AND event_timestamp <= arrived_at + INTERVAL '1' HOUR,
    due_time AS CASE
        WHEN event_timestamp <= arrived_at + INTERVAL '1' HOUR THEN event_timestamp
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END + INTERVAL '365' DAY (3),
    WATERMARK FOR due_time AS due_time - INTERVAL '365' DAY (3) - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-impressions',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ad-impressions',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'adclick-events'
);

CREATE TEMPORARY TABLE click_events (
    click_id STRING,
    impression_id STRING,
    event_timestamp TIMESTAMP_LTZ(3),
    source_topic STRING METADATA FROM 'topic' VIRTUAL,
    source_partition BIGINT METADATA FROM 'partition' VIRTUAL,
    source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    source_record INT METADATA FROM 'value.record' VIRTUAL,
    reason STRING METADATA FROM 'value.reason' VIRTUAL,
    line BYTES METADATA FROM 'value.raw' VIRTUAL,
    is_event AS reason IS NULL AND event_timestamp <= arrived_at + INTERVAL '1' HOUR,
    due_time AS CASE
        WHEN event_timestamp <= arrived_at + INTERVAL '1' HOUR THEN event_timestamp
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END + INTERVAL '365' DAY (3),
    WATERMARK FOR due_time AS due_time - INTERVAL '365' DAY (3) - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-clicks',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ad-clicks',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'adclick-events'
);

-- Stage: attribution. A click belongs to its impression from 0s before it to 10m after it, both
-- ends included.
--
-- The function keeps impressions and clicks in slices of one or more windows, and answers twice: `live` rows while a window
-- is open, at most one a second for each bucket, and `final` rows when no event of the window can come any more.
-- Ids fall into as many buckets as Flink has key groups.

CREATE TEMPORARY VIEW events AS
SELECT
    ABS(MOD(HASH_CODE(impression_id), 128)) AS bucket,
    impression_id,
    CAST(NULL AS STRING) AS click_id,
    event_timestamp,
    ARRAY[campaign_id, device_type] AS dimensions,
    CAST(NULL AS ARRAY<BIGINT>) AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    due_time
FROM impression_events
WHERE is_event AND impression_id <> 'adclick-heartbeat'
UNION ALL
SELECT
    ABS(MOD(HASH_CODE(impression_id), 128)) AS bucket,
    impression_id,
    click_id,
    event_timestamp,
    CAST(NULL AS ARRAY<STRING>) AS dimensions,
    CAST(NULL AS ARRAY<BIGINT>) AS sums,
    CAST(NULL AS ARRAY<STRING>) AS dedup_key,
    due_time
FROM click_events
WHERE is_event AND click_id <> 'adclick-heartbeat';

CREATE TEMPORARY FUNCTION `attribution` AS 'adclick.Attribution';

CREATE TEMPORARY VIEW attributed AS
SELECT
    kind,
    window_start AS counted_start,
    window_end AS counted_end,
    dimensions[1] AS campaign_id,
    dimensions[2] AS device_type,
    impressions,
    clicks,
    click,
    valid_click,
    rowtime AS closed_at
FROM attribution(
    events => TABLE events PARTITION BY bucket,
    window_size => '3600000 ms',
    attribution => '600000 ms',
    dimensions => 'campaign_id, device_type',
    on_time => DESCRIPTOR(due_time),
    uid => 'attribution'
);

-- Stage: sinks. Final rows are append-only and exactly-once: read them with isolation.level=read_committed.

CREATE TEMPORARY TABLE ctr_results (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `ctr` DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'ctr_results',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'raw',
    'key.fields' = 'campaign_id',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'adclick-ctr_results',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TEMPORARY TABLE engagement_results (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `device_type` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT
) WITH (
    'connector' = 'kafka',
    'topic' = 'engagement_results',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'raw',
    'key.fields' = 'device_type',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'adclick-engagement_results',
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TEMPORARY TABLE anomaly_alerts (
    `alert_time` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `current_ctr` DOUBLE,
    `previous_ctr` DOUBLE,
    `alert_type` STRING,
    `window_start` TIMESTAMP_LTZ(3),
    `current_impressions` BIGINT,
    `current_clicks` BIGINT,
    `previous_impressions` BIGINT,
    `previous_clicks` BIGINT,
    `z_score` DOUBLE,
    `rule` STRING
) WITH (
    'connector' = 'kafka',
    'topic' = 'anomaly_alerts',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'raw',
    'key.fields' = 'campaign_id',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'adclick-anomaly_alerts',
    'properties.transaction.timeout.ms' = '900000'
);

-- Stage: dead letters. Each record that is no event, with its place, its bytes and the reason.

CREATE TEMPORARY TABLE dead_letters (
    `source_topic` STRING,
    `source_partition` BIGINT,
    `source_offset` BIGINT,
    `source_record` BIGINT,
    `arrived_at` TIMESTAMP_LTZ(3),
    `reason` STRING,
    `line` BYTES
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-dead-letters',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'raw',
    'key.fields' = 'source_topic',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'adclick-ad-dead-letters',
    'properties.transaction.timeout.ms' = '900000',
    'properties.max.request.size' = '8388608'
);

CREATE TEMPORARY VIEW dead_events AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    CAST(source_record AS BIGINT) AS source_record,
    arrived_at,
    COALESCE(reason, 'event_timestamp is more than 1h past its arrival') AS reason,
    CASE WHEN CHAR_LENGTH(DECODE(line, 'UTF-8')) <= 1048576 THEN line END AS line
FROM impression_events
WHERE NOT is_event
UNION ALL
SELECT
    source_topic,
    source_partition,
    source_offset,
    CAST(source_record AS BIGINT) AS source_record,
    arrived_at,
    COALESCE(reason, 'event_timestamp is more than 1h past its arrival') AS reason,
    CASE WHEN CHAR_LENGTH(DECODE(line, 'UTF-8')) <= 1048576 THEN line END AS line
FROM click_events
WHERE NOT is_event;

-- Stage: aggregation. Tumbling windows of 1h on the impressions' event time.
--
-- The parts of a closed window have one time, that of its closing: a window of a millisecond takes them together.

CREATE TEMPORARY VIEW final_parts AS
SELECT *
FROM attributed
WHERE kind = 'final';

CREATE TEMPORARY VIEW window_counts AS
SELECT
    window_start,
    window_end,
    counted_start,
    counted_end,
    campaign_id,
    device_type,
    SUM(impressions) AS impression_count,
    COUNT(DISTINCT valid_click) AS click_count
FROM TABLE(TUMBLE(TABLE final_parts, DESCRIPTOR(closed_at), INTERVAL '0.001' SECOND))
GROUP BY window_start, window_end, counted_start, counted_end, campaign_id, device_type;

SET 'pipeline.name' = 'adclick ctr';

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO ctr_results (window_start, window_end, campaign_id, impression_count, click_count, ctr)
    SELECT
        counted_start,
        counted_end,
        campaign_id,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count,
        CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
    FROM window_counts
    GROUP BY window_start, window_end, counted_start, counted_end, campaign_id;

    INSERT INTO engagement_results (window_start, window_end, device_type, impression_count, click_count)
    SELECT
        counted_start,
        counted_end,
        device_type,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count
    FROM window_counts
    GROUP BY window_start, window_end, counted_start, counted_end, device_type;

    -- What counts nowhere, and why.
    INSERT INTO dead_letters (source_topic, source_partition, source_offset, source_record, arrived_at, reason, line)
    SELECT
        source_topic,
        source_partition,
        source_offset,
        source_record,
        arrived_at,
        reason,
        line
    FROM dead_events;

END;

-- Stage: anomaly. Each final window's CTR against that of the windows just before it, pooled.
--
-- LAG in the order of reading, which is a campaign's order of windows: its rows share a partition and are written as
-- the watermark passes. So nothing waits for a watermark. After an empty window the row before is not the window
-- before: each row's own time says whether it counts.

-- A campaign that was silent for so long begins anew; four windows and the broker's usual retention are less.
SET 'table.exec.state.ttl' = '709200000 ms';

CREATE TEMPORARY TABLE ctr_windows (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `ctr` DOUBLE,
    read_at AS PROCTIME()
) WITH (
    'connector' = 'kafka',
    'topic' = 'ctr_results',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ctr_results',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY VIEW ctr_rows AS
SELECT
    window_start,
    window_end,
    campaign_id,
    ctr,
    impression_count,
    click_count,
    LAG(ctr) OVER earlier AS ctr_1,
    LAG(window_end, 1) OVER earlier AS end_1,
    LAG(impression_count, 1) OVER earlier AS impressions_1,
    LAG(click_count, 1) OVER earlier AS clicks_1,
    LAG(window_end, 2) OVER earlier AS end_2,
    LAG(impression_count, 2) OVER earlier AS impressions_2,
    LAG(click_count, 2) OVER earlier AS clicks_2,
    LAG(window_end, 3) OVER earlier AS end_3,
    LAG(impression_count, 3) OVER earlier AS impressions_3,
    LAG(click_count, 3) OVER earlier AS clicks_3,
    LAG(window_end, 4) OVER earlier AS end_4,
    LAG(impression_count, 4) OVER earlier AS impressions_4,
    LAG(click_count, 4) OVER earlier AS clicks_4
FROM ctr_windows
WINDOW earlier AS (PARTITION BY campaign_id ORDER BY read_at);

-- Of the windows before, those that are there.
CREATE TEMPORARY VIEW ctr_changes AS
SELECT
    window_start,
    window_end,
    campaign_id,
    ctr AS current_ctr,
    ctr_1 AS previous_ctr,
    impression_count AS current_impressions,
    click_count AS current_clicks,
    impressions_1 AS previous_impressions,
    clicks_1 AS previous_clicks,
    CASE WHEN end_2 = before_last THEN impressions_2 END AS second_impressions,
    CASE WHEN end_2 = before_last THEN clicks_2 END AS second_clicks,
    0
    + CASE WHEN end_1 > earliest THEN impressions_1 ELSE 0 END
    + CASE WHEN end_2 > earliest THEN impressions_2 ELSE 0 END
    + CASE WHEN end_3 > earliest THEN impressions_3 ELSE 0 END
    + CASE WHEN end_4 > earliest THEN impressions_4 ELSE 0 END AS baseline_impressions,
    0
    + CASE WHEN end_1 > earliest THEN clicks_1 ELSE 0 END
    + CASE WHEN end_2 > earliest THEN clicks_2 ELSE 0 END
    + CASE WHEN end_3 > earliest THEN clicks_3 ELSE 0 END
    + CASE WHEN end_4 > earliest THEN clicks_4 ELSE 0 END AS baseline_clicks
FROM (
    SELECT
        *,
        window_start - INTERVAL '1' HOUR AS before_last,
        window_start - INTERVAL '1' HOUR - INTERVAL '1' HOUR - INTERVAL '1' HOUR - INTERVAL '1' HOUR AS earliest
    FROM ctr_rows
) AS dated
WHERE end_1 = window_start;

-- Anscombe's angle: the variance of ASIN(SQRT((x + 3/8) / (n + 3/4))) is 1 / (4 n + 2) whatever the rate.
-- LEAST: an impression clicked twice makes more clicks than impressions.
CREATE TEMPORARY VIEW ctr_angles AS
SELECT
    *,
    ASIN(SQRT(LEAST((current_clicks + 0.375E0) / (current_impressions + 0.75E0), 1E0))) AS current_angle,
    ASIN(SQRT(LEAST((previous_clicks + 0.375E0) / (previous_impressions + 0.75E0), 1E0))) AS previous_angle,
    ASIN(SQRT(LEAST((second_clicks + 0.375E0) / (second_impressions + 0.75E0), 1E0))) AS second_angle,
    ASIN(SQRT(LEAST((baseline_clicks + 0.375E0) / (baseline_impressions + 0.75E0), 1E0))) AS baseline_angle
FROM ctr_changes;

CREATE TEMPORARY VIEW ctr_scores AS
SELECT
    window_start,
    CAST(window_end AS TIMESTAMP_LTZ(3)) AS window_end,
    campaign_id,
    current_ctr,
    previous_ctr,
    current_impressions,
    current_clicks,
    previous_impressions,
    previous_clicks,
    (current_angle - baseline_angle)
    / SQRT(1E0 / (4E0 * current_impressions + 2E0) + 1E0 / (4E0 * baseline_impressions + 2E0)) AS z_score,
    (current_angle - previous_angle)
    / SQRT(1E0 / (4E0 * current_impressions + 2E0) + 1E0 / (4E0 * previous_impressions + 2E0)) AS previous_z,
    (current_angle - second_angle)
    / SQRT(1E0 / (4E0 * current_impressions + 2E0) + 1E0 / (4E0 * second_impressions + 2E0)) AS second_z,
    (previous_angle - second_angle)
    / SQRT(1E0 / (4E0 * previous_impressions + 2E0) + 1E0 / (4E0 * second_impressions + 2E0)) AS step_z,
    CASE WHEN current_ctr > previous_ctr THEN 1E0 ELSE -1E0 END AS direction,
    CASE
        WHEN current_ctr > 2.0E0 * previous_ctr THEN 'SPIKE'
        WHEN current_ctr < 0.5E0 * previous_ctr THEN 'DROP'
    END AS alert_type
FROM ctr_angles;

SET 'pipeline.name' = 'adclick anomaly';

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO anomaly_alerts (
        alert_time, campaign_id, current_ctr, previous_ctr, alert_type, window_start, current_impressions,
        current_clicks, previous_impressions, previous_clicks, z_score, rule
    )
    SELECT
        window_end AS alert_time,
        campaign_id,
        current_ctr,
        previous_ctr,
        alert_type,
        window_start,
        current_impressions,
        current_clicks,
        previous_impressions,
        previous_clicks,
        z_score,
        'baseline' AS rule
    FROM ctr_scores
    WHERE
        alert_type IS NOT NULL
        AND current_impressions >= 0
        AND previous_impressions >= 0
        AND direction * z_score >= 4.75E0
        AND (
            direction * previous_z >= 3.5E0
            -- Or the change began within the window before, which lies in between.
            OR (
                direction * previous_z >= 2.75E0
                AND direction * second_z >= 3.5E0
                AND direction * step_z < 3.5E0
            )
        );

END;
