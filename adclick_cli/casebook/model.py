"""What a file of cases says, in plain types. Times are ms after the case's start unless they say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from adclick_cli import schema
from adclick_cli.errors import EXIT_USAGE, AdclickError
from adclick_cli.pipeline import Pipeline

Topic = Literal["impressions", "clicks"]
TOPICS: tuple[Topic, ...] = ("impressions", "clicks")
RECORD = {"impressions": schema.IMPRESSION, "clicks": schema.CLICK}

Compact = Mapping[str, Any]
"""A row as a file writes it: some of the fields, under short names."""

RECORDS = ("ctr", "engagement", "alerts", "dead_letters", "late")
Mode = Literal["exact", "contains"]
MODES: tuple[Mode, ...] = ("exact", "contains")


class CaseFileError(AdclickError):
    """A file of cases cannot be read. The message names file, line and field.

    Args:
        path: the file.
        line: its line, from 1.
        field: what is wrong there, as the file calls it.
        why: what is wrong with it.
        mend: what to write instead.
    """

    exit_code = EXIT_USAGE

    def __init__(self, path: Path, line: int, field: str, why: str, mend: str) -> None:
        super().__init__(f"{path}, line {line}: {field} cannot be used", why, mend)
        self.line, self.field = line, field


@dataclass(frozen=True)
class Impression:
    """An impression; its browser and cost, which no result reads, are made up."""

    id: str
    campaign: str
    device: str
    at_ms: int
    partition: int = 0
    user: str | None = None
    ad: str | None = None


@dataclass(frozen=True)
class Click:
    """A click of the impression `of`."""

    id: str
    of: str
    at_ms: int
    partition: int = 0
    user: str | None = None


@dataclass(frozen=True)
class Beat:
    """A heartbeat: it moves its partition's watermark, and nothing counts it."""

    topic: Topic
    at_ms: int
    partition: int = 0


@dataclass(frozen=True)
class Raw:
    """A message as it is; None is a tombstone."""

    topic: Topic
    value: bytes | None
    partition: int = 0


@dataclass(frozen=True)
class Watermark:
    """Heartbeats in every partition of both topics that lift the watermark to this very time."""

    at_ms: int


Step = Impression | Click | Beat | Raw | Watermark


@dataclass(frozen=True)
class Expectation:
    """Rows of one kind that must come out.

    Attributes:
        mode: `exact`: these and no others; `contains`: these at least.
        rows: compact rows; of `late` the texts of the events.
        line: where it stands in the file, from 1.
    """

    mode: Mode
    rows: tuple[Compact, ...]
    line: int


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        path, line: where it is.
        place: its index among the cases of its file.
        name: unique in its file.
        pipeline: its parameters, bounded, without the live lane.
        start_ms: the instant that its times are counted from, ms since the epoch.
        arrived_ms: when every message reached the broker, after the start; None is the time of the newest event.
        given: its events in the order of arrival.
        expect: by kind of row.
    """

    path: Path
    line: int
    place: int
    name: str
    pipeline: Pipeline
    start_ms: int
    arrived_ms: int | None
    given: tuple[Step, ...]
    expect: Mapping[str, Expectation]
