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
SET 'pipeline.global-job-parameters' = 'adclick.submission:2bdfcf66c5685bc6';

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
    `country` STRING,
    cost DECIMAL(18, 6),
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
    'topic' = 'shop.views',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-shop.views',
    'properties.isolation.level' = 'read_committed',
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'adclick-events',
    'value.adclick-events.fields.impression_id' = 'event.id',
    'value.adclick-events.fields.campaign_id' = 'campaign.id',
    'value.adclick-events.fields.device_type' = 'device.type',
    'value.adclick-events.fields.country' = 'geo.country',
    'value.adclick-events.fields.cost' = 'price',
    'value.adclick-events.fields.event_timestamp' = 'event.at',
    'value.adclick-events.default.device_type' = 'unknown',
    'value.adclick-events.default.country' = '??',
    'value.adclick-events.optional' = 'cost',
    'value.adclick-events.time-unit' = 'us',
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
    'topic' = 'shop.clicks',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-shop.clicks',
    'properties.isolation.level' = 'read_committed',
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
    'value.format' = 'adclick-events',
    'value.adclick-events.fields.impression_id' = 'view_id',
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
    ARRAY[campaign_id, device_type, `country`] AS dimensions,
    ARRAY[CAST(cost * 1000000 AS BIGINT), CAST(CASE WHEN cost IS NULL THEN 0 ELSE 1 END AS BIGINT)] AS sums,
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
    dimensions[3] AS `country`,
    impressions,
    clicks,
    click,
    valid_click,
    sums[1] AS sum_cost,
    sums[2] AS count_cost,
    rowtime AS closed_at
FROM attribution(
    events => TABLE events PARTITION BY bucket,
    window_size => '60000 ms',
    attribution => '600000 ms',
    dimensions => 'campaign_id, device_type, country',
    sums => 'sum_cost, count_cost',
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

-- Stage: sinks of the results that adclick.toml declares.

CREATE TEMPORARY TABLE spend_results (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `country` STRING,
    `device_type` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `spend` DECIMAL(38, 6),
    `cpc` DOUBLE,
    `ecpm` DOUBLE
) WITH (
    'connector' = 'kafka',
    'topic' = 'spend_results',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.fields' = 'country;device_type',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'adclick-spend_results',
    'properties.transaction.timeout.ms' = '900000',
    'value.json.encode.decimal-as-plain-number' = 'true'
);

CREATE TEMPORARY TABLE spend_live (
    `window_start` TIMESTAMP_LTZ(3),
    `window_end` TIMESTAMP_LTZ(3),
    `country` STRING,
    `device_type` STRING,
    `impression_count` BIGINT,
    `click_count` BIGINT,
    `spend` DECIMAL(38, 6),
    `cpc` DOUBLE,
    `ecpm` DOUBLE,
    PRIMARY KEY (window_start, window_end, `country`, device_type) NOT ENFORCED
) WITH (
    'connector' = 'upsert-kafka',
    'topic' = 'spend_live',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'key.format' = 'json',
    'key.json.timestamp-format.standard' = 'ISO-8601',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'value.json.encode.decimal-as-plain-number' = 'true'
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

-- Stage: live counts. What was added to each window since its last row, before the window closes.

CREATE TEMPORARY VIEW live_counts AS
SELECT
    counted_start AS window_start,
    counted_end AS window_end,
    campaign_id,
    device_type,
    `country`,
    impressions AS impression_count,
    clicks AS click_count,
    sum_cost,
    count_cost
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
    `country`,
    SUM(impressions) AS impression_count,
    COUNT(DISTINCT valid_click) AS click_count,
    SUM(sum_cost) AS sum_cost,
    SUM(count_cost) AS count_cost
FROM TABLE(TUMBLE(TABLE final_parts, DESCRIPTOR(closed_at), INTERVAL '0.001' SECOND))
GROUP BY window_start, window_end, counted_start, counted_end, campaign_id, device_type, `country`;

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

    -- Result spend of adclick.toml.
    INSERT INTO spend_results (
        window_start, window_end, `country`, device_type, `impression_count`, `click_count`, `spend`, `cpc`, `ecpm`
    )
    SELECT
        counted_start,
        counted_end,
        `country`,
        device_type,
        impression_count AS `impression_count`,
        click_count AS `click_count`,
        sum_cost AS `spend`,
        CAST(sum_cost AS DOUBLE) / NULLIF(click_count, 0) AS `cpc`,
        CAST(CAST(1000 AS DECIMAL(4, 0)) * CAST(sum_cost AS DECIMAL(33, 6)) AS DOUBLE) / NULLIF(impression_count, 0) AS `ecpm`
    FROM (
        SELECT
            counted_start,
            counted_end,
            `country`,
            device_type,
            SUM(impression_count) AS impression_count,
            SUM(click_count) AS click_count,
            CASE
                WHEN SUM(count_cost) > 0
                    THEN CAST(CAST(SUM(sum_cost) AS DECIMAL(30, 0)) * CAST(0.000001 AS DECIMAL(7, 6)) AS DECIMAL(38, 6))
            END AS sum_cost
        FROM window_counts
        GROUP BY window_start, window_end, counted_start, counted_end, `country`, device_type
    ) AS totals;

    -- Result spend of adclick.toml, while its windows are open.
    INSERT INTO spend_live (
        window_start, window_end, `country`, device_type, `impression_count`, `click_count`, `spend`, `cpc`, `ecpm`
    )
    SELECT
        window_start,
        window_end,
        `country`,
        device_type,
        impression_count AS `impression_count`,
        click_count AS `click_count`,
        sum_cost AS `spend`,
        CAST(sum_cost AS DOUBLE) / NULLIF(click_count, 0) AS `cpc`,
        CAST(CAST(1000 AS DECIMAL(4, 0)) * CAST(sum_cost AS DECIMAL(33, 6)) AS DOUBLE) / NULLIF(impression_count, 0) AS `ecpm`
    FROM (
        SELECT
            window_start,
            window_end,
            `country`,
            device_type,
            SUM(impression_count) AS impression_count,
            SUM(click_count) AS click_count,
            CASE
                WHEN SUM(count_cost) > 0
                    THEN CAST(CAST(SUM(sum_cost) AS DECIMAL(30, 0)) * CAST(0.000001 AS DECIMAL(7, 6)) AS DECIMAL(38, 6))
            END AS sum_cost
        FROM live_counts
        GROUP BY window_start, window_end, `country`, device_type
    ) AS totals;

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
