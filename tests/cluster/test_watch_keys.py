"""A live watch at a real terminal: keys, a topic that is made later, one that is made anew."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adclick_cli.broker import admin
from adclick_cli.broker.newest import Newest
from adclick_cli.broker.stream import Stream
from tests.cluster.conftest import Cluster
from tests.cluster.test_interactive import _make_topics, _read_until, _send_row

pytestmark = pytest.mark.cluster
TIMEOUT_S = 30


@contextmanager
def _watching(cluster: Cluster, env: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", "watch", "ctr"],
        env={**os.environ, **cluster.env, **env, "TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40"},
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process, master, slave
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("ended_by", ["q", signal.SIGINT, signal.SIGTERM])
def test_keys_drive_the_screen_and_the_terminal_is_given_back(cluster: Cluster, ended_by: int | str) -> None:
    env = cluster.own_topics(f"keys-{ended_by!s}".lower())
    with _watching(cluster, env) as (process, master, slave):
        before = termios.tcgetattr(slave)
        seen = _read_until(master, b"adclick ctr")
        _make_topics(cluster, env)
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "camp-late")
        _read_until(master, b"camp-late", seen)
        assert not termios.tcgetattr(slave)[3] & termios.ECHO
        if ended_by == "q":
            os.write(master, b" ")
            _read_until(master, b"paused")
            _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "camp-more")
            assert b"camp-more" not in _read_until(master, b"+1")
            os.write(master, b" ")
            _read_until(master, b"camp-more")
            os.write(master, b"/late\r")
            assert b"camp-more" not in _read_until(master, b"filter late").rsplit(b"filter late", 1)[1]
            os.write(master, b"\r")
            _read_until(master, b"0.0456-0.6994")
            os.write(master, b"q")
        else:
            process.send_signal(int(ended_by))
        end = time.monotonic() + TIMEOUT_S
        left = b""
        while process.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                left += os.read(master, 65536)
        assert process.returncode == 0
        while select.select([master], [], [], 0.1)[0]:
            left += os.read(master, 65536)
        assert b"\x1b[?1049l" in left
        assert b"\x1b[?25h" in left
        assert termios.tcgetattr(slave) == before


def test_a_topic_that_is_made_anew_is_read_from_its_start(cluster: Cluster) -> None:
    env = cluster.own_topics("anew")
    topic = env["ADCLICK_TOPIC_CTR"]
    _make_topics(cluster, env)
    stream, newest = Stream(cluster.servers, [topic]), Newest(cluster.servers, [topic])
    try:
        _send_row(cluster, topic, "first")
        assert _keys(stream, b"first") == [False]
        assert [one.key for one in newest.look()] == [b"first"]
        with admin.admin_client(cluster.servers) as client:
            client.delete_topics([topic])
        end = time.monotonic() + TIMEOUT_S
        while topic in admin.list_topics(cluster.servers) and time.monotonic() < end:
            time.sleep(0.2)
        _make_topics(cluster, env)
        _send_row(cluster, topic, "first")
        assert any(_keys(stream, b"first"))
        assert [one.key for one in newest.look()] == [b"first"]
    finally:
        stream.close()
        newest.close()


def _keys(stream: Stream, wanted: bytes) -> list[bool]:
    """Whether the topic was made anew, by each step that brought or told something, until a key comes."""
    end, told = time.monotonic() + TIMEOUT_S, []
    while time.monotonic() < end:
        step = stream.step()
        if step.messages or step.anew:
            told.append(step.anew)
        if any(message.key == wanted for message in step.messages):
            return told
    raise AssertionError(f"{wanted!r} did not come")
