"""A job that reads more events as they are put in, and its windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adclick_cli.casebook.model import RECORD
from adclick_cli.parameters import Duration
from adclick_cli.sql import options
from tests.flink.conftest import EmbeddedFlink, Event, pipeline_of, write_lines

DELAY, ATTRIBUTION, WINDOW = 5_000, 60_000, 60_000
FAR = 3_600_000
Counts = dict[str, tuple[int, int]]


class Windows:
    """The windows of a job that reads more events as they are put in: `driver`'s topic decides the watermark.

    Args:
        embedded: where it runs.
        folder: where the events are.
        driver: impressions or clicks.
        rules: parameters besides the three above.
    """

    def __init__(self, embedded: EmbeddedFlink, folder: Path, driver: str, **rules: Any) -> None:
        self._folder, self._driver = folder, driver
        parameters: dict[str, Any] = {"attribution": Duration(ATTRIBUTION), "watermark_delay": Duration(DELAY), **rules}
        pipeline = pipeline_of(window=Duration(WINDOW), **parameters)
        transport = options.files(folder, pipeline)
        sources = dict(transport.sources)
        self._portable = pipeline.portable
        table = driver if pipeline.portable else f"{RECORD[driver].name}_records"
        sources[table] = {**sources[table], "source.monitor-interval": "50 ms"}
        (folder / driver).mkdir(parents=True, exist_ok=True)
        where = options.Transport(sources, transport.sinks, transport.arrival)
        tables = embedded.tables(pipeline, where, "sources", "join", "aggregation")
        query = "SELECT campaign_id, impression_count, click_count FROM window_counts"
        self._rows = tables.executeSql(query).collect()
        self._files = 0

    def put(self, *events: Event) -> None:
        """Let the driver's topic go on with these events, in this order."""
        self._files += 1
        path = self._folder / f"{self._files}.json"
        write_lines(path, events, portable=self._portable)
        path.replace(self._folder / self._driver / f"{self._files:03d}.json")

    def until(self, campaign: str) -> Counts:
        """The windows, by campaign, up to the first one of a campaign: impressions and clicks."""
        found: Counts = {}
        while self._rows.hasNext():
            row = self._rows.next()
            name = str(row.getField(0))
            found[name] = (int(row.getField(1)), int(row.getField(2)))
            if name == campaign:
                break
        return found

    def close(self) -> None:
        """End the job."""
        self._rows.close()
