"""`adclick dashboard` as a process, and its pictures."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_S = 180


@dataclass(frozen=True)
class Page:
    """A running server.

    Attributes:
        said: what it wrote to stderr until it was ready.
    """

    process: subprocess.Popen[str]
    url: str
    said: str

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def picture(self, query: str = "") -> dict[str, Any]:
        """What the page shows now."""
        return requests.get(f"{self.url}api/snapshot?{query}", timeout=20).json()  # type: ignore[no-any-return]

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], query: str = "") -> dict[str, Any]:
        """The first picture that is as wanted."""
        end = time.monotonic() + TIMEOUT_S
        while True:
            found = self.picture(query)
            if wanted(found):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.2)


@contextmanager
def start_page(env: Mapping[str, str], *args: str) -> Iterator[Page]:
    """Start it on a free port; it must end cleanly on Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", "dashboard", "--port", "0", *args],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while not (match := re.search(r"Dashboard: (http://\S+)", said)):
            line = process.stderr.readline()
            assert line, f"it ended with {process.wait()}: {said}"
            said += line
        yield Page(process, match.group(1) + "/", said)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=TIMEOUT_S)[1]
        assert (process.returncode, rest) == (0, "")
    finally:
        process.kill()
        process.wait()
