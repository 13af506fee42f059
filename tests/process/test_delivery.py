"""Alerts to people, with real commands and a real web server: once each, retried, never twice."""

from __future__ import annotations

import hashlib
import itertools
import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from adclick_cli import schema
from adclick_cli.broker.consumer import Message
from adclick_cli.errors import AdclickError, ParameterError
from adclick_cli.results import delivery, sending
from adclick_cli.results.board import AlertBoard
from adclick_cli.results.delivery import BEGUN, Delivery, Journal
from adclick_cli.results.rows import AlertRow, read
from adclick_cli.results.ways import Command, Outcome, Way, Webhook, environment
from tests.builders.dashboard import alert

pytestmark = pytest.mark.process
TOPIC = "anomaly_alerts"
SCRIPT = """
import json, os, sys
alert = json.load(sys.stdin)
with open(sys.argv[1], "a") as told:
    print(json.dumps([alert, {k: v for k, v in os.environ.items() if k.startswith("ADCLICK_ALERT_")}]), file=told)
sys.exit(int(open(sys.argv[2]).read()))
"""


def row(minute: int, name: str) -> AlertRow:
    found = read(schema.ALERT, Message(TOPIC, 0, 0, 0, None, json.dumps(alert(minute, name)).encode()))
    assert isinstance(found, AlertRow)
    return found


class Told:
    """A command that writes down what it was told, and ends with the exit code in a file."""

    def __init__(self, folder: Path) -> None:
        (folder / "told.py").write_text(SCRIPT, encoding="utf-8")
        self._log, self._code = folder / "told", folder / "code"
        self.exit_code(0)
        self.text = f"'{sys.executable}' '{folder / 'told.py'}' '{self._log}' '{self._code}'"

    def exit_code(self, code: int) -> None:
        self._code.write_text(str(code), encoding="utf-8")

    @property
    def alerts(self) -> list[tuple[dict[str, Any], dict[str, str]]]:
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [tuple(json.loads(line)) for line in lines]

    @property
    def names(self) -> list[str]:
        return [told["campaign_id"] for told, _ in self.alerts]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def open_delivery(home: Path, way: Way, clock: Clock | None = None) -> tuple[Delivery, list[str]]:
    said: list[str] = []
    return Delivery(home, TOPIC, way, said.append, clock or Clock()), said


def test_each_alert_once_and_not_again_after_a_restart(tmp_path: Path, told: Told) -> None:
    for rows in ([row(1, "a"), row(2, "a")], [row(1, "a"), row(2, "a"), row(2, "b")]):
        sender, _ = open_delivery(tmp_path, Command(told.text))
        for _ in range(3):
            sender.add(rows)
            sender.step()
        assert sender.waiting == 0
        sender.close()
    assert told.names == ["a", "a", "b"]


def early_row(minute: int, name: str, verdict: str | None = None) -> AlertRow:
    record, more = (schema.EARLY_ALERT, {}) if verdict is None else (schema.EARLY_VERDICT, {"verdict": verdict})
    final = {"final_ctr": 0.1, "final_impressions": 100, "final_clicks": 10} if verdict else {}
    found = read(record, Message(TOPIC, 0, 0, 0, None, json.dumps(alert(minute, name) | more | final).encode()))
    assert isinstance(found, AlertRow)
    return found


