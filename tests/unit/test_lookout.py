"""A job whose TaskManager has died is not waited for; one whose TaskManager comes back is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adclick_cli.errors import FlinkError
from adclick_cli.flink import lookout
from adclick_cli.runtime.service import ServiceStatus


@dataclass
class Cluster:
    state: str = "running"
    lines: list[str] = field(default_factory=list)

    def services(self) -> list[ServiceStatus]:
        states = {"broker": "running", "taskmanager": self.state, "heartbeat": "dead"}
        return [ServiceStatus(name, state, None, 0, {}, "") for name, state in states.items()]

    def logs(self, service: str, *, follow: bool, tail: int) -> Iterator[str]:
        assert (service, follow) == ("taskmanager", False)
        yield from self.lines[-tail:]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(lookout, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def _looks(look: lookout.Lookout, clock: list[float], seconds: float) -> None:
    for _ in range(int(seconds)):
        clock[0] += 1
        look()


def test_one_that_comes_back_is_waited_for_as_often_as_it_dies(clock: list[float]) -> None:
    cluster, told = Cluster(), list[str]()
    look = lookout.Lookout(cast(Any, cluster), told.append)
    for _ in range(3):
        cluster.state = "dead"
        _looks(look, clock, lookout.PATIENCE_S - lookout.LOOK_S)
        cluster.state = "running"
        _looks(look, clock, 2 * lookout.PATIENCE_S)
    assert told == ["The taskmanager has died. Start it again with `adclick up`, and the job goes on."] * 3


@pytest.mark.parametrize(
    ("lines", "why", "mend"),
    [
        (
            ["started", "java.lang.OutOfMemoryError: Java heap space", "\tat somewhere"],
            "java.lang.OutOfMemoryError: Java heap space",
            "ADCLICK_TASKMANAGER_MEMORY_MB",
        ),
        (["started"], "", "adclick logs taskmanager"),
    ],
)
def test_one_that_stays_away_ends_the_waiting_with_its_reason(
    clock: list[float], lines: list[str], why: str, mend: str
) -> None:
    cluster = Cluster("dead", lines)
    look = lookout.Lookout(cast(Any, cluster), lambda _: None)
    _looks(look, clock, lookout.PATIENCE_S)
    with pytest.raises(FlinkError, match="the taskmanager has died") as raised:
        _looks(look, clock, 2 * lookout.LOOK_S + 1)
    assert raised.value.why == why
    assert mend in raised.value.mend
