"""Every default and every pinned version, once.

Plain constants only: the command line's help shows them without importing anything heavy.
Durations are texts as a user would type them (see `sql.parameters.Duration`).
"""

from __future__ import annotations

FLINK_VERSION = "2.2.1"
KAFKA_CONNECTOR_VERSION = "5.0.0-2.2"
KAFKA_VERSION = "4.4.0"
FLINK_IMAGE = f"flink:{FLINK_VERSION}-java21"
KAFKA_IMAGE = f"apache/kafka:{KAFKA_VERSION}"
PYTHON_IMAGE = "python:3.12.11-slim-bookworm"

KAFKA_PORT = 9092
UI_PORT = 8081
DASHBOARD_PORT = 8501
BIND_ADDRESS = "127.0.0.1"
TASKMANAGER_MEMORY_MB = 1600
JOBMANAGER_MEMORY_MB = 1024
BROKER_HEAP_MB = 448
BROKER_LIMIT_MB = 1024
JOBMANAGER_LIMIT_MB = 1792
TASK_SLOTS = 8
PARTITIONS = 4
ALERT_PARTITIONS = 1
DEAD_LETTER_PARTITIONS = 1
TRUTH_PARTITIONS = 1
DEAD_LETTER_CHARACTERS = 1_048_576
DEAD_LETTER_MAX_BYTES = 8_388_608

TOPIC_IMPRESSIONS = "ad-impressions"
TOPIC_CLICKS = "ad-clicks"
TOPIC_CTR = "ctr_results"
TOPIC_ENGAGEMENT = "engagement_results"
TOPIC_ALERTS = "anomaly_alerts"
TOPIC_DEAD_LETTERS = "ad-dead-letters"
TOPIC_TRUTH = "ad-truth"
TOPIC_CTR_LIVE = "ctr_live"
TOPIC_ENGAGEMENT_LIVE = "engagement_live"

WINDOW = "1m"
ATTRIBUTION = "10m"
CLOCK_SKEW = "0s"
DEDUP_WINDOW = "0s"
DEDUP_KEY = "impression"
UNIQUE_IDS = "0s"
WATERMARK_DELAY = "5s"
HEARTBEAT_AFTER = "10s"
MAX_AHEAD = "1h"
CHECKPOINT_INTERVAL = "10s"
TRANSACTION_TIMEOUT = "15m"
SPIKE = 2.0
DROP = 0.5
METHOD = "ratio"
MIN_IMPRESSIONS = 0
MIN_Z = 4.0
PARALLELISM = 1

RATE = 50.0
SEED = 1
PHASE = "cycle"
PHASE_CAMPAIGN = "camp-1"
BROKER_WAIT = "30s"

DASHBOARD_WINDOWS = 120
