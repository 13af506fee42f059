"""The state of the jobs comes first in status, watch, doctor and verify, and the next command follows from it."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from adclick_cli import savepoints, settings, status, submission, why
from adclick_cli.broker import admin
from adclick_cli.commands import jobs as commands
from adclick_cli.doctor import judge
from adclick_cli.doctor.answer import answer
from adclick_cli.doctor.picture import JobLook
from adclick_cli.errors import AlreadyRunningError
from adclick_cli.flink import health, submit
from adclick_cli.flink.health import JobHealth
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.service import ServiceStatus
from adclick_cli.sql.render import JOB_ANOMALY, JOB_CTR
from adclick_cli.submission import Submission
from adclick_cli.verify import check
from adclick_cli.verify.check import Stopped, Verdict
from adclick_cli.verify.compare import Comparison
from tests.builders.flink import failure, flink, job
from tests.builders.pictures import NOW, T0, partition, picture, with_partition
from tests.builders.savepoint import taken

pytestmark = pytest.mark.usefixtures("no_settings")
TRACE = "org.apache.flink.JobException: gone\nCaused by: java.lang.ClassNotFoundException: zstd\n"
RESTARTING = [job(0, "RESTARTING", 0), job(1, "RUNNING")]
FAILED = {f"/jobs/{'0' * 32}/exceptions": failure(5_000, TRACE)}
TOLD = f"{JOB_CTR} is RESTARTING. java.lang.ClassNotFoundException: zstd"
RUNNING = Job("1" * 32, JOB_CTR, "RUNNING")


def test_the_sentence_names_job_state_and_cause() -> None:
    with flink(RESTARTING, FAILED) as url:
        found = health.of_cluster(FlinkRest(url))
    assert health.troubles(found) == [TOLD]
    assert health.sentence(found) == TOLD


@pytest.mark.parametrize(
    ("one", "trouble"),
    [
        (JobHealth(RUNNING), ""),
        (JobHealth(replace(RUNNING, state="FINISHED")), ""),
        (JobHealth(RUNNING, 3, 5_000, 6_000, "gone"), ""),
        (
            JobHealth(RUNNING, 3, 5_000, 4_000, "gone"),
            f"{JOB_CTR} was restarted 3 times and has completed no checkpoint since: no row is committed. gone",
        ),
        (JobHealth(replace(RUNNING, reason="1 of 2 tasks run.")), f"{JOB_CTR} is RUNNING, but 1 of 2 tasks run."),
        (JobHealth(replace(RUNNING, state="CANCELED")), f"{JOB_CTR} is CANCELED."),
    ],
    ids=["runs", "finished", "recovered", "fails again and again", "not all tasks", "cancelled"],
)
def test_a_job_that_fails_again_and_again_is_told_from_one_that_runs(one: JobHealth, trouble: str) -> None:
    assert one.trouble == trouble


def test_only_the_newest_run_of_a_job_counts() -> None:
    old = Job("2" * 32, JOB_CTR, "FAILED")
    assert health.newest([RUNNING, old, Job("3" * 32, "somebody else's", "FAILED")]) == {JOB_CTR: RUNNING}


def _services(state: str = "running") -> list[ServiceStatus]:
    return [ServiceStatus(name, state, 1, 1, {}, "") for name in ("broker", "jobmanager", "taskmanager")]


def test_status_is_not_healthy_while_a_job_restarts() -> None:
    loaded = settings.load()
    with flink(RESTARTING, FAILED) as url:
        rest = FlinkRest(url)
        found = status.Status("local", _services(), rest.jobs(), {}, "", health.of_cluster(rest))
    assert not found.healthy
    assert found.to_json()["trouble"] == TOLD
    assert status.next_step(loaded, found) == "adclick doctor, or adclick logs taskmanager"
    assert status.Status("local", _services(), [], {}, "").healthy, "nothing was submitted"
    cancelled = {JOB_CTR: JobHealth(replace(RUNNING, state="CANCELED"))}
    assert status.Status("local", _services(), [], {}, "", cancelled).healthy, "the user ended it"
    assert status.next_step(loaded, replace(found, services=_services("dead"))) == "adclick up, or adclick doctor"


def test_watch_says_the_state_of_the_jobs_and_not_that_they_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "list_topics", lambda servers: ["ctr_results", "ad-impressions"])
    with flink(RESTARTING, FAILED) as url:
        assert why.nothing_yet(settings.load(flink_url=url), "ctr") == (
            TOLD, "adclick doctor, or adclick logs taskmanager",
        )  # fmt: skip
    with flink([job(0, "FAILED"), job(1, "FAILED")], FAILED) as url:
        told, command = why.nothing_yet(settings.load(flink_url=url), "ctr")
    assert told.startswith(f"No job of adclick runs. {JOB_CTR} is FAILED. java.lang.ClassNotFoundException: zstd")
    assert command == "adclick submit"


def test_doctor_does_not_say_that_rows_are_complete_while_a_job_fails_again_and_again() -> None:
    plain = picture().jobs[JOB_CTR]
    looks = {
        JOB_CTR: replace(plain, restarts=4, cause="gone", fell_ms=NOW - 1_000, checkpoint_ms=None),
        JOB_ANOMALY: JobLook(Job("0" * 32, JOB_ANOMALY, "RUNNING"), T0, NOW),
    }
    quiet = picture(windows_ms=NOW + 20_000, jobs=looks)
    assert str(answer(quiet)) == (
        f"No new rows: job {JOB_CTR}: It was restarted 4 times and has completed no checkpoint since: no row is"
        " committed. gone Mend: adclick logs jobmanager"
    )
    assert [one.state for one in judge.jobs(quiet)] == ["wrong", "ok"]


@pytest.mark.parametrize("patience_s", [0.0, 0.03])
def test_verify_does_not_wait_for_rows_that_cannot_come(monkeypatch: pytest.MonkeyPatch, patience_s: float) -> None:
    """A job that has ended writes nothing; one that restarts gets some time to come back."""
    table = SimpleNamespace(refresh=lambda: None, table=lambda: None, fields=lambda: None, close=lambda: None)
    missing = Verdict({}, {"ctr": Comparison(compared=0, missing=5)}, None)
    monkeypatch.setattr(check, "TopicTable", lambda *_: table)
    monkeypatch.setattr(check, "event_tables", lambda *_: {"impressions": table, "clicks": table})
    monkeypatch.setattr(check, "check", lambda *_: missing)
    monkeypatch.setattr(check, "_written", lambda *_: 7)
    monkeypatch.setattr(check, "_hidden", lambda *_: [])
    monkeypatch.setattr(check, "SETTLED_S", 0.0)
    monkeypatch.setattr(check, "POLL_S", 0.01)
    monkeypatch.setattr(admin, "end_offsets", lambda *_: {})
    monkeypatch.setattr(check, "_begins", lambda *_: {})
    told: list[str] = []
    begun = time.monotonic()
    found = check.verify(
        settings.load().servers, Pipeline(), 60.0, told.append, stopped=lambda: Stopped(TOLD, patience_s)
    )
    assert patience_s <= time.monotonic() - begun < 5.0
    assert found.missing == 5
    assert told[-1] == f"Not waiting for 5 rows: {TOLD}"


def _save(loaded: settings.Settings, name: str = "20260131T120000Z") -> Path:
    return savepoints.save(loaded, taken(Pipeline(), name))


def test_the_next_submission_throws_away_no_savepoint_and_names_none_that_is_not_there() -> None:
    loaded = settings.load()
    assert health.next_submit(loaded) == "adclick submit"
    submission.save(loaded, Submission(Pipeline()))
    assert health.next_submit(loaded) == "adclick submit --replace"
    path = _save(loaded)
    os.utime(path, ns=(submission.saved_ns(loaded) + 1, submission.saved_ns(loaded) + 1))
    assert savepoints.waiting(loaded) == "20260131T120000Z"
    assert health.next_submit(loaded) == "adclick submit --from-savepoint latest"
    assert health.next_step(loaded, {}) == "adclick submit --from-savepoint latest"
    os.utime(path, ns=(submission.saved_ns(loaded) - 1, submission.saved_ns(loaded) - 1))
    assert savepoints.waiting(loaded) is None, "something was submitted since"
    assert health.next_submit(loaded) == "adclick submit --replace"


def test_savepoints_names_one_only_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    commands.savepoints("table")
    assert "Next: adclick stop --savepoint" in capsys.readouterr().err
    _save(settings.load())
    commands.savepoints("table")
    assert "Next: adclick submit --from-savepoint latest" in capsys.readouterr().err


def test_jobs_says_what_is_wrong_before_it_lists_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with flink(RESTARTING, FAILED) as url:
        commands.jobs(url, "json")
    told = capsys.readouterr()
    assert told.err.splitlines() == [TOLD, "Next: adclick doctor, or adclick logs taskmanager"]
    assert len(told.out.splitlines()) == 2
    with flink([]) as url:
        commands.jobs(url, "json")
    assert capsys.readouterr().err == "Next: adclick submit\n"


def test_submit_beside_a_savepoint_that_waits_names_it_before_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, pipeline = settings.load(), Pipeline()
    submission.save(loaded, Submission(pipeline))
    monkeypatch.setattr(admin, "message_counts", lambda servers, topics: {"ctr_results": 3})

    def refused() -> AlreadyRunningError:
        with flink([]) as url, pytest.raises(AlreadyRunningError) as error:
            submit._make_room(loaded, FlinkRest(url), pipeline, replace=False, report=lambda line: None)
        return error.value

    assert refused().mend.startswith("`adclick submit --replace` ends the jobs")
    _save(loaded)
    assert refused().mend.startswith("`adclick submit --from-savepoint latest` goes on from 20260131T120000Z.")


SECONDS = NOW // 1000


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (SECONDS, f"{SECONDS}: likely seconds. adclick reads milliseconds; taken for milliseconds it is 1970-01-21T"),
        (NOW * 1000, "likely microseconds. adclick reads milliseconds; taken for milliseconds it is too far ahead"),
        (NOW * 1_000_000, "likely nanoseconds"),
    ],
)
def test_event_timestamp_in_another_unit_is_a_warning_that_names_it(number: int, told: str) -> None:
    odd = with_partition(partition("ad-impressions", 1, odd=number), final_rows=False)
    [finding] = judge.event_times(odd)
    assert finding.state == "warning"
    assert "event_timestamp in partition 1 of ad-impressions is" in finding.what
    assert told in finding.what
    assert "milliseconds since 1970" in finding.mend
    assert "nothing is wrong" not in str(answer(odd))
    assert told in str(answer(odd))
    assert judge.event_times(picture()) == []


def test_the_number_of_a_messages_time_is_read_whatever_its_unit() -> None:
    from adclick_cli.catalog.builtin import CATALOG
    from adclick_cli.events import heartbeat

    assert heartbeat.stamp(CATALOG.clicks, b'{"event_timestamp": 1717243200}') == 1_717_243_200
    for value in (None, b"", b"[]", b"{}", b'{"event_timestamp": null}', b'{"event_timestamp": 1e400}', b"\xff"):
        assert heartbeat.stamp(CATALOG.clicks, value) is None
