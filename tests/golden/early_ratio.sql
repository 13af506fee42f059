-- Settings of both jobs.

-- Window bounds are written in UTC whatever the host's time zone is.
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'table.generated-code.max-length' = '64000';

-- Flink shows it with each job; by it adclick knows its own.
SET 'pipeline.global-job-parameters' = 'adclick.submission:ad41d7a49d9b15c1';

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
-- Counted once by (campaign, device) and summed into both results.
-- DISTINCT: an event that its producer delivered twice counts once.

CREATE TEMPORARY VIEW window_counts AS
SELECT
    window_start,
    window_end,
    window_time,
    campaign_id,
    device_type,
    COUNT(DISTINCT impression_id) AS impression_count,
    COUNT(DISTINCT click_id) AS click_count
FROM TABLE(TUMBLE(TABLE attributed, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, window_time, campaign_id, device_type;

-- Stage: early. The same windows, counted with the clicks of the first 15s only, and judged by the same rule:
-- like is compared with like. When the window is final, it is judged again: that confirms or withdraws what was early.
--
-- A join of its own, as small as its attribution is short. In the order of the windows' own time: a row is there just
-- before the watermark passes it, so LAG waits for nothing.

CREATE TEMPORARY VIEW early_attributed AS
SELECT
    i.impression_id,
    c.click_id,
    i.campaign_id,
    i.event_time
FROM impressions AS i
LEFT JOIN clicks AS c
    ON
        i.impression_id = c.impression_id
        AND c.event_time BETWEEN i.event_time - INTERVAL '15' SECOND - INTERVAL '0.001' SECOND
        AND i.event_time + INTERVAL '15' SECOND
        AND c.event_time >= TO_TIMESTAMP_LTZ(i.event_timestamp, 3) - INTERVAL '0' SECOND;

CREATE TEMPORARY VIEW early_windows AS
SELECT
    window_start,
    window_end,
    window_time,
    campaign_id,
    COUNT(DISTINCT impression_id) AS impression_count,
    COUNT(DISTINCT click_id) AS click_count,
    CAST(COUNT(DISTINCT click_id) AS DOUBLE) / COUNT(DISTINCT impression_id) AS ctr
FROM TABLE(TUMBLE(TABLE early_attributed, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, window_time, campaign_id;

CREATE TEMPORARY VIEW final_windows AS
SELECT
    window_start,
    window_end,
    window_time,
    campaign_id,
    SUM(impression_count) AS impression_count,
    SUM(click_count) AS click_count,
    CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
FROM window_counts
GROUP BY window_start, window_end, window_time, campaign_id;

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
        AND f.window_time BETWEEN e.window_time AND e.window_time;

SET 'pipeline.name' = 'adclick ctr';

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO ctr_results
    SELECT
        window_start,
        window_end,
        campaign_id,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count,
        CAST(SUM(click_count) AS DOUBLE) / SUM(impression_count) AS ctr
    FROM window_counts
    GROUP BY window_start, window_end, campaign_id;

    INSERT INTO engagement_results
    SELECT
        window_start,
        window_end,
        device_type,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count
    FROM window_counts
    GROUP BY window_start, window_end, device_type;

    -- The early lane: for alerts that cannot wait for the last click.
    INSERT INTO ctr_early
    SELECT
        window_start,
        window_end,
        campaign_id,
        impression_count,
        click_count,
        ctr
    FROM early_windows;

    INSERT INTO early_alerts
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

    INSERT INTO early_verdicts
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
            AND f.window_time BETWEEN e.window_time AND e.window_time;

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

    INSERT INTO anomaly_alerts
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
