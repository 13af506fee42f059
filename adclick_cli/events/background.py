"""`adclick generate` as a process of its own: making events then takes no time from whoever watches results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adclick_cli.errors import AdclickError
from adclick_cli.settings import Settings

ENDING_DEADLINE_S = 240.0


class Generator:
    """A generator that runs.

    Args:
        process: whose stdout tells what was sent, once it has ended.
        log: its messages, relative to `ADCLICK_HOME`.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def require_alive(self) -> None:
        """Check that it still makes events.

        Raises:
            AdclickError: it has ended by itself.
        """
        if self._process.poll() is not None:
            raise AdclickError("the generator ended by itself", mend=f"Read {self._log} in ADCLICK_HOME.")

    def end(self) -> dict[str, int]:
        """End it as Ctrl-C does; return how many impressions and clicks the broker has acknowledged.

        Raises:
            AdclickError: it did not end, or did not say.
        """
        self._process.send_signal(signal.SIGTERM)
        try:
            out, _ = self._process.communicate(timeout=ENDING_DEADLINE_S)
            sent: dict[str, Any] = json.loads(out)
        except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            raise AdclickError("the generator did not end as it should", str(error)) from error
        return {"impressions": int(sent["impressions"]), "clicks": int(sent["clicks"])}


@contextmanager
def generating(settings: Settings, flags: Sequence[str], log: Path) -> Iterator[Generator]:
    """Run it without an end, into the topics of `settings`, and see that it is gone in any case.

    Args:
        settings: for home, broker and topics.
        flags: of `adclick generate`.
        log: where its messages go, relative to the home.
    """
    command = [sys.executable, "-m", "adclick_cli", "generate", *flags, "--output", "json"]
    command += ["--bootstrap-servers", str(settings.servers)]
    topics = {f"ADCLICK_TOPIC_{name.upper()}": topic for name, topic in vars(settings.topics()).items()}
    with (settings.home / log).open("wb") as messages:
        started = subprocess.Popen(
            command,
            env={**os.environ, **topics, "ADCLICK_HOME": str(settings.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=messages,
        )
    try:
        yield Generator(started, log)
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()
