"""A JobManager's REST interface with two jobs in a state of the test's choice."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adclick_cli.sql.render import JOBS


def job(number: int, state: str, running: int = 2) -> dict[str, Any]:
    """One line of `/jobs/overview`: the job `JOBS[number]` with two tasks, of which so many run."""
    return {
        "jid": str(number) * 32,
        "name": JOBS[number],
        "state": state,
        "start-time": 1_000 + number,
        "tasks": {"running": running, "finished": 0, "total": 2},
    }


def failure(at_ms: int, trace: str) -> dict[str, Any]:
    """`/jobs/:id/exceptions`."""
    return {"exceptionHistory": {"entries": [{"timestamp": at_ms, "stacktrace": trace}]}}


@contextmanager
def flink(jobs: list[dict[str, Any]], more: dict[str, Any] | None = None) -> Iterator[str]:
    """Its address; jobs without a failure and without a checkpoint unless `more` (by path) says otherwise."""
    told: dict[str, Any] = {"/jobs/overview": {"jobs": jobs}}
    for one in jobs:
        at = f"/jobs/{one['jid']}"
        told |= {f"{at}/exceptions": {}, f"{at}/checkpoints": {}, f"{at}/metrics?get=numRestarts": []}
    told |= more or {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told.get(self.path, {"errors": [f"Not found: {self.path}"]})).encode()
            self.send_response(200 if self.path in told else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
