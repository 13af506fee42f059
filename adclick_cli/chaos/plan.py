"""Which fault comes when: decided by a seed before anything is broken."""

from __future__ import annotations

import random
from dataclasses import dataclass

from adclick_cli.errors import ParameterError
from adclick_cli.parameters import parse_count


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: as the user writes it.
        services: the processes that it hits.
        does: kill (SIGKILL), pause (SIGSTOP, and SIGCONT when the outage is over) or stop (ended, and started again
            when the outage is over).
    """

    name: str
    services: tuple[str, ...]
    does: str

    @property
    def has_outage(self) -> bool:
        """Whether the service stays away for a given time; a killed one is started again at once."""
        return self.does != "kill"


ALL_SERVICES = ("broker", "zookeeper", "jobmanager", "taskmanager")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("taskmanager", ("taskmanager",), "kill"),
        Kind("jobmanager", ("jobmanager",), "kill"),
        Kind("broker", ("broker",), "kill"),
        Kind("zookeeper", ("zookeeper",), "kill"),
        Kind("everything", ALL_SERVICES, "kill"),
        Kind("broker-pause", ("broker",), "pause"),
        Kind("broker-stop", ("broker",), "stop"),
    )
}


@dataclass(frozen=True)
class Fault:
    """One fault to come.

    Attributes:
        kind: what happens.
        after_s: how long after the recovery from the one before, seconds.
    """

    kind: Kind
    after_s: float


def parse_kinds(text: str) -> tuple[Kind, ...]:
    """Kinds from a list with commas.

    Raises:
        ParameterError: there is no such kind, or none at all.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in KINDS:
            raise ParameterError("kinds", name, "There is no such fault.", f"Use some of {', '.join(KINDS)}.")
    if not names:
        raise ParameterError("kinds", text, "It names no fault.", f"Use some of {', '.join(KINDS)}.")
    return tuple(KINDS[name] for name in names)


def faults(kinds: tuple[Kind, ...], count: int, seed: int, longest_gap_s: float) -> list[Fault]:
    """The faults of a run: the kinds in turn, each turn in another order, at random times.

    Args:
        kinds: which.
        count: how many in all.
        seed: the same seed gives the same faults.
        longest_gap_s: between a recovery and the next fault pass 0 to so many seconds. More than the checkpoint
            interval lets faults hit every part of it.
    """
    parse_count(count, "faults", at_least=1, at_most=10_000)
    chance = random.Random(f"adclick chaos/{seed}")  # noqa: S311 - to be repeatable, not to be secret
    found: list[Fault] = []
    while len(found) < count:
        turn = list(kinds)
        chance.shuffle(turn)
        found += [Fault(kind, round(chance.uniform(0, longest_gap_s), 3)) for kind in turn]
    return found[:count]
