"""The function's core in a Java process without Flink: cases in, rows out, by lines of text."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.builders.compiled import JAVA
from tests.functions.model import NEVER, Click, Impression, Plain, Rules

Step = Impression | Click | str
"""An event, or a line of the driver's own: `w` and a watermark, `f`, `s`, `k`, `b`, `in` or `out`."""


class Driver:
    """The process.

    Args:
        classes: the folder of compiled classes.
    """

    def __init__(self, classes: Path) -> None:
        self._process = subprocess.Popen(
            [JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "adclick.AttributionDriver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, rules: Rules, steps: Sequence[Step], buckets: int = 1) -> Rows:
        """Run a case to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        times = (rules.window, rules.attribution, rules.skew, rules.dedup, rules.unique, rules.early)
        lines: list[tuple[object, ...]] = [("case", buckets, *times, rules.dimensions, rules.measures, rules.keys)]
        lines += [_line(step) for step in steps]
        lines += [("end",)]
        self._process.stdin.write("".join("\t".join(map(str, line)) + "\n" for line in lines))
        self._process.stdin.flush()
        found = []
        while (line := self._process.stdout.readline().rstrip("\n")) != "done":
            assert line, "the driver ended"
            found.append(line.split("\t"))
        return Rows(rules, found)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


class Rows:
    """What the driver said of a case."""

    def __init__(self, rules: Rules, lines: list[list[str]]) -> None:
        self._rules, self.lines = rules, lines
        self.errors = [line for line in lines if line[0] == "error"]

    def cells(self, kind: str) -> Plain:
        """Final, early or live rows, summed up as the SQL does it."""
        impressions: dict[tuple[int, tuple[str | None, ...]], int] = defaultdict(int)
        clicks: dict[object, set[str]] = defaultdict(set)
        valid: dict[object, set[str]] = defaultdict(set)
        added: dict[object, int] = defaultdict(int)
        sums: dict[object, list[int]] = defaultdict(lambda: [0] * self._rules.measures)
        for _, window, shown, click, is_valid, *rest in (line for line in self.lines if line[0] == kind):
            dimensions = tuple(None if text == "\\N" else text for text in rest[: self._rules.dimensions])
            cell = int(window), dimensions
            impressions[cell] += int(shown)
            if kind == "live":
                added[cell] += int(click)
            elif click:
                clicks[cell].add(click)
                if is_valid == "1":
                    valid[cell].add(click)
            for at, value in enumerate(rest[self._rules.dimensions :]):
                sums[cell][at] += int(value)
        return {
            cell: (count, len(valid[cell]), added[cell] + len(clicks[cell]), tuple(sums[cell]))
            for cell, count in impressions.items()
        }

    def late(self, kind: str) -> list[str]:
        """The ids of late impressions (`i`) or clicks (`c`), in the order in which they came."""
        return [line[3] for line in self.lines if line[0] == "late" and line[2] == kind]


def arrive(steps: Sequence[Step]) -> list[Impression | Click]:
    """The events of a case with the watermark that each of them saw."""
    watermark, events = NEVER, []
    for step in steps:
        if isinstance(step, str):
            if step.startswith("w "):
                watermark = max(watermark, int(step.split()[1]))
        else:
            events.append(type(step)(**vars(step) | {"seen": watermark}))
    return events


def _line(step: Step) -> tuple[object, ...]:
    if isinstance(step, str):
        return tuple(step.split())
    if isinstance(step, Click):
        return "c", step.time, step.id, step.of
    texts = ("\\N" if text is None else text for text in (*step.dimensions, *step.keys))
    return "i", step.time, step.id, *texts, *step.measures
