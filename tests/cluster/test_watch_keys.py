"""A live watch at a real terminal: keys, a topic that is made later, one that is made anew."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adclick_cli.broker import admin
from adclick_cli.broker.newest import Newest
from adclick_cli.broker.stream import Stream
from adclick_cli.pipeline import Pipeline, Topics
from adclick_cli.verify.quality import Quality
from tests.cluster.conftest import Cluster
from tests.cluster.test_interactive import _make_topics, _read_until, _send_row

pytestmark = pytest.mark.cluster
TIMEOUT_S = 180


@contextmanager
def _watching(
    cluster: Cluster, env: dict[str, str], what: str = "ctr", size: tuple[int, int] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """A watch at a terminal of 140 columns and 40 lines, or of a `size` that can change."""
    master, slave = pty.openpty()
    shell = {**os.environ, **cluster.env, **env, "TERM": "xterm-256color"}
    if size is None:
        shell |= {"COLUMNS": "140", "LINES": "40"}
    else:
        shell = {name: value for name, value in shell.items() if name not in ("COLUMNS", "LINES")}
        _resize(slave, *size)
    process = subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", "watch", what],
        env=shell,
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
        left = _drain_until_end(process, master)
        assert process.returncode == 0
        while select.select([master], [], [], 0.1)[0]:
            left += os.read(master, 65536)
        assert b"\x1b[?1049l" in left
        assert b"\x1b[?25h" in left
        assert termios.tcgetattr(slave) == before


def test_another_size_of_the_terminal_is_filled_and_no_line_broken(cluster: Cluster) -> None:
    env = cluster.own_topics("sizes")
    _make_topics(cluster, env)
    for number in range(40):
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], f"camp-{number:02}")
    with _watching(cluster, env, size=(140, 40)) as (process, master, slave):
        _wait_for_frame(master, 140, 40, 32)
        for width, height in ((80, 24), (50, 12), (160, 50)):
            _resize(slave, width, height)
            process.send_signal(signal.SIGWINCH)
            _wait_for_frame(master, width, height, min(40, height - 8))
        os.write(master, b"q")
        _drain_until_end(process, master)
        assert process.returncode == 0


def _drain_until_end(process: subprocess.Popen[bytes], master: int) -> bytes:
    """What comes until the process ends: one that nobody reads from waits in its last write."""
    end, left = time.monotonic() + TIMEOUT_S, b""
    while process.poll() is None and time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            left += os.read(master, 65536)
    return left


def _resize(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _wait_for_frame(master: int, width: int, height: int, rows: int) -> None:
    """Wait for a frame that fills the terminal, with so many campaigns; no line of it is longer than the others."""
    end, seen = time.monotonic() + TIMEOUT_S, b""
    while time.monotonic() < end:
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65536)
        frames = seen.split(b"\x1b[H")[1:]
        for number, frame in enumerate(frames, start=1):
            lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame.decode(errors="replace")).split("\r\n")
            if len(lines) == height and sum("camp-" in line for line in lines) == rows:
                if number == len(frames) and len(lines[-1]) < width:
                    break  # its last line has not come whole
                assert {len(line) for line in lines} == {width}, lines
                return
    raise AssertionError(f"no frame of {width} x {height}: {seen[-2000:]!r}")


def test_a_broker_that_goes_away_and_comes_back_is_waited_for(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("outage")
    _make_topics(cluster, env)
    _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "camp-before")
    topics = Topics(impressions="unread-impressions", clicks="unread-clicks", ctr="unread-ctr")
    unread = Quality(cluster.servers, Pipeline(topics=topics), None, None).looks()
    with (
        _broker_back(cluster, env),
        _watching(cluster, env) as (process, master, _),
        # A home without a submission: the topics are those of the settings.
        _watching(cluster, env | {"ADCLICK_HOME": str(tmp_path)}, "quality") as (other, ledger, _),
    ):
        _read_until(master, b"camp-before")
        _read_until(ledger, b"No message")
        services = cluster.json("status")["services"]
        os.kill(next(one["pid"] for one in services if one["name"] == "broker"), signal.SIGKILL)
        # Both say it below their first line, and keep what they have.
        assert b"camp-before" in _read_until(master, b"broker away since").rsplit(b"broker away", 1)[1] + _next(master)
        _read_until(ledger, b"broker away since")
        # One that was opened and had not read yet.
        assert "no Kafka broker answers" in next(unread).away
        os.write(master, b"?")
        _read_until(master, b"Esc  ")
        os.write(master, b"?")
        cluster.run("up", env=env)
        assert next(unread).away == ""
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], "camp-after")
        back = _read_until(master, b"camp-after")
        assert b"broker away" not in back[back.rindex(b"\x1b[H") :]
        cluster.run("generate", "--count", "50", "--start", "2026-01-01T00:00:00Z", env=env)
        _read_pattern(ledger, rb"impressions[^\n]* 50 ")
        for one, keys in ((process, master), (other, ledger)):
            os.write(keys, b"q")
            _drain_until_end(one, keys)
            assert one.returncode == 0


@contextmanager
def _broker_back(cluster: Cluster, env: dict[str, str]) -> Iterator[None]:
    """Whatever a test finds: those behind it need the broker."""
    try:
        yield
    finally:
        cluster.run("up", env=env)


def _read_pattern(master: int, pattern: bytes) -> None:
    end, seen = time.monotonic() + TIMEOUT_S, b""
    while not re.search(pattern, seen):
        assert time.monotonic() < end, seen[-2000:]
        if select.select([master], [], [], 0.5)[0]:
            seen += os.read(master, 65536)


def _next(master: int) -> bytes:
    """One more whole frame."""
    return _read_until(master, b"\x1b[H", b"") + _read_until(master, b"\x1b[H", b"")


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
