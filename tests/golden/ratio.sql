-- Settings of both jobs.

-- Window bounds are written in UTC whatever the host's time zone is.
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'table.generated-code.max-length' = '64000';
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '20000';
SET 'table.exec.state.ttl' = '4260000 ms';

-- Flink shows it with each job; by it adclick knows its own.
SET 'pipeline.global-job-parameters' = 'adclick.submission:97408e8a4249242e';

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
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'adclick-events',
    'scan.watermark.alignment.group' = 'adclick',
    'scan.watermark.alignment.max-drift' = '2 min',
    'scan.watermark.alignment.update-interval' = '200 ms',
    'scan.watermark.idle-timeout' = '300000 ms'
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
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'adclick-events',
    'scan.watermark.alignment.group' = 'adclick',
    'scan.watermark.alignment.max-drift' = '2 min',
    'scan.watermark.alignment.update-interval' = '200 ms',
    'scan.watermark.idle-timeout' = '300000 ms'
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
    window_size => '60000 ms',
    attribution => '600000 ms',
    dimensions => 'campaign_id, device_type',
    live => TRUE,
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

-- Stage: live sinks. The newest state of each window, by key; a later row replaces an earlier one.

CREATE TEMPORARY TABLE ctr_live (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `ctr` DOUBLE,
    PRIMARY KEY (window_start, window_end, campaign_id) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'ctr_live',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE engagement_live (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `device_type` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    PRIMARY KEY (window_start, window_end, device_type) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'engagement_live',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

-- Stage: live counts. What was added to each window since its last row, before the window closes.

CREATE TEMPORARY VIEW live_counts AS
SELECT
    counted_start AS window_start,
    counted_end AS window_end,
    campaign_id,
    device_type,
    impressions AS impression_count,
    clicks AS click_count
FROM attributed
WHERE kind = 'live';

-- Stage: aggregation. Tumbling windows of 1m on the impressions' event time.
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

    -- The live lane: for people who watch. A row is replaced by each newer one of its key.
    INSERT INTO ctr_live (window_start, window_end, campaign_id, impression_count, click_count, ctr)
    SELECT
        window_start,
        window_end,
        campaign_id,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count,
        CAST(SUM(click_count) AS DOUBLE) / NULLIF(SUM(impression_count), 0) AS ctr
    FROM live_counts
    GROUP BY window_start, window_end, campaign_id;

    INSERT INTO engagement_live (window_start, window_end, device_type, impression_count, click_count)
    SELECT
        window_start,
        window_end,
        device_type,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count
    FROM live_counts
    GROUP BY window_start, window_end, device_type;

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

-- Stage: anomaly. Each final window's CTR against that of the window just before it.
--
-- An interval join, not LAG: LAG finds the previous row, which after an empty window is not the previous window,
-- and it would wait for the watermark; the join answers as soon as both rows are there.
-- The watermark only clears the join's state, so its delay costs nothing but memory.

CREATE TEMPORARY TABLE ctr_windows (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `ctr` DOUBLE,
    WATERMARK FOR window_end AS window_end - INTERVAL '61' MINUTE
) WITH (
    'connector' = 'kafka',
    'topic' = 'ctr_results',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ctr_results',
    'properties.isolation.level' = 'read_committed',
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'scan.watermark.idle-timeout' = '300000 ms'
);

CREATE TEMPORARY VIEW ctr_changes AS
SELECT
    this_window.window_start,
    CAST(this_window.window_end AS TIMESTAMP_LTZ(3)) AS window_end,
    this_window.campaign_id,
    this_window.ctr AS current_ctr,
    last_window.ctr AS previous_ctr,
    this_window.impression_count AS current_impressions,
    this_window.click_count AS current_clicks,
    last_window.impression_count AS previous_impressions,
    last_window.click_count AS previous_clicks,
    CAST(this_window.click_count + last_window.click_count AS DOUBLE)
    / (this_window.impression_count + last_window.impression_count) AS pooled_ctr
FROM ctr_windows AS this_window
INNER JOIN ctr_windows AS last_window
    ON
        this_window.campaign_id = last_window.campaign_id
        AND this_window.window_end BETWEEN
        last_window.window_end + INTERVAL '1' MINUTE
        AND last_window.window_end + INTERVAL '1' MINUTE;

-- z of two proportions with pooled variance; NULL where the variance is not above 0.
CREATE TEMPORARY VIEW ctr_scores AS
SELECT
    window_start,
    window_end,
    campaign_id,
    current_ctr,
    previous_ctr,
    current_impressions,
    current_clicks,
    previous_impressions,
    previous_clicks,
    (current_ctr - previous_ctr) / SQRT(
        NULLIF(GREATEST(pooled_ctr * (1 - pooled_ctr), 0E0), 0E0)
        * (1E0 / current_impressions + 1E0 / previous_impressions)
    ) AS z_score,
    CASE
        WHEN current_ctr > 2.0E0 * previous_ctr THEN 'SPIKE'
        WHEN current_ctr < 0.5E0 * previous_ctr THEN 'DROP'
    END AS alert_type
FROM ctr_changes;

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
        'ratio' AS rule
    FROM ctr_scores
    WHERE
        alert_type IS NOT NULL
        AND current_impressions >= 0
        AND previous_impressions >= 0
        AND COALESCE(ABS(z_score), 0.0E0) >= 0.0E0;

END;
