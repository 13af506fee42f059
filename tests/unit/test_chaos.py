"""Chaos: its plan, its verdict and its record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from adclick_cli.chaos import plan
from adclick_cli.chaos.record import Record, markdown
from adclick_cli.chaos.recovery import Recovery
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.local.supervisor import supervise
from adclick_cli.runtime.service import Report, ServiceStatus, SqlClient
from adclick_cli.submission import Submission
from adclick_cli.verify.check import Verdict
from adclick_cli.verify.compare import Comparison

KINDS = plan.parse_kinds("taskmanager, jobmanager,broker,broker-pause")


def test_a_seed_decides_the_faults_and_every_kind_has_its_turn() -> None:
    made = plan.faults(KINDS, 10, 7, 10.0)
    assert made == plan.faults(KINDS, 10, 7, 10.0)
    assert made != plan.faults(KINDS, 10, 8, 10.0)
    assert {fault.kind for fault in made[:4]} == {fault.kind for fault in made[4:8]} == set(KINDS)
    assert [fault.kind for fault in made[:4]] != [fault.kind for fault in made[4:8]]
    assert len({fault.after_s for fault in made}) == 10
    assert all(0 <= fault.after_s <= 10 for fault in made)


@pytest.mark.parametrize("text", ["", "earthquake", "broker,earthquake"])
def test_an_unknown_kind_names_the_known_ones(text: str) -> None:
    with pytest.raises(ParameterError) as refused:
        plan.parse_kinds(text)
    assert "broker-pause" in refused.value.mend


def record() -> Record:
    def fault(number: int, kind: str, running: float, committed: float) -> Recovery:
        return Recovery(number, kind, "2026-01-31T12:00:00.000Z", 1.0, 0.0, running, committed)

    faults = [fault(1, "broker", 5.0, 9.0), fault(2, "broker", 7.0, 13.0), fault(3, "taskmanager", 8.0, 12.0)]
    sent = {"impressions": 2_000, "clicks": 200}
    verdict = Verdict({}, {"ctr": Comparison(compared=70), "alerts": Comparison(compared=3)}, 0)
    return Record(7, 2_000, 10, Submission(Pipeline()), faults, sent, dict(sent), verdict, True, 300)


def test_only_a_run_without_loss_repeat_or_gap_is_good() -> None:
    good = record()
    assert good.ok
    repeated = Verdict({}, {"ctr": Comparison(compared=70, repeated=1)}, 0)
    unrecovered = [*good.recoveries, dataclasses.replace(good.recoveries[0], committed_s=None)]
    for broken in (
        {"verdict": repeated},
        {"recoveries": unrecovered},
        {"held": {"impressions": 1_999, "clicks": 200}},
        {"covered": False},
    ):
        assert not dataclasses.replace(good, **broken).ok, broken


def test_recovery_is_shown_by_kind_and_never_hides_one_that_did_not_come() -> None:
    good = record()
    broker = good.by_kind()[0]
    assert (broker["fault"], broker["times"], broker["committed_s_median"], broker["committed_s_worst"]) == (
        "broker",
        2,
        11.0,
        13.0,
    )
    text = markdown(good)
    assert "| broker | 2 | 0.0 | 6.0 | 7.0 | 11.0 | 13.0 |" in text
    assert "differences: 0, of which repeated rows: 0" in text
    never = dataclasses.replace(good.recoveries[0], committed_s=None)
    assert "| 9.0 | never |" not in markdown(good)
    bad = dataclasses.replace(good, recoveries=[never, *good.recoveries[1:]])
    assert bad.by_kind()[0]["committed_s_worst"] is None
    assert "| never |" in markdown(bad)


class Cluster:
    """A runtime whose services die as a script says."""

    name = "scripted"
    flink_servers = "127.0.0.1:1"
    secrets_path = ""
    flink_home = ""

    def __init__(self, states: list[str], refusals: int) -> None:
        self.states = states
        self.refusals = refusals
        self.ups = 0

    def up(self, report: Report) -> None:
        self.ups += 1
        if self.refusals:
            self.refusals -= 1
            raise RuntimeFailure("the broker is not ready in time")

    def services(self) -> list[ServiceStatus]:
        return [ServiceStatus("broker", self.states.pop(0), None, 0, {}, "")]

    def supervise(self, wanted: bool, report: Report) -> None:
        raise NotImplementedError

    def down(self, *, delete_data: bool, report: Report) -> None:
        raise NotImplementedError

    def logs(self, service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
        raise NotImplementedError

    def keep_secrets(self, text: str) -> None:
        raise NotImplementedError

    def gateway(self, report: Report) -> str:
        raise NotImplementedError

    def sql_client_command(self, report: Report) -> SqlClient:
        raise NotImplementedError


def test_the_supervisor_starts_what_died_but_not_what_was_stopped() -> None:
    cluster = Cluster(["running", "dead", "running", "stopped", "running"], refusals=0)
    told: list[str] = []
    pauses: list[float] = []
    supervise(cluster, told.append, pauses.append, range(5))
    assert cluster.ups == 1
    assert told == ["Dead: broker."]
    assert pauses == [1.0, 2.0, 1.0, 1.0, 1.0]


def test_the_supervisor_tries_more_and_more_rarely_and_goes_on() -> None:
    cluster = Cluster(["dead"] * 7 + ["running"], refusals=6)
    told: list[str] = []
    pauses: list[float] = []
    supervise(cluster, told.append, pauses.append, range(8))
    assert cluster.ups == 7
    assert told.count("the broker is not ready in time") == 6
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 1.0]
