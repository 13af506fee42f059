-- Settings of both jobs.

-- Window bounds are written in UTC whatever the host's time zone is.
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'table.generated-code.max-length' = '64000';

-- Flink shows it with each job; by it adclick knows its own.
SET 'pipeline.global-job-parameters' = 'adclick.submission:5d92da8adf104c20';

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
    early => '60000 ms',
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

-- Stage: early sinks. By key, not exactly-once: a commit would have to be waited for, and a row that comes again is the
-- same.

CREATE TEMPORARY TABLE ctr_early (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `campaign_id` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `ctr` DOUBLE,
    PRIMARY KEY (window_start, window_end, campaign_id) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'ctr_early',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE early_alerts (
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
    `rule` STRING,
    PRIMARY KEY (alert_time, campaign_id) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'early_alerts',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE early_verdicts (
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
    `rule` STRING,
    `verdict` STRING,
    `final_ctr` DOUBLE,
    `final_impressions` BIGINT,
    `final_clicks` BIGINT,
    PRIMARY KEY (alert_time, campaign_id) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'early_verdicts',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601'
);

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
    window_time,
    counted_start,
    counted_end,
    campaign_id,
    device_type,
    SUM(impressions) AS impression_count,
    COUNT(DISTINCT valid_click) AS click_count
FROM TABLE(TUMBLE(TABLE final_parts, DESCRIPTOR(closed_at), INTERVAL '0.001' SECOND))
GROUP BY window_start, window_end, window_time, counted_start, counted_end, campaign_id, device_type;

-- Stage: early. The same windows, counted with the clicks of the first 1m only, and judged by the same rule:
-- like is compared with like. When the window is final, it is judged again: that confirms or withdraws what was early.
--
-- The function answers twice: its `early` parts are there as soon as no early click can come any more. In the order of the
-- times at which windows close: a row is there just before the watermark passes it, so LAG waits for nothing.

CREATE TEMPORARY VIEW early_parts AS
SELECT *
FROM attributed
WHERE kind = 'early';

CREATE TEMPORARY VIEW early_counts AS
SELECT
    window_start,
    window_end,
    window_time,
    counted_start,
    counted_end,
    campaign_id,
    device_type,
    SUM(impressions) AS impression_count,
    COUNT(DISTINCT valid_click) AS click_count
FROM TABLE(TUMBLE(TABLE early_parts, DESCRIPTOR(closed_at), INTERVAL '0.001' SECOND))
GROUP BY window_start, window_end, window_time, counted_start, counted_end, campaign_id, device_type;

CREATE TEMPORARY VIEW early_windows AS
SELECT
    counted_start AS window_start,
    counted_end AS window_end,
    window_time,
    campaign_id,
    SUM(impression_count) AS impression_count,
    SUM(click_count) AS click_count,
    CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
FROM early_counts
GROUP BY window_start, window_end, window_time, counted_start, counted_end, campaign_id;

CREATE TEMPORARY VIEW final_windows AS
SELECT
    counted_start AS window_start,
    counted_end AS window_end,
    window_time,
    campaign_id,
    SUM(impression_count) AS impression_count,
    SUM(click_count) AS click_count,
    CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
FROM window_counts
GROUP BY window_start, window_end, window_time, counted_start, counted_end, campaign_id;

CREATE TEMPORARY VIEW early_rows AS
SELECT
    *,
    LAG(ctr) OVER earlier AS ctr_1,
    LAG(window_end) OVER earlier AS end_1,
    LAG(impression_count) OVER earlier AS impressions_1,
    LAG(click_count) OVER earlier AS clicks_1
FROM early_windows
WINDOW earlier AS (PARTITION BY campaign_id ORDER BY window_time);

CREATE TEMPORARY VIEW early_changes AS
SELECT
    window_start,
    window_end,
    campaign_id,
    window_time,
    ctr AS current_ctr,
    ctr_1 AS previous_ctr,
    impression_count AS current_impressions,
    click_count AS current_clicks,
    impressions_1 AS previous_impressions,
    clicks_1 AS previous_clicks,
    CAST(click_count + clicks_1 AS DOUBLE) / (impression_count + impressions_1) AS pooled_ctr
FROM early_rows
WHERE end_1 = window_start;

-- z of two proportions with pooled variance; NULL where the variance is not above 0.
CREATE TEMPORARY VIEW early_scores AS
SELECT
    window_start,
    window_end,
    campaign_id,
    window_time,
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
FROM early_changes;

CREATE TEMPORARY VIEW final_rows AS
SELECT
    *,
    LAG(ctr) OVER earlier AS ctr_1,
    LAG(window_end) OVER earlier AS end_1,
    LAG(impression_count) OVER earlier AS impressions_1,
    LAG(click_count) OVER earlier AS clicks_1
FROM final_windows
WINDOW earlier AS (PARTITION BY campaign_id ORDER BY window_time);

CREATE TEMPORARY VIEW final_changes AS
SELECT
    window_start,
    window_end,
    campaign_id,
    window_time,
    ctr AS current_ctr,
    ctr_1 AS previous_ctr,
    impression_count AS current_impressions,
    click_count AS current_clicks,
    impressions_1 AS previous_impressions,
    clicks_1 AS previous_clicks,
    CAST(click_count + clicks_1 AS DOUBLE) / (impression_count + impressions_1) AS pooled_ctr
FROM final_rows
WHERE end_1 = window_start;

-- z of two proportions with pooled variance; NULL where the variance is not above 0.
CREATE TEMPORARY VIEW final_scores AS
SELECT
    window_start,
    window_end,
    campaign_id,
    window_time,
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
FROM final_changes;

CREATE TEMPORARY VIEW early_alerted AS
SELECT
    window_time,
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
    z_score
FROM early_scores
WHERE
    alert_type IS NOT NULL
    AND current_impressions >= 0
    AND previous_impressions >= 0
    AND COALESCE(ABS(z_score), 0.0E0) >= 0.0E0;

CREATE TEMPORARY VIEW final_alerted AS
SELECT
    window_time,
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
    z_score
FROM final_scores
WHERE
    alert_type IS NOT NULL
    AND current_impressions >= 0
    AND previous_impressions >= 0
    AND COALESCE(ABS(z_score), 0.0E0) >= 0.0E0;

-- What the final window has to say about each.
CREATE TEMPORARY VIEW early_known AS
SELECT
    e.*,
    f.ctr AS final_ctr,
    f.impression_count AS final_impressions,
    f.click_count AS final_clicks
FROM early_alerted AS e
INNER JOIN final_windows AS f
    ON
        e.campaign_id = f.campaign_id
        AND f.window_time BETWEEN e.window_time + INTERVAL '9' MINUTE
        AND e.window_time + INTERVAL '9' MINUTE;

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

    -- The early lane: for alerts that cannot wait for the last click.
    INSERT INTO ctr_early (window_start, window_end, campaign_id, impression_count, click_count, ctr)
    SELECT
        window_start,
        window_end,
        campaign_id,
        impression_count,
        click_count,
        ctr
    FROM early_windows;

    INSERT INTO early_alerts (
        alert_time, campaign_id, current_ctr, previous_ctr, alert_type, window_start, current_impressions,
        current_clicks, previous_impressions, previous_clicks, z_score, rule
    )
    SELECT
        alert_time,
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
    FROM early_alerted;

    INSERT INTO early_verdicts (
        alert_time, campaign_id, current_ctr, previous_ctr, alert_type, window_start, current_impressions,
        current_clicks, previous_impressions, previous_clicks, z_score, rule,
        verdict, final_ctr, final_impressions, final_clicks
    )
    SELECT
        e.alert_time,
        e.campaign_id,
        e.current_ctr,
        e.previous_ctr,
        e.alert_type,
        e.window_start,
        e.current_impressions,
        e.current_clicks,
        e.previous_impressions,
        e.previous_clicks,
        e.z_score,
        'ratio' AS rule,
        CASE WHEN f.campaign_id IS NULL THEN 'WITHDRAWN' ELSE 'CONFIRMED' END AS verdict,
        e.final_ctr,
        e.final_impressions,
        e.final_clicks
    FROM early_known AS e
    LEFT JOIN final_alerted AS f
        ON
            e.campaign_id = f.campaign_id
            AND e.alert_type = f.alert_type
            AND f.window_time BETWEEN e.window_time + INTERVAL '9' MINUTE
            AND e.window_time + INTERVAL '9' MINUTE;

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
