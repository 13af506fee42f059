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
SET 'pipeline.global-job-parameters' = 'adclick.submission:220c482a2b7b2e8c';

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
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'value.json.ignore-parse-errors' = 'true',
    'value.json.decode.json-parser.enabled' = 'false'
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
            THEN TO_TIMESTAMP_LTZ(event_timestamp - 960000, 3)
        ELSE TO_TIMESTAMP_LTZ(-960000, 3)
    END,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-clicks',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-ad-clicks',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'json',
    'value.json.timestamp-format.standard' = 'ISO-8601',
    'value.json.ignore-parse-errors' = 'true',
    'value.json.decode.json-parser.enabled' = 'false'
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
    event_time > TO_TIMESTAMP_LTZ(-960000, 3)
    AND click_id <> 'adclick-heartbeat';

-- Stage: join, of a backlog that is there as a whole. Attribution: a click belongs to its impression from 0s
-- before it to 10m after it, both ends included.
--
-- The clicks are dated 16m earlier than they were (stage sources), and being few they are read ahead. So an impression
-- finds the watermark past its last click: it is answered at once, and only clicks are kept, with a timer for each of
-- those alone. Where the clicks are not ahead it is kept until they are (docs/decisions/0014).
-- The join looks back as far as in live traffic, so that a late impression counts with its clicks; a plain condition says
-- what counts.

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
        AND c.event_time BETWEEN i.event_time - INTERVAL '26' MINUTE
        AND i.event_time - INTERVAL '6' MINUTE
        AND c.event_time >= TO_TIMESTAMP_LTZ(i.event_timestamp - 960000, 3) - INTERVAL '0' SECOND;

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