def test_an_early_alert_is_told_once_and_again_only_when_it_is_withdrawn(tmp_path: Path, told: Told) -> None:
    sender, _ = open_delivery(tmp_path, Command(told.text))
    for rows in (
        [early_row(1, "kept"), early_row(1, "gone")],
        [early_row(1, "kept", "CONFIRMED"), row(1, "kept"), early_row(1, "gone", "WITHDRAWN")],
        [row(1, "late"), early_row(1, "unknown", "WITHDRAWN"), early_row(1, "gone", "WITHDRAWN")],
    ):
        sender.add(rows)
        sender.step()
    assert [(one["campaign_id"], one["state"]) for one, _ in told.alerts] == [
        ("kept", "EARLY"),
        ("gone", "EARLY"),
        ("gone", "WITHDRAWN"),
        ("late", "FINAL"),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_lanes_of_an_alert_are_one_line_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    rows = [early_row(1, "a"), early_row(1, "a", "CONFIRMED"), replace(row(1, "a"), impressions=77)]
    board = AlertBoard()
    for place in order:
        board.update(rows[place])
    (shown,) = board.rows()
    assert (shown.state, shown.impressions) == ("CONFIRMED", 77)
    board.update(early_row(2, "a"))
    board.update(early_row(2, "a", "WITHDRAWN"))
    assert not board.update(early_row(2, "a"))
    assert [one.state for one in board.rows()] == ["CONFIRMED", "WITHDRAWN"]


def test_what_a_command_is_told(tmp_path: Path, told: Told) -> None:
    name = "$(touch hacked); `id` 'x' \"y\" \n--flag"
    sender, _ = open_delivery(tmp_path, Command(told.text))
    sender.add([row(1, name)])
    sender.step()
    ((plain, env),) = told.alerts
    assert plain == {"id": f"{TOPIC} 2026-01-01T12:02:00Z {name}", "topic": TOPIC, **alert(1, name), "state": "FINAL"}
    assert env["ADCLICK_ALERT_CAMPAIGN_ID"] == name
    assert env["ADCLICK_ALERT_TYPE"] == "SPIKE"
    assert env["ADCLICK_ALERT_TIME"] == "2026-01-01T12:02:00Z"
    assert env["ADCLICK_ALERT_CURRENT_CTR"] == "0.4"
    assert not (Path.cwd() / "hacked").exists()
    assert environment({"z_score": None, "campaign_id": "a\0b"}) == {
        "ADCLICK_ALERT_Z_SCORE": "",
        "ADCLICK_ALERT_CAMPAIGN_ID": "ab",
    }


def test_a_command_that_fails_is_tried_again_later_and_later(tmp_path: Path, told: Told) -> None:
    clock = Clock()
    told.exit_code(7)
    sender, said = open_delivery(tmp_path, Command(told.text), clock)
    sender.add([row(1, "a")])
    tried = []
    for second in range(20):
        clock.now = second
        before = len(told.names)
        sender.step()
        if len(told.names) > before:
            tried.append(second)
    assert tried == [0, 1, 3, 7, 15]
    assert "exit code 7" in said[0]
    # Another process goes on where this one ended.
    sender.close()
    told.exit_code(0)
    sender, said = open_delivery(tmp_path, Command(told.text))
    sender.add([row(1, "a")])
    sender.step()
    assert said == ["Delivered (exec): 2026-01-01T12:02:00Z a"]


def test_a_command_that_hangs_may_have_told_people(tmp_path: Path) -> None:
    way = Command(f"'{sys.executable}' -c 'import time; time.sleep(60)'", timeout_s=0.5)
    sender, said = open_delivery(tmp_path, way)
    sender.add([row(1, "a")])
    sender.step()
    assert "Perhaps delivered" in said[0]
    assert sender.waiting == 0


def test_an_attempt_that_was_interrupted_is_not_made_again(tmp_path: Path, told: Told) -> None:
    journal = Journal(tmp_path / "delivered" / f"{TOPIC}.exec.jsonl")
    journal.write("2026-01-01T12:02:00Z a", BEGUN)
    journal.close()
    with (tmp_path / "delivered" / f"{TOPIC}.exec.jsonl").open("a") as torn:
        torn.write('["2026-01-01T12:03:00Z a", "deli')
    sender, _ = open_delivery(tmp_path, Command(told.text))
    sender.add([row(1, "a"), row(2, "a")])
    sender.step()
    assert [plain["alert_time"] for plain, _ in told.alerts] == ["2026-01-01T12:03:00Z"]
    sender.close()
    # The torn line spoils none behind it.
    kept = (tmp_path / "delivered" / f"{TOPIC}.exec.jsonl").read_text().splitlines()
    assert '["2026-01-01T12:03:00Z a", "begun"]' in kept
    sender, _ = open_delivery(tmp_path, Command(told.text))
    sender.add([row(1, "a"), row(2, "a")])
    assert sender.waiting == 0


def test_two_processes_do_not_deliver_the_same(tmp_path: Path, told: Told) -> None:
    sender, _ = open_delivery(tmp_path, Command(told.text))
    with pytest.raises(AdclickError, match="being delivered already"):
        open_delivery(tmp_path, Command(told.text))
    sender.close()
    open_delivery(tmp_path, Command(told.text))[0].close()


@pytest.mark.parametrize("text", ["", "'", "no-such-program-anywhere --flag"])
def test_a_command_that_cannot_be(text: str) -> None:
    with pytest.raises(ParameterError, match="exec"):
        Command(text)


def test_ways_are_for_alerts(told: Told) -> None:
    assert [way.name for way in sending.ways("alerts", told.text, "https://a.test/")] == ["exec", "webhook"]
    assert sending.ways("ctr", None, None) == []
    with pytest.raises(ParameterError, match="exec"):
        sending.ways("ctr", told.text, None)
    with pytest.raises(ParameterError, match="webhook"):
        sending.ways("alerts", None, "file:///etc/passwd")


class Server(ThreadingHTTPServer):
    """Answers with `status`; keeps what it was sent."""

    status = 200
    sent: list[tuple[str | None, dict[str, Any]]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append((self.headers["Idempotency-Key"], body))
        if self.server.status == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        # Where a redirect leads: nobody is told there.
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), _Handler)
    made.sent = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_secret_address_comes_from_a_file_that_nobody_else_reads(tmp_path: Path, server: Server) -> None:
    path = tmp_path / "address"
    path.write_text(f"http://127.0.0.1:{server.server_port}/\n")
    path.chmod(0o644)
    with pytest.raises(ParameterError, match="chmod 600"):
        sending.ways("alerts", None, f"@{path}")
    path.chmod(0o600)
    (way,) = sending.ways("alerts", None, f"@{path}")
    assert way.deliver({"id": "a"}).outcome is Outcome.DELIVERED
    with pytest.raises(ParameterError) as caught:
        sending.ways("ctr", None, "https://hooks.example/t0ken")
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (302, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (500, Outcome.REFUSED),
        (0, Outcome.UNSURE),
    ],
)
def test_a_webhooks_answers(server: Server, status: int, outcome: Outcome) -> None:
    server.status = status
    found = Webhook(f"http://127.0.0.1:{server.server_port}/").deliver({"id": "t 1 a", "campaign_id": "é"})
    assert found.outcome is outcome
    ((sent_key, body),) = server.sent
    assert sent_key == hashlib.sha256(b"t 1 a").hexdigest()
    assert body == {"id": "t 1 a", "campaign_id": "é"}


def test_a_webhook_that_nobody_listens_at_is_tried_again() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert Webhook(f"http://127.0.0.1:{port}/").deliver({"id": "1"}).outcome is Outcome.REFUSED


def test_a_webhook_with_a_hostile_name(tmp_path: Path, server: Server) -> None:
    sender, said = open_delivery(tmp_path, Webhook(f"http://127.0.0.1:{server.server_port}/"))
    sender.add([row(1, "é\r\nX-Evil: 1"), row(2, "b")])
    sender.step()
    assert sender.waiting == 0, said
    assert [body["campaign_id"] for _, body in server.sent] == ["é\r\nX-Evil: 1", "b"]


def test_once_tells_what_could_not_be_delivered(tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told.exit_code(1)
    clock = Clock()
    sender, _ = open_delivery(tmp_path, Command(told.text), clock)
    monkeypatch.setattr(
        "adclick_cli.results.delivery.time.sleep", lambda seconds: setattr(clock, "now", clock.now + seconds)
    )
    with pytest.raises(AdclickError, match="1 alerts could not be delivered"):
        delivery.run_once([row(1, "a")], [sender])
    assert len(told.names) == delivery.ONCE_ATTEMPTS
