"""A job that reads more events as they are put in, and its windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from adclick_cli.parameters import Duration
from adclick_cli.sql import options, render
from adclick_cli.sql.script import statements
from tests.flink.conftest import Event, pipeline_of, write_lines

DELAY, ATTRIBUTION, WINDOW = 5_000, 60_000, 60_000
FAR = 3_600_000
Counts = dict[str, tuple[int, int]]


class Windows:
    """The windows of a job that reads more events as they are put in: `driver`'s topic decides the watermark.

    Args:
        folder: where the events are.
        driver: impressions or clicks.
        rules: parameters besides the three above.
    """

    def __init__(self, folder: Path, driver: str, **rules: Any) -> None:
        from pyflink.table import EnvironmentSettings, TableEnvironment

        self._folder, self._driver = folder, driver
        parameters: dict[str, Any] = {"attribution": Duration(ATTRIBUTION), "watermark_delay": Duration(DELAY), **rules}
        pipeline = pipeline_of(window=Duration(WINDOW), **parameters)
        transport = options.files(folder)
        sources = dict(transport.sources)
        sources[driver] = {**sources[driver], "source.monitor-interval": "50 ms"}
        (folder / driver).mkdir(parents=True, exist_ok=True)
        env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        env.get_config().set("parallelism.default", "1")
        env.get_config().set("pipeline.auto-watermark-interval", "0 ms")
        env.get_config().set("table.local-time-zone", "UTC")
        for name in ("sources", "join", "aggregation"):
            text = render.stage(pipeline, name, options.Transport(sources, transport.sinks, transport.arrival))
            for statement in statements(text):
                if statement.text.startswith("CREATE"):
                    env.execute_sql(statement.text)
        query = "SELECT campaign_id, impression_count, click_count FROM window_counts"
        self._rows: Iterator[Sequence[Any]] = env.execute_sql(query).collect()
        self._files = 0

    def put(self, *events: Event) -> None:
        """Let the driver's topic go on with these events, in this order."""
        self._files += 1
        path = self._folder / f"{self._files}.json"
        write_lines(path, events)
        path.replace(self._folder / self._driver / f"{self._files:03d}.json")

    def until(self, campaign: str) -> Counts:
        """The windows, by campaign, up to the first one of a campaign: impressions and clicks."""
        found: Counts = {}
        for row in self._rows:
            found[row[0]] = (row[1], row[2])
            if row[0] == campaign:
                break
        return found

    def close(self) -> None:
        """End the job."""
        self._rows.close()  # type: ignore[attr-defined]