-- Stage: aggregation. Tumbling windows of 1h on the impressions' event time.
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
FROM TABLE(TUMBLE(TABLE attributed, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, campaign_id, device_type;

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

END;

-- Stage: dead letters. Each message that is no event, with its place, its bytes and the reason.
--
-- The topics are read a second time, as bytes: the sources that count see only columns. The first look clears nearly
-- every message; what it does not clear is looked at closely. A reason of NULL means that it is an event after all.
-- An array is read as several events, so it is a dead letter only where none of its elements could be one.

CREATE TEMPORARY TABLE dead_letters (
    `source_topic` STRING,
    `source_partition` BIGINT,
    `source_offset` BIGINT,
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

CREATE TEMPORARY TABLE impression_lines (
    line BYTES,
    source_topic STRING METADATA FROM 'topic' VIRTUAL,
    source_partition BIGINT METADATA FROM 'partition' VIRTUAL,
    source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-impressions',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-lines-ad-impressions',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'raw'
);

CREATE TEMPORARY VIEW impression_messages AS
SELECT
    *,
    DECODE(line, 'UTF-8') AS message
FROM impression_lines;

CREATE TEMPORARY VIEW impression_suspects AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    arrived_at,
    line,
    -- The JSON format takes a byte order mark and control characters; the functions below do not.
    -- RAND is never below 0: it only keeps the planner from merging both looks into one (docs/decisions/0006).
    CASE WHEN RAND() >= 0 THEN REGEXP_REPLACE(message, '[\x00-\x1F\x{FEFF}]', ' ') END AS message
FROM impression_messages
WHERE
    -- The planner puts conditions that begin with NOT last: written so, every message would be looked at closely
    -- (docs/decisions/0006).
    (
        REGEXP(JSON_VALUE(message, '$.impression_id'), '^[^{\[][\s\S]{0,1023}$')
        AND REGEXP(JSON_VALUE(message, '$.campaign_id'), '^[^{\[][\s\S]{0,1023}$')
        AND REGEXP(JSON_VALUE(message, '$.device_type'), '^[^{\[][\s\S]{0,1023}$')
        AND TO_TIMESTAMP_LTZ(
            CAST(REGEXP_EXTRACT(JSON_VALUE(message, '$.event_timestamp'), '^[1-9][0-9]{0,14}$') AS BIGINT), 3
        ) <= arrived_at + INTERVAL '1' HOUR
        AND NOT REGEXP(message, '\x{FFFD}')
    ) IS NOT TRUE;

CREATE TEMPORARY VIEW impression_fields AS
SELECT
    *,
    JSON_QUERY(message, '$') AS root,
    JSON_VALUE(message, '$.impression_id') AS impression_id,
    JSON_VALUE(message, '$.campaign_id') AS campaign_id,
    JSON_VALUE(message, '$.device_type') AS device_type,
    -- A number may have a fraction, which is cut off, or an exponent; a text only digits.
    CASE
        WHEN REGEXP(JSON_VALUE(message, '$.event_timestamp'), '^\s*[+-]?[0-9]+\s*$')
            THEN TRY_CAST(JSON_VALUE(message, '$.event_timestamp') AS BIGINT)
        WHEN JSON_QUERY(message, '$[''event_timestamp'', ''event_timestamp'']') NOT LIKE '{"event_timestamp":"%'
            THEN CAST(TRY_CAST(JSON_VALUE(message, '$.event_timestamp') AS DOUBLE) AS BIGINT)
    END AS event_timestamp
FROM impression_suspects;

CREATE TEMPORARY VIEW impression_reasons AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    arrived_at,
    CASE
        WHEN line IS NULL THEN 'tombstone: the value is null'
        WHEN ENCODE(DECODE(line, 'UTF-8'), 'UTF-8') <> line THEN 'not UTF-8'
        WHEN NOT JSON_EXISTS(message, '$') AND TRIM(message) <> 'null' THEN 'not JSON'
        WHEN LEFT(root, 1) = '[' AND JSON_QUERY(message, '$[*].event_timestamp') <> '[]' THEN CAST(NULL AS STRING)
        WHEN NOT COALESCE(LEFT(root, 1) = '{', FALSE) THEN 'not a JSON object'
        WHEN JSON_QUERY(message, '$.impression_id') IS NOT NULL THEN 'impression_id is no text'
        WHEN impression_id IS NULL THEN 'impression_id is missing or null'
        WHEN impression_id = '' THEN 'impression_id is empty'
        WHEN LEFT(impression_id, 1) IN ('{', '[') THEN 'impression_id begins with a bracket'
        WHEN CHAR_LENGTH(impression_id) > 1024 THEN 'impression_id is longer than 1024 characters'
        WHEN JSON_QUERY(message, '$.campaign_id') IS NOT NULL THEN 'campaign_id is no text'
        WHEN campaign_id IS NULL THEN 'campaign_id is missing or null'
        WHEN campaign_id = '' THEN 'campaign_id is empty'
        WHEN LEFT(campaign_id, 1) IN ('{', '[') THEN 'campaign_id begins with a bracket'
        WHEN CHAR_LENGTH(campaign_id) > 1024 THEN 'campaign_id is longer than 1024 characters'
        WHEN JSON_QUERY(message, '$.device_type') IS NOT NULL THEN 'device_type is no text'
        WHEN device_type IS NULL THEN 'device_type is missing or null'
        WHEN device_type = '' THEN 'device_type is empty'
        WHEN LEFT(device_type, 1) IN ('{', '[') THEN 'device_type begins with a bracket'
        WHEN CHAR_LENGTH(device_type) > 1024 THEN 'device_type is longer than 1024 characters'
        WHEN NOT JSON_EXISTS(message, '$.event_timestamp') THEN 'event_timestamp is missing or null'
        WHEN event_timestamp IS NULL THEN 'event_timestamp is no whole number of milliseconds'
        WHEN event_timestamp <= 0 THEN 'event_timestamp is not above 0'
        WHEN NOT COALESCE(TO_TIMESTAMP_LTZ(event_timestamp, 3) <= arrived_at + INTERVAL '1' HOUR, FALSE)
            THEN 'event_timestamp is more than 1h past its arrival'
    END AS reason,
    CASE WHEN CHAR_LENGTH(message) <= 1048576 THEN line END AS line
FROM impression_fields;

CREATE TEMPORARY TABLE click_lines (
    line BYTES,
    source_topic STRING METADATA FROM 'topic' VIRTUAL,
    source_partition BIGINT METADATA FROM 'partition' VIRTUAL,
    source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
) WITH (
    'connector' = 'kafka',
    'topic' = 'ad-clicks',
    'properties.bootstrap.servers' = '127.0.0.1:9092',
    'properties.group.id' = 'adclick-lines-ad-clicks',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    'scan.bounded.mode' = 'latest-offset',
    'value.format' = 'raw'
);

CREATE TEMPORARY VIEW click_messages AS
SELECT
    *,
    DECODE(line, 'UTF-8') AS message
FROM click_lines;

CREATE TEMPORARY VIEW click_suspects AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    arrived_at,
    line,
    -- The JSON format takes a byte order mark and control characters; the functions below do not.
    -- RAND is never below 0: it only keeps the planner from merging both looks into one (docs/decisions/0006).
    CASE WHEN RAND() >= 0 THEN REGEXP_REPLACE(message, '[\x00-\x1F\x{FEFF}]', ' ') END AS message
FROM click_messages
WHERE
    -- The planner puts conditions that begin with NOT last: written so, every message would be looked at closely
    -- (docs/decisions/0006).
    (
        REGEXP(JSON_VALUE(message, '$.click_id'), '^[^{\[][\s\S]{0,1023}$')
        AND REGEXP(JSON_VALUE(message, '$.impression_id'), '^[^{\[][\s\S]{0,1023}$')
        AND TO_TIMESTAMP_LTZ(
            CAST(REGEXP_EXTRACT(JSON_VALUE(message, '$.event_timestamp'), '^[1-9][0-9]{0,14}$') AS BIGINT), 3
        ) <= arrived_at + INTERVAL '1' HOUR
        AND NOT REGEXP(message, '\x{FFFD}')
    ) IS NOT TRUE;

CREATE TEMPORARY VIEW click_fields AS
SELECT
    *,
    JSON_QUERY(message, '$') AS root,
    JSON_VALUE(message, '$.click_id') AS click_id,
    JSON_VALUE(message, '$.impression_id') AS impression_id,
    -- A number may have a fraction, which is cut off, or an exponent; a text only digits.
    CASE
        WHEN REGEXP(JSON_VALUE(message, '$.event_timestamp'), '^\s*[+-]?[0-9]+\s*$')
            THEN TRY_CAST(JSON_VALUE(message, '$.event_timestamp') AS BIGINT)
        WHEN JSON_QUERY(message, '$[''event_timestamp'', ''event_timestamp'']') NOT LIKE '{"event_timestamp":"%'
            THEN CAST(TRY_CAST(JSON_VALUE(message, '$.event_timestamp') AS DOUBLE) AS BIGINT)
    END AS event_timestamp
FROM click_suspects;

CREATE TEMPORARY VIEW click_reasons AS
SELECT
    source_topic,
    source_partition,
    source_offset,
    arrived_at,
    CASE
        WHEN line IS NULL THEN 'tombstone: the value is null'
        WHEN ENCODE(DECODE(line, 'UTF-8'), 'UTF-8') <> line THEN 'not UTF-8'
        WHEN NOT JSON_EXISTS(message, '$') AND TRIM(message) <> 'null' THEN 'not JSON'
        WHEN LEFT(root, 1) = '[' AND JSON_QUERY(message, '$[*].event_timestamp') <> '[]' THEN CAST(NULL AS STRING)
        WHEN NOT COALESCE(LEFT(root, 1) = '{', FALSE) THEN 'not a JSON object'
        WHEN JSON_QUERY(message, '$.click_id') IS NOT NULL THEN 'click_id is no text'
        WHEN click_id IS NULL THEN 'click_id is missing or null'
        WHEN click_id = '' THEN 'click_id is empty'
        WHEN LEFT(click_id, 1) IN ('{', '[') THEN 'click_id begins with a bracket'
        WHEN CHAR_LENGTH(click_id) > 1024 THEN 'click_id is longer than 1024 characters'
        WHEN JSON_QUERY(message, '$.impression_id') IS NOT NULL THEN 'impression_id is no text'
        WHEN impression_id IS NULL THEN 'impression_id is missing or null'
        WHEN impression_id = '' THEN 'impression_id is empty'
        WHEN LEFT(impression_id, 1) IN ('{', '[') THEN 'impression_id begins with a bracket'
        WHEN CHAR_LENGTH(impression_id) > 1024 THEN 'impression_id is longer than 1024 characters'
        WHEN NOT JSON_EXISTS(message, '$.event_timestamp') THEN 'event_timestamp is missing or null'
        WHEN event_timestamp IS NULL THEN 'event_timestamp is no whole number of milliseconds'
        WHEN event_timestamp <= 0 THEN 'event_timestamp is not above 0'
        WHEN NOT COALESCE(TO_TIMESTAMP_LTZ(event_timestamp, 3) <= arrived_at + INTERVAL '1' HOUR, FALSE)
            THEN 'event_timestamp is more than 1h past its arrival'
    END AS reason,
    CASE WHEN CHAR_LENGTH(message) <= 1048576 THEN line END AS line
FROM click_fields;

CREATE TEMPORARY VIEW reasons AS
SELECT * FROM impression_reasons
UNION ALL
SELECT * FROM click_reasons;

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

    -- What counts nowhere, and why.
    INSERT INTO dead_letters
    SELECT
        source_topic,
        source_partition,
        source_offset,
        arrived_at,
        reason,
        line
    FROM reasons
    WHERE reason IS NOT NULL;

END;
