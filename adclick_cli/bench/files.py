"""A benchmark's record on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from adclick_cli import private
from adclick_cli.bench.chart import Bar, svg
from adclick_cli.bench.measures import Measured
from adclick_cli.bench.suites import Result


def write(results: Sequence[Result], json_file: Path | None, picture: Path | None) -> None:
    """Write what was asked for: one file of JSON for all suites, and a picture for each.

    Args:
        results: one of each suite.
        json_file: an object for each suite, as one JSON array.
        picture: of the only suite; of several, the suite's name stands before the ending.

    Raises:
        ParameterError: a file cannot be written.
    """
    if json_file is not None:
        text = json.dumps([one.to_json() for one in results], indent=2, ensure_ascii=False)
        private.write_for_user("record", json_file, text + "\n")
    if picture is not None:
        for one in results:
            path = picture if len(results) == 1 else picture.with_stem(f"{picture.stem}-{one.suite}")
            private.write_for_user("svg", path, svg(*bars(one)))


def bars(result: Result) -> tuple[list[Bar], str]:
    """What a picture of the result shows, and its title; of several units the first one only."""
    if not isinstance(result, Measured):
        sides = [
            Bar(one.side, one.least_s, one.median_s, one.most_s, f"{one.median_s:.1f} s · {one.events_per_s:,}/s")
            for one in result.figures
        ]
        return sides, f"{result.suite}: {result.events:,} events, seconds"
    unit = result.measures[0].unit
    alike = [one for one in result.measures if one.unit == unit]
    drawn = [Bar(one.what, one.least, one.median, one.most, f"{one.median:g} {unit}") for one in alike]
    return drawn, f"{result.suite}: {unit}"
