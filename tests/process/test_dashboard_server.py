"""The page's server as a process over a real socket, without a broker: names, headers, files, stream, missing extra."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from adclick_cli.dashboard import serve
from adclick_cli.dashboard.guard import host_name
from adclick_cli.errors import AdclickError, ParameterError, PortTakenError
from tests.dashboard_process import Page, start_page

pytestmark = pytest.mark.process

LONGEST_REST = 1_000
EVERYBODY = "0.0.0.0"  # noqa: S104 - what a user may type
STATIC = Path(serve.__file__).parent / "static"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with start_page(
        {"ADCLICK_HOME": str(tmp_path_factory.mktemp("home"))},
        "--bootstrap-servers",
        "127.0.0.1:1",
        "--allow-host",
        "ads.test",
    ) as started:
        yield started


def test_without_a_broker_it_serves_and_says_so(page: Page) -> None:
    found = page.wait_for(lambda picture: picture["source"]["state"] == "gone")
    assert found["source"]["servers"] == "127.0.0.1:1"
    assert "127.0.0.1:1" in found["source"]["why"]
    assert found["axis"] == []
    assert requests.get(page.url + "healthz", timeout=5).json() == {"broker": "gone"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8501", "[::1]:8501", "ADS.test:80"])
def test_known_names_are_answered(page: Page, host: str) -> None:
    assert requests.get(page.url, headers={"Host": host}, timeout=5).status_code == 200


@pytest.mark.parametrize("host", ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test:8501", "[::2]", ""])
@pytest.mark.parametrize("path", ["", "api/snapshot", "api/events", "main.js"])
def test_other_names_are_refused(page: Page, host: str, path: str) -> None:
    refused = requests.get(page.url + path, headers={"Host": host}, timeout=5)
    assert refused.status_code in (400, 421)
    if refused.status_code == 421:
        assert "--allow-host" in refused.text
        assert refused.headers["content-security-policy"]


def test_every_answer_carries_the_policy(page: Page) -> None:
    for path in ("", "main.js", "api/snapshot", "healthz", "nothing-there", "vendor/uPlot.esm.js"):
        headers = requests.get(page.url + path, timeout=5).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_only_the_pages_own_files_are_served(page: Page) -> None:
    with socket.create_connection(("127.0.0.1", page.port)) as raw:
        raw.sendall(b"GET /../serve.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b" 404 " in raw.makefile("rb").readline()
    assert requests.post(page.url + "api/snapshot", timeout=5).status_code == 405


def test_the_page_asks_nobody_else_for_anything() -> None:
    for path in STATIC.rglob("*"):
        if path.suffix in (".html", ".js", ".css", ".svg") and path.parent.name != "vendor":
            text = path.read_text(encoding="utf-8")
            assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text), path.name
            assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), path.name
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", html)


def test_vendored_files_are_the_pinned_ones() -> None:
    table = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    there = {path.name for path in (STATIC / "vendor").iterdir()} - {"README.md"}
    assert set(pinned) == there
    for name, digest in pinned.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name


def test_the_stream_begins_with_a_whole_picture(page: Page) -> None:
    with requests.get(page.url + "api/events?windows=30", stream=True, timeout=10) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        found = [next(lines).decode() for _ in range(4)]
    assert found[:3] == ["retry: 2000", "", "event: picture"]
    assert json.loads(found[3].removeprefix("data: "))["axis"] == []


def test_an_open_stream_does_not_hold_the_end_up() -> None:
    with start_page({}, "--bootstrap-servers", "127.0.0.1:1") as started:
        stream = requests.get(started.url + "api/events", stream=True, timeout=10)
        lines = stream.iter_lines()
        # Not before the stream has begun in earnest: a server that is asked to end between the two sends no picture.
        while next(lines) != b"event: picture":
            pass
    # start_page asserts that it ended cleanly and wrote nothing; the stream came to its own end.
    assert len(list(lines)) < LONGEST_REST


def test_a_taken_port_names_its_owner_and_the_flag(page: Page) -> None:
    with pytest.raises(PortTakenError, match="--port") as raised:
        serve.listen("127.0.0.1", page.port)
    assert str(page.process.pid) in str(raised.value)


def test_a_host_that_is_not_here() -> None:
    with pytest.raises(ParameterError, match="host"):
        serve.listen("no-such-host.invalid", 0)
    with pytest.raises((ParameterError, PortTakenError)):
        serve.listen("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((name, True) for name in ("127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8")),
        *((name, False) for name in (EVERYBODY, "::", "10.0.0.1", "example.test", "")),
    ],
)
def test_what_is_local(host: str, local: bool) -> None:
    assert serve.is_local(host) is local


@pytest.mark.parametrize(
    ("header", "name"),
    [("LocalHost:1", "localhost"), ("[::1]:8501", "[::1]"), ("[::1", "[::1]"), ("a:b:c", "a"), ("", "")],
)
def test_host_name(header: str, name: str) -> None:
    assert host_name(header) == name


def test_listening_for_everybody_warns() -> None:
    with start_page({}, "--bootstrap-servers", "127.0.0.1:1", "--host", EVERYBODY) as started:
        assert "Warning" in started.said
        assert "no password" in started.said
        assert started.url.startswith("http://localhost:")
        refused = requests.get(started.url, headers={"Host": "192.0.2.7"}, timeout=5)
        assert refused.status_code == 421


def test_a_missing_extra_names_the_mend() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['adclick', 'dashboard', '--port', '0']\n"
        "from adclick_cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == AdclickError.exit_code
    assert "pip install 'adclick[dashboard]'" in done.stderr
    assert "uvicorn" in done.stderr
    assert "Traceback" not in done.stderr
