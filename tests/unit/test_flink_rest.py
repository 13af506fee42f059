"""Flink's REST interface: what Flink says, and what another server at its address says."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest

from adclick_cli.errors import FlinkError
from adclick_cli.flink.rest import FlinkRest

HTML = b"<!DOCTYPE html>\n<html><head><title>Directory listing</title></head>\n<body>secret words</body></html>\n"
Answer = tuple[int, str, bytes]


@pytest.fixture
def server() -> Iterator[Callable[[Answer], FlinkRest]]:
    """A web server that gives one answer to every request."""
    said: list[Answer] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def _say(self) -> None:
            status, kind, body = said[-1]
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._say()

        def do_POST(self) -> None:
            self._say()

        def do_PATCH(self) -> None:
            self._say()

        def log_message(self, *_: object) -> None:
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def at(answer: Answer) -> FlinkRest:
        said.append(answer)
        return FlinkRest(f"http://127.0.0.1:{made.server_address[1]}")

    yield at
    made.shutdown()
    made.server_close()


CALLS: dict[str, Callable[[FlinkRest], object]] = {
    "overview": lambda rest: rest.overview(),
    "jobs": lambda rest: rest.jobs(),
    "job": lambda rest: rest.job("1"),
    "failure": lambda rest: rest.failure("1"),
    "cancel": lambda rest: rest.cancel("1"),
    "stop": lambda rest: rest.stop("1"),
    "savepoint": lambda rest: rest.savepoint("1", "2"),
    "dispose": lambda rest: rest.dispose("file:/x"),
    "checkpoints": lambda rest: rest.checkpoints("1"),
    "metrics": lambda rest: rest.metrics("1", "2", lambda name: True, "min"),
    "restarts": lambda rest: rest.restarts("1"),
}


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_another_web_server_on_flinks_port_is_one_line_for_every_call(
    server: Callable[[Answer], FlinkRest], call: Callable[[FlinkRest], object], status: int
) -> None:
    rest = server((status, "text/html; charset=utf-8", HTML))
    with pytest.raises(FlinkError) as told:
        call(rest)
    assert told.value.what == f"what answers at {rest.url} is not Flink's REST interface"
    assert told.value.why == f"Status {status}, text/html."
    assert "ADCLICK_FLINK_URL" in told.value.mend


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((404, "application/json", b'{"detail": "Not Found"}'), "Status 404 without Flink's list of errors."),
        ((200, "application/json", b'{"detail": "welcome"}'), "The answer lists no jobs."),
        ((200, "application/json", b"[1, 2]"), "The answer is no JSON object."),
        ((401, "", b"who are you?"), "Status 401, no JSON."),
        ((200, "", b""), "The answer lists no jobs."),
    ],
)
def test_a_foreign_json_server_is_told_apart_from_flink(
    server: Callable[[Answer], FlinkRest], answer: Answer, why: str
) -> None:
    with pytest.raises(FlinkError, match="is not Flink's REST interface") as told:
        server(answer).jobs()
    assert told.value.why == why


def test_flinks_own_refusal_keeps_flinks_words(server: Callable[[Answer], FlinkRest]) -> None:
    body = json.dumps({"errors": ["Job 1 not found", "at line 2"]}).encode()
    with pytest.raises(FlinkError) as told:
        server((404, "application/json", body)).job("1")
    assert told.value.what == "Flink refused GET /jobs/1 with status 404"
    assert told.value.why == "Job 1 not found\nat line 2"


def test_a_metric_is_summed_by_taskmanager(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Flink 2.2.1 answers: subtasks by number, values as texts."""
    count = 25
    names = [f"{number}.ProcessTableFunction[9].adclick_state_bytes" for number in range(count)]
    asked: list[str] = []

    def answer(self: FlinkRest, method: str, path: str, body: object = None) -> object:
        asked.append(path)
        if path == "/jobs/j/vertices/v":
            return {"subtasks": [{"subtask": n, "taskmanager-id": f"tm-{n % 2}"} for n in range(count)]}
        if path == "/jobs/j/vertices/v/metrics":
            return [{"id": one} for one in (*names, "0.numRecordsIn")]
        wanted = unquote(path.partition("?get=")[2]).split(",")
        return [{"id": one, "value": one.partition(".")[0]} for one in wanted]

    monkeypatch.setattr(FlinkRest, "_answer", answer)
    rest = FlinkRest("http://127.0.0.1:1")
    assert rest.metric_by_taskmanager("j", "v", lambda name: name.endswith("bytes")) == {"tm-0": 156, "tm-1": 144}
    assert len([path for path in asked if "?get=" in path]) == 2
    assert rest.metric_by_taskmanager("j", "v", lambda name: False) == {}


def test_the_heap_of_a_taskmanager_that_tells_none_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, object] = {"memoryConfiguration": {"taskHeap": 7}}
    monkeypatch.setattr(FlinkRest, "_answer", lambda *_: told)
    assert FlinkRest("http://127.0.0.1:1").task_heap("tm") == 7
    told["memoryConfiguration"] = {"taskHeap": None}
    assert FlinkRest("http://127.0.0.1:1").task_heap("tm") is None
    told.clear()
    assert FlinkRest("http://127.0.0.1:1").task_heap("tm") is None
