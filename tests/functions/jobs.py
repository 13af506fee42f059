"""A job of the script that reads files as they are put in, and can be stopped and go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from adclick_cli.sql.script import statements
from tests.builders.table_environment import table_environment
from tests.flink.conftest import write_lines

DEADLINE_S = 90


class Job:
    """A job that runs.

    Args:
        script: its statements.
        settings: of the session.
    """

    def __init__(self, script: str, settings: Mapping[str, str]) -> None:
        defaults = {
            "table.local-time-zone": "UTC",
            "parallelism.default": "1",
            "pipeline.object-reuse": "true",
            "pipeline.auto-watermark-interval": "0 ms",
            "execution.checkpointing.interval": "300 ms",
            "restart-strategy.type": "disable",
            # Else the graph of another number of tasks has another shape, and a savepoint does not fit.
            "pipeline.operator-chaining.enabled": "false",
        }
        env = table_environment({**defaults, **settings})
        for statement in statements(script):
            self._result = env.execute_sql(statement.text)
        self._client: Any = self._result.get_job_client()

    def rows(self) -> Any:
        """The rows of a query, as they come."""
        return self._result.collect()

    def stop(self, folder: Path) -> str:
        """Stop with a savepoint and return where it lies; a job that has only just begun is asked again."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                formats = self._formats()
                return str(
                    self._client._j_job_client.stopWithSavepoint(False, folder.as_uri(), formats.CANONICAL).get()
                )
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def cancel(self) -> None:
        """End it."""
        self._client.cancel().result()

    @staticmethod
    def _formats() -> Any:
        from pyflink.java_gateway import get_gateway

        return get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType


def put(folder: Path, topic: str, number: int, events: Iterable[Any]) -> None:
    """Let a topic go on with these events, all at once."""
    part = folder / f"{topic}-{number}.part"
    write_lines(part, events)
    (folder / topic).mkdir(exist_ok=True)
    part.replace(folder / topic / f"{number:03d}.json")


def wait(done: Callable[[], bool], what: str) -> None:
    """Wait until it is so.

    Raises:
        AssertionError: it had its time.
    """
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
