"""The doctor names the partition that holds the windows, and says yes when none does."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from adclick_cli.broker.producer import open_producer
from adclick_cli.runtime import process
from adclick_cli.schema import CLICK, IMPRESSION, Record
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

SHORT = ("--window", "2s", "--attribution", "4s", "--watermark-delay", "1s")
SILENT = 2
TIMEOUT_S = 180.0


def _event(record: Record, at_ms: int) -> bytes:
    event = dict.fromkeys(record.required, "x") | {record.key[0]: f"e{at_ms}", "event_timestamp": str(at_ms)}
    return json.dumps(event).encode()


def _ask(cluster: Cluster, env: dict[str, str], code: int) -> Any:
    """What the doctor says once it exits with a code: Flink's figures are some seconds old."""
    end = time.monotonic() + TIMEOUT_S
    while True:
        done = cluster.run("doctor", "--output", "json", code=None, env=env)
        if done.returncode == code:
            return json.loads(done.stdout)
        assert time.monotonic() < end, done.stdout + done.stderr


def test_a_silent_partition_is_named_and_a_sound_pipeline_is_not_accused(cluster: Cluster) -> None:
    env = cluster.own_topics("doctor")
    shown, clicked = env["ADCLICK_TOPIC_IMPRESSIONS"], env["ADCLICK_TOPIC_CLICKS"]
    record = cluster.home / "run" / "heartbeat.json"
    beats = process.load(record)
    assert beats is not None
    try:
        beats.stop()
        record.unlink()
        cluster.run("submit", *SHORT, env=env)
        producer, now = open_producer(cluster.servers), int(time.time() * 1000)
        for number in range(IMPRESSION.partitions):
            for at_ms in (now - 60_000, now):
                if number != SILENT:
                    producer.send(shown, b"x", _event(IMPRESSION, at_ms), partition=number)
                producer.send(clicked, b"x", _event(CLICK, at_ms), partition=number)
        producer.flush()
        said = _ask(cluster, env, 3)
        name = f"partition {SILENT} of {shown}"
        assert said["answer"] == f"No rows yet: {name} has never carried an event; windows wait for it."
        assert said["mend"] == "adclick heartbeat"
        assert [one["name"] for one in said["findings"] if one["state"] == "wrong"] == [name]

        producer.send(shown, b"x", _event(IMPRESSION, now), partition=SILENT)
        producer.close()
        said = _ask(cluster, env, 0)
        assert said["ok"]
        assert {one["lag"] for one in said["pipeline"]["partitions"]} == {0}
        assert said["pipeline"]["window"]["watermark_ms"] > now - 60_000
        (state,) = said["pipeline"]["state"]
        assert 0 < state["state"] < state["heap"]
    finally:
        cluster.run("stop")
        cluster.run("up")
