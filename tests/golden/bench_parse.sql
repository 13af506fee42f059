-- Settings of both jobs.

-- Window bounds are written in UTC whatever the host's time zone is.
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'pipeline.object-reuse' = 'true';
SET 'execution.runtime-mode' = 'streaming';
SET 'execution.checkpointing.interval' = '10000 ms';
SET 'table.generated-code.max-length' = '64000';
SET 'table.dml-sync' = 'true';

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
    event_time > TO_TIMESTAMP_LTZ(0, 3)
    AND click_id <> 'adclick-heartbeat';

-- The floor of `adclick bench`: read and parse what the pipeline reads and parses, and compute nothing.

CREATE TEMPORARY TABLE nothing (
    id STRING,
    other STRING
) WITH (
    'connector' = 'blackhole'
);

EXECUTE STATEMENT SET
BEGIN

    INSERT INTO nothing (id, other)
    SELECT
        impression_id,
        campaign_id
    FROM impressions;

    INSERT INTO nothing (id, other)
    SELECT
        click_id,
        impression_id
    FROM clicks;

END;
