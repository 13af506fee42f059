"""The metrics relay: takes what Flink's processes push, and gives it to whoever scrapes 127.0.0.1.

One port a process, so that a Prometheus that scrapes it sees the same as at Flink's own endpoint in a container, and
`up` is 0 as soon as that process is dead.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from adclick_cli import defaults
from adclick_cli.errors import RuntimeFailure
from adclick_cli.runtime.local.flink import JOBMANAGER, TASKMANAGER
from adclick_cli.runtime.metrics import PATH, PUSH_EVERY_S, PUSH_PATH
from adclick_cli.runtime.service import LocalService, own_service
from adclick_cli.settings import Settings

NAME = "metrics"
STALE_AFTER_S = 3.0 * PUSH_EVERY_S
LARGEST_PUSH = 64 * 1_048_576
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
IDLE_CLIENT_S = 10.0
PROBE_TIMEOUT_S = 1.0


def ports(settings: Settings) -> dict[str, int]:
    """The port to scrape, by Flink's process."""
    return {JOBMANAGER: settings.metrics_jobmanager_port, TASKMANAGER: settings.metrics_taskmanager_port}


def url(settings: Settings, name: str) -> str:
    """Where one of Flink's processes pushes to."""
    return f"http://{defaults.BIND_ADDRESS}:{ports(settings)[name]}"


def service(settings: Settings, runtime: str) -> LocalService:
    """The relay as a service; ready when both its ports answer."""
    made = own_service(NAME, ("metrics-relay", "--runtime", runtime), settings.home, _environment(settings))
    made.ports = {f"ADCLICK_METRICS_{name.upper()}_PORT": port for name, port in ports(settings).items()}
    made.ready = lambda: all(_accepts(port) for port in ports(settings).values())
    return made


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((defaults.BIND_ADDRESS, port), PROBE_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _environment(settings: Settings) -> dict[str, str]:
    return {f"ADCLICK_METRICS_{name.upper()}_PORT": str(port) for name, port in ports(settings).items()}


def serve(settings: Settings) -> None:
    """Serve until the process is ended.

    Raises:
        RuntimeFailure: a port is taken.
    """
    servers = [server(name, port, time.monotonic) for name, port in ports(settings).items()]
    for one in servers[1:]:
        threading.Thread(target=one.serve_forever, daemon=True).start()
    servers[0].serve_forever()


def server(name: str, port: int, clock: Callable[[], float]) -> ThreadingHTTPServer:
    """The relay of one of Flink's processes, not serving yet.

    Args:
        name: the process; what another name pushes is refused.
        port: where to listen on 127.0.0.1; 0 takes any.
        clock: seconds of a clock that never goes back.

    Raises:
        RuntimeFailure: the port is taken.
    """
    pushed: tuple[float, bytes] | None = None

    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_CLIENT_S

        def do_PUT(self) -> None:
            nonlocal pushed
            length = int(self.headers.get("Content-Length") or 0)
            if self.path.rstrip("/") != PUSH_PATH.format(name):
                return self._answer(404, b"Nobody is expected to push here under that name.\n")
            if not 0 < length <= LARGEST_PUSH:
                return self._answer(413, b"Too much, or nothing.\n")
            pushed = (clock(), self.rfile.read(length))
            return self._answer(202, b"")

        def do_GET(self) -> None:
            now = pushed
            if self.path != PATH:
                self._answer(404, f"Scrape {PATH}.\n".encode())
            elif now is None or clock() - now[0] > STALE_AFTER_S:
                self._answer(503, f"The {name} has pushed nothing for {STALE_AFTER_S:.0f} s.\n".encode())
            else:
                self._answer(200, now[1])

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a line each five seconds would fill the log."""

    try:
        made = ThreadingHTTPServer((defaults.BIND_ADDRESS, port), Handler)
    except OSError as error:
        raise RuntimeFailure(
            f"the metrics of the {name} cannot be served at port {port}",
            str(error),
            f"Choose another one in ADCLICK_METRICS_{name.upper()}_PORT.",
        ) from error
    made.daemon_threads = True
    return made
