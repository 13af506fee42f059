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
SET 'pipeline.global-job-parameters' = 'adclick.submission:0dadcf05caee92ca';

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
-- COALESCE keeps the planner from making another, INNER join out of the one that the final windows use; so does asking
-- for every column that those read, which is always true.

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
WHERE
    COALESCE(click_id, '') <> '';

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

    -- The live lane: for people who watch. A row is replaced by each newer one of its key.
    INSERT INTO ctr_live
    SELECT
        window_start,
        window_end,
        campaign_id,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count,
        CAST(SUM(click_count) AS DOUBLE) / NULLIF(SUM(impression_count), 0) AS ctr
    FROM live_counts
    GROUP BY window_start, window_end, campaign_id;

    INSERT INTO engagement_live
    SELECT
        window_start,
        window_end,
        device_type,
        SUM(impression_count) AS impression_count,
        SUM(click_count) AS click_count
    FROM live_counts
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
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
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
    'scan.topic-partition-discovery.interval' = '2000 ms',
    'scan.startup.mode' = 'earliest-offset',
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
