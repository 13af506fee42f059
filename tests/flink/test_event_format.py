"""Tables with the format `adclick-events` in SQL: rows, windows, and how Kafka hands its metadata on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adclick_cli import settings
from adclick_cli.runtime import jars, maven
from tests.builders import compiled
from tests.builders.table_environment import table_environment

pytestmark = pytest.mark.flink

T0 = 1_767_225_600_000
ARRIVED = 1_767_230_000
"""Seconds: 2026-01-01T01:13:20Z."""

COLUMNS = """
    impression_id STRING,
    campaign_id STRING,
    device STRING,
    cost DECIMAL(18, 6),
    event_timestamp TIMESTAMP_LTZ(3),
    {metadata},
    event_time AS CASE
        WHEN event_timestamp <= arrived_at + INTERVAL '1' HOUR THEN event_timestamp
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END,
    WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
"""
OF_FILES = """
    arrived_at TIMESTAMP_LTZ(3) METADATA FROM 'file.modification-time' VIRTUAL,
    reason STRING,
    record INT,
    line BYTES
"""
FORMAT = {
    "adclick-events.fields.device": "device.type",
    "adclick-events.default.device": "unknown",
    "adclick-events.optional": "cost",
    "adclick-events.time-unit": "ms",
}


class Tables:
    """A session that knows the format."""

    def __init__(self) -> None:
        cache = jars.cache(settings.load())
        connector = [one for one in jars.pinned() if one.artifact == "flink-sql-connector-kafka"]
        jars.fetch(connector, cache, lambda: maven.repository(settings.load().maven_url), lambda *_: None)
        on_path = (compiled.functions_jar(), cache / connector[0].file_name)
        self.env = table_environment(
            {
                "pipeline.jars": ";".join(path.resolve().as_uri() for path in on_path),
                "parallelism.default": "1",
                "table.local-time-zone": "UTC",
            }
        )

    def create(self, name: str, metadata: str, options: dict[str, str]) -> None:
        """A table of impressions."""
        listed = ",\n".join(f"'{key}' = '{value}'" for key, value in options.items())
        columns = COLUMNS.format(metadata=metadata.strip())
        self.env.execute_sql(f"CREATE TEMPORARY TABLE {name} ({columns}) WITH ({listed})")

    def rows(self, query: str) -> list[Any]:
        """The rows of a query, as lists."""
        with self.env.execute_sql(query).collect() as found:
            return [list(row) for row in found]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    made = Tables()
    file = tmp_path_factory.mktemp("events") / "messages"
    file.write_bytes(b"\n".join(_messages()) + b"\n")
    os.utime(file, (ARRIVED, ARRIVED))
    # RAW is a word of Flink's SQL.
    named = {"reason": "reason", "record": "record", "raw": "line"}
    columns = {f"adclick-events.{key}-column": column for key, column in named.items()}
    where = {"connector": "filesystem", "path": file.parent.resolve().as_uri(), "format": "adclick-events"}
    made.create("files", OF_FILES, where | FORMAT | columns)
    yield made
    made.env.execute_sql("DROP TEMPORARY TABLE files")


def _messages() -> Iterator[bytes]:
    def event(number: int, at: int, **more: Any) -> bytes:
        return json.dumps(
            {"impression_id": f"i{number}", "campaign_id": "c", "event_timestamp": T0 + at} | more
        ).encode()

    yield event(1, 1_000, device={"type": "tv"}, cost=0.25)
    yield event(2, 2_000) + event(3, 3_000, cost="1.5")
    # A day ahead: were it taken for an event, the next one would be late.
    yield event(4, 86_400_000)
    yield b"oops"
    yield event(5, 9_999_999_999_999, campaign_id=None)
    yield event(6, 4_000)
    yield event(7, 61_000)


def test_events_and_what_is_none_are_rows_of_one_table(tables: Tables) -> None:
    found = tables.rows(
        "SELECT impression_id, device, CAST(cost AS STRING), UNIX_TIMESTAMP(CAST(event_time AS STRING)),"
        " reason, record, DECODE(line, 'UTF-8') FROM files"
    )
    assert [row[:-1] for row in found] == [
        ["i1", "tv", "0.250000", 1_767_225_601, None, 0],
        ["i2", "unknown", None, 1_767_225_602, None, 0],
        ["i3", "unknown", "1.500000", 1_767_225_603, None, 1],
        ["i4", "unknown", None, 0, None, 0],
        [None, None, None, 0, "not JSON", 0],
        [None, None, None, 0, "campaign_id is missing or null", 0],
        ["i6", "unknown", None, 1_767_225_604, None, 0],
        ["i7", "unknown", None, 1_767_225_661, None, 0],
    ]
    lines = [row[-1] for row in found]
    assert lines.pop(4) == "oops"
    assert [json.loads(line)["impression_id"] for line in lines] == [f"i{number}" for number in range(1, 8)]


def test_nothing_bad_moves_a_watermark(tables: Tables) -> None:
    found = tables.rows(
        "SELECT UNIX_TIMESTAMP(CAST(window_start AS STRING)), campaign_id, COUNT(*), CAST(SUM(cost) AS STRING)"
        " FROM TABLE(TUMBLE(TABLE files, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))"
        " WHERE event_time > TO_TIMESTAMP_LTZ(0, 3) GROUP BY window_start, window_end, campaign_id"
    )
    assert found == [[1_767_225_600, "c", 4, "1.750000"], [1_767_225_660, "c", 1, None]]


def test_a_query_of_few_columns_counts_the_same_rows(tables: Tables) -> None:
    assert tables.rows("SELECT device FROM files WHERE device = 'tv'") == [["tv"]]
    (count,) = [row[0] for row in tables.rows("SELECT COUNT(*) FROM (SELECT campaign_id FROM files)")][-1:]
    assert count == 8


def test_the_table_of_the_docs_can_be_made_and_kafka_hands_the_metadata_on(tables: Tables) -> None:
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    tables.env.execute_sql(text.split("```sql\n")[1].split(";\n```")[0])
    plan = tables.env.explain_sql("SELECT impression_id, reason, record, line FROM impression_events")
    tables.env.execute_sql("DROP TEMPORARY TABLE impression_events")
    # What the source gives, and that it makes the watermark itself, partition by partition.
    assert "metadata=[value.reason, value.record, value.raw, " in plan
    assert "watermark=[-(CASE(<=(event_timestamp," in plan
