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
SET 'pipeline.global-job-parameters' = 'adclick.submission:538596612666b789';

-- Stage: sources. Two topics of JSON events, read from the beginning.
--
-- Only the columns that a result needs are declared: the others are not even parsed.
-- A bad event (not JSON, a field missing, of the wrong type or empty, a time that cannot be) gets event time 0:
-- it moves no watermark, and the views below leave it out. An object or array where a text should be reads as its JSON.
-- A heartbeat is an event with a reserved id: it moves its partition's watermark, and the views leave it out, too.

CREATE TEMPORARY TABLE impression_events (
    impression_id STRING,
    campaign_id STRING,
    device_type STRING,
    event_timestamp BIGINT,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    event_time AS CASE
        WHEN
            impression_id <> ''
            AND impression_id NOT LIKE '{%'
            AND impression_id NOT LIKE '[%'
            AND CHAR_LENGTH(impression_id) <= 1024
            AND campaign_id <> ''
            AND campaign_id NOT LIKE '{%'
            AND campaign_id NOT LIKE '[%'
            AND CHAR_LENGTH(campaign_id) <= 1024
            AND device_type <> ''
            AND device_type NOT LIKE '{%'
            AND device_type NOT LIKE '[%'
            AND CHAR_LENGTH(device_type) <= 1024
            AND event_timestamp > 0
            AND TO_TIMESTAMP_LTZ(event_timestamp, 3) <= arrived_at + INTERVAL '1' HOUR
            THEN TO_TIMESTAMP_LTZ(event_timestamp, 3)
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-impressions',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ad-impressions',
    'properties.isolation.level' = 'read_committed',
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'value.json.ignore-parse-errors' = 'true',
    'value.json.decode.json-parser.enabled' = 'false',
    'scan.watermark.alignment.group' = 'adclick',
    'scan.watermark.alignment.max-drift' = '2 min',
    'scan.watermark.alignment.update-interval' = '200 ms',
    'scan.watermark.idle-timeout' = '300000 ms'
);

CREATE TEMPORARY TABLE click_events (
    click_id STRING,
    impression_id STRING,
    event_timestamp BIGINT,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    event_time AS CASE
        WHEN
            click_id <> ''
            AND click_id NOT LIKE '{%'
            AND click_id NOT LIKE '[%'
            AND CHAR_LENGTH(click_id) <= 1024
            AND impression_id <> ''
            AND impression_id NOT LIKE '{%'
            AND impression_id NOT LIKE '[%'
            AND CHAR_LENGTH(impression_id) <= 1024
            AND event_timestamp > 0
            AND TO_TIMESTAMP_LTZ(event_timestamp, 3) <= arrived_at + INTERVAL '1' HOUR
            THEN TO_TIMESTAMP_LTZ(event_timestamp, 3)
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-clicks',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ad-clicks',
    'properties.isolation.level' = 'read_committed',
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'value.json.ignore-parse-errors' = 'true',
    'value.json.decode.json-parser.enabled' = 'false',
    'scan.watermark.alignment.group' = 'adclick',
    'scan.watermark.alignment.max-drift' = '2 min',
    'scan.watermark.alignment.update-interval' = '200 ms',
    'scan.watermark.idle-timeout' = '300000 ms'
);

CREATE TEMPORARY VIEW impressions AS
SELECT
    impression_id,
    campaign_id,
    device_type,
    event_timestamp,
    event_time
FROM impression_events
WHERE
    event_time > TO_TIMESTAMP_LTZ(0, 3)
    AND impression_id <> 'adclick-heartbeat';

CREATE TEMPORARY VIEW clicks AS
SELECT
    click_id,
    impression_id,
    event_time
FROM click_events
WHERE
    event_time > TO_TIMESTAMP_LTZ(0, 3)
    AND click_id <> 'adclick-heartbeat';

