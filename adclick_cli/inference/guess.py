"""What is guessed of a topic or a log; each guess has its evidence."""

from __future__ import annotations

from dataclasses import dataclass

from adclick_cli.catalog.model import SCALE, FieldType, TimeUnit
from adclick_cli.inference.names import Path


@dataclass(frozen=True)
class Guess:
    """A path.

    Attributes:
        path: where the value is.
        evidence: what speaks for it, one line.
    """

    path: Path
    evidence: str


@dataclass(frozen=True)
class FieldGuess:
    """A field; see `catalog.model.EventField`."""

    name: str
    path: Path
    evidence: str
    type: FieldType = "text"
    optional: bool = False
    default: str | None = None
    scale: int = SCALE


@dataclass(frozen=True)
class SourceGuess:
    """The events of a topic or log.

    Attributes:
        topic: its topic; None where the settings name it.
        evidence: what its messages are, one line each.
        id, parent, time, unit, fields: see `catalog.model.EventSource`.
        left_out: what is not declared, one line each.
    """

    topic: str | None
    evidence: tuple[str, ...]
    id: Guess
    time: Guess
    unit: TimeUnit
    parent: Guess | None = None
    fields: tuple[FieldGuess, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """A catalog.

    Attributes:
        impressions, clicks: the events; no clicks for a log, whose clicks `replay` makes.
        by: the fields of the proposed result.
        costs: whether impressions have a cost.
        joined: the share of clicks whose impression was found.
        servers: a broker that is not adclick's own, for the settings.
    """

    impressions: SourceGuess
    clicks: SourceGuess | None
    by: tuple[str, ...]
    costs: bool
    joined: float = 1.0
    servers: str | None = None
