"""Sending result rows as Flink would, for the dashboard's tests. Minutes count back from the clock's own minute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from adclick_cli import schema
from adclick_cli.broker import admin
from adclick_cli.broker.producer import open_producer
from adclick_cli.results.times import write_iso
from adclick_cli.schema import Record
from adclick_cli.security import Servers

MINUTE = timedelta(minutes=1)
RESULTS = (schema.CTR_LIVE, schema.CTR, schema.ENGAGEMENT_LIVE, schema.ENGAGEMENT, schema.ALERT)
LETTERS = schema.DEAD_LETTER


class Rows:
    """Writes rows into a test's own topics.

    Args:
        servers: the broker.
        topics: each record's topic, by name.
    """

    def __init__(self, servers: Servers, topics: Mapping[str, str]) -> None:
        self.servers = servers
        self.topics = topics
        self.now = datetime.now(timezone.utc).replace(second=0, microsecond=0)

    @classmethod
    def own(cls, servers: Servers, env: Mapping[str, str]) -> Rows:
        """For topics that are set by `env`, else the defaults."""
        names = {
            one.name: env.get(f"ADCLICK_{one.topic_setting.upper()}", one.default_topic) for one in (*RESULTS, LETTERS)
        }
        return cls(servers, names)

    def make_topics(self) -> None:
        admin.ensure_topics(self.servers, {self.topics[record.name]: record for record in RESULTS})

    def start(self, ago: int) -> datetime:
        """Start of the window that began so many whole minutes ago."""
        return self.now - ago * MINUTE

    def windows(self, record: Record, ago: int, counts: Mapping[str, tuple[int, int]]) -> None:
        """Impressions and clicks of each name."""
        times = {"window_start": write_iso(self.start(ago)), "window_end": write_iso(self.start(ago - 1))}
        plain = []
        for name, (shown, clicked) in counts.items():
            row: dict[str, Any] = {**times, record.key[-1]: name, "impression_count": shown, "click_count": clicked}
            if "ctr" in record.field_names:
                row["ctr"] = clicked / shown
            plain.append((json.dumps({**times, record.key[-1]: name}).encode(), json.dumps(row).encode()))
        self.send(self.topics[record.name], plain)

    def delete(self, record: Record, ago: int, name: str) -> None:
        """A window that is no more."""
        times = {"window_start": write_iso(self.start(ago)), "window_end": write_iso(self.start(ago - 1))}
        self.send(self.topics[record.name], [(json.dumps({**times, record.key[-1]: name}).encode(), None)])

    def alert(self, ago: int, name: str, kind: str = "SPIKE") -> None:
        row = {
            "alert_time": write_iso(self.start(ago - 1)),
            "campaign_id": name,
            "current_ctr": 0.4,
            "previous_ctr": 0.1,
            "alert_type": kind,
            "window_start": write_iso(self.start(ago)),
            "current_impressions": 100,
            "current_clicks": 40,
            "previous_impressions": 100,
            "previous_clicks": 10,
            "z_score": 4.9,
            "rule": "ratio",
        }
        self.send(self.topics["alerts"], [(name.encode(), json.dumps(row).encode())])

    def send(self, topic: str, messages: Sequence[tuple[bytes, bytes | None]]) -> None:
        producer = open_producer(self.servers)
        for key, value in messages:
            producer.send(topic, key, value)
        producer.close()