-- Stage: join. Attribution: a click belongs to its impression from 0s before it to 10m after it, both
-- ends included.
--
-- One LEFT interval join, and nothing but its output goes into the windows: the join holds the watermark back by the
-- attribution time. (An INNER join beside the impressions in a UNION ALL is quicker, but after a pause in traffic the
-- union forgets the join's watermark for good and the windows close early: docs/decisions/0001.)
-- The join looks back a millisecond further than ahead, and a plain condition says what counts: it holds the watermark
-- back by its longer side, but gives an impression without a click a millisecond after the shorter one, when the window
-- may have closed (docs/decisions/0052).

CREATE TEMPORARY VIEW attributed AS
SELECT
    i.impression_id,
    c.click_id,
    i.campaign_id,
    i.device_type,
    i.event_time
FROM impressions AS i
LEFT JOIN clicks AS c
    ON
        i.impression_id = c.impression_id
        AND c.event_time BETWEEN i.event_time - INTERVAL '10' MINUTE - INTERVAL '0.001' SECOND
        AND i.event_time + INTERVAL '10' MINUTE
        AND c.event_time >= TO_TIMESTAMP_LTZ(i.event_timestamp, 3) - INTERVAL '0' SECOND;

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

-- Stage: live counts. The same counts before the window closes; each window's bounds are computed from the event time.
--
-- An impression counts when it comes, a click when it finds its impression: no watermark is waited for. An event that
-- its producer delivered twice counts twice here until its window is final: DISTINCT would cost more than all the rest
-- of the job (docs/decisions/0008).
-- COALESCE keeps the planner from making another, INNER join out of the one that the final windows use.

CREATE TEMPORARY VIEW live_events AS
SELECT
    impression_id,
    CAST(NULL AS STRING) AS click_id,
    campaign_id,
    device_type,
    event_time
FROM impressions
UNION ALL
SELECT
    CAST(NULL AS STRING) AS impression_id,
    click_id,
    campaign_id,
    device_type,
    event_time
FROM attributed
WHERE COALESCE(click_id, '') <> '';

CREATE TEMPORARY VIEW live_windows AS
SELECT
    EXTRACT(EPOCH FROM event_time) - MOD(EXTRACT(EPOCH FROM event_time), 60) AS window_second,
    campaign_id,
    device_type,
    impression_id,
    click_id
FROM live_events;

CREATE TEMPORARY VIEW live_counts AS
SELECT
    TO_TIMESTAMP_LTZ(window_second * 1000, 3) AS window_start,
    TO_TIMESTAMP_LTZ((window_second + 60) * 1000, 3) AS window_end,
    campaign_id,
    device_type,
    COUNT(impression_id) AS impression_count,
    COUNT(click_id) AS click_count
FROM live_windows
GROUP BY window_second, campaign_id, device_type;

-- Stage: aggregation. Tumbling windows of 1m on the impressions' event time.
--
-- Counted once by (campaign, device) and summed into both results.
-- DISTINCT: an event that its producer delivered twice counts once.

CREATE TEMPORARY VIEW window_counts AS
SELECT
    window_start,
    window_end,
    campaign_id,
    device_type,
    COUNT(DISTINCT impression_id) AS impression_count,
    COUNT(DISTINCT click_id) AS click_count
FROM TABLE(TUMBLE(TABLE attributed, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, campaign_id, device_type;

SET 'pipeline.name' = 'adclick ctr';

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO ctr_results (window_start, window_end, campaign_id, impression_count, click_count, ctr)
    SELECT
        window_start,
        window_end,
        campaign_id,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count,
        CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
    FROM window_counts
    GROUP BY window_start, window_end, campaign_id;

    INSERT INTO engagement_results (window_start, window_end, device_type, impression_count, click_count)
    SELECT
        window_start,
        window_end,
        device_type,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count
    FROM window_counts
    GROUP BY window_start, window_end, device_type;

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

END;

-- Stage: anomaly. Each final window's CTR against that of the windows just before it, pooled.
--
-- LAG in the order of reading, which is a campaign's order of windows: its rows share a partition and are written as
-- the watermark passes. So nothing waits for a watermark. After an empty window the row before is not the window
-- before: each row's own time says whether it counts.

-- A campaign that was silent for so long begins anew; four windows and the broker's usual retention are less.
SET 'table.exec.state.ttl' = '691500000 ms';

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
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'scan.watermark.idle-timeout' = '300000 ms'
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
        window_start - INTERVAL '1' MINUTE AS before_last,
        window_start - INTERVAL '1' MINUTE - INTERVAL '1' MINUTE - INTERVAL '1' MINUTE - INTERVAL '1' MINUTE AS earliest
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
