"""What a person at a terminal sees and does: the live table, Ctrl-C, a terminal that is given back."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping

import pytest

from adclick_cli import schema
from adclick_cli.broker import admin
from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_topic
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

TIMEOUT_S = 180
CURSOR_ON, CURSOR_OFF = b"\x1b[?25h", b"\x1b[?25l"


def _make_topics(cluster: Cluster, env: Mapping[str, str]) -> None:
    records = {env["ADCLICK_TOPIC_CTR"]: schema.CTR, env["ADCLICK_TOPIC_CTR_LIVE"]: schema.CTR_LIVE}
    admin.ensure_topics(cluster.servers, records)


def _start(cluster: Cluster, env: Mapping[str, str], *args: str, stdout: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", *args],
        env={**os.environ, **cluster.env, **env, "TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
    )


def _send_row(cluster: Cluster, topic: str, campaign: str) -> None:
    values = ("2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", campaign, 4, 1, 0.25)
    row = dict(zip(schema.CTR.field_names, values, strict=True))
    producer = open_producer(cluster.servers)
    producer.send(topic, campaign.encode(), json.dumps(row).encode())
    producer.close()


def _read_until(master: int, wanted: bytes, seen: bytes = b"") -> bytes:
    end = time.monotonic() + TIMEOUT_S
    while wanted not in seen:
        assert time.monotonic() < end, seen[-2000:]
        if select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65536)
    return seen


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_the_live_table_shows_rows_and_gives_the_terminal_back(cluster: Cluster, ended_by: signal.Signals) -> None:
    env = cluster.own_topics(f"seen-{ended_by.name.lower()}")
    _make_topics(cluster, env)
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = _start(cluster, env, "watch", "ctr", stdout=slave)
    try:
        seen = _read_until(master, b"adclick ctr")
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "camp-seen")
        seen = _read_until(master, b"camp-seen", seen)
        assert CURSOR_OFF in seen
        process.send_signal(ended_by)
        assert process.wait(TIMEOUT_S) == 0
        while select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65536)
        assert seen.rindex(CURSOR_ON) > seen.rindex(CURSOR_OFF)
        assert termios.tcgetattr(slave) == before
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_without_a_terminal_each_row_is_a_line_of_json(cluster: Cluster) -> None:
    env = cluster.own_topics("lines")
    _make_topics(cluster, env)
    _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "first")
    process = _start(cluster, env, "watch", "ctr", stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["campaign_id"] == "first"
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "second")
        row = json.loads(process.stdout.readline())
        assert (row["campaign_id"], row["state"], row["ctr"]) == ("second", "FINAL", 0.25)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_flushes_and_reports_what_was_sent(cluster: Cluster) -> None:
    env = cluster.own_topics("interrupted")
    process = _start(cluster, env, "generate", "--rate", "500", "--output", "json", stdout=subprocess.PIPE)
    topic = env["ADCLICK_TOPIC_IMPRESSIONS"]
    end = time.monotonic() + TIMEOUT_S
    while not _count(cluster, topic):
        assert time.monotonic() < end
        time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=TIMEOUT_S)
    sent = json.loads(printed)
    assert process.returncode == 130
    assert sent["interrupted"]
    assert sent["impressions"] == _count(cluster, topic) > 0


def _count(cluster: Cluster, topic: str) -> int:
    return sum(len(batch) for batch in read_topic(cluster.servers, topic))
