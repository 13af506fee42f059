"""What a submission writes down, and whose jobs run: told apart by what Flink says of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adclick_cli import settings, submission
from adclick_cli.broker import admin
from adclick_cli.errors import AlreadyRunningError, FlinkError, ParameterError, RuntimeFailure
from adclick_cli.flink import own, sqlclient, submit, tables
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.settings import Settings
from adclick_cli.sql import render
from adclick_cli.submission import Submission

pytestmark = pytest.mark.usefixtures("no_settings")

OLD = Pipeline()
NEW = replace(OLD, window=Duration(30_000))
LATER = replace(OLD, window=Duration(20_000))


class _Flink(ThreadingHTTPServer):
    """A JobManager's REST interface with jobs that run."""

    marks: tuple[str | None, ...] = ()

    def answer(self, path: str) -> object:
        if path == "/jobs/overview":
            names = zip(render.JOBS * 2, self.marks, strict=False)
            return {
                "jobs": [
                    {"jid": f"job{number}", "name": name, "state": "RUNNING", "start-time": number}
                    for number, (name, _) in enumerate(names)
                ]
            }
        mark = self.marks[int(path.removeprefix("/jobs/job").removesuffix("/config"))]
        return {"execution-config": {"user-config": {} if mark is None else {render.MARK: mark}}}


class _Handler(BaseHTTPRequestHandler):
    server: _Flink

    def do_GET(self) -> None:
        body = json.dumps(self.server.answer(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def flink() -> Iterator[_Flink]:
    server = _Flink(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def loaded(flink: _Flink, tmp_path: Path) -> Settings:
    (tmp_path / "home" / "run").mkdir(parents=True)
    return settings.load(runtime="local", ui_port=flink.server_port)


def _submitted(pipeline: Pipeline) -> Submission:
    return Submission(pipeline, (), pipeline.fingerprint)


def test_the_script_marks_its_jobs_with_the_pipelines_fingerprint() -> None:
    line = f"SET 'pipeline.global-job-parameters' = '{render.MARK}:{NEW.fingerprint}';"
    assert line in render.script(NEW).splitlines()
    assert line not in render.script(OLD).splitlines()


def test_the_record_keeps_the_fingerprint_and_an_older_record_has_none() -> None:
    submitted = _submitted(NEW)
    assert Submission.from_json(submitted.to_json()) == submitted
    older = json.loads(submitted.to_json())
    del older["fingerprint"]
    assert Submission.from_json(json.dumps(older)).fingerprint == ""


def test_what_is_wanted_is_written_down_before_anything_is_submitted(
    loaded: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever kills adclick after that finds the new parameters, as the jobs have them."""
    submission.save(loaded, _submitted(OLD))
    seen: list[Pipeline | None] = []

    def killed(*_: object, **__: object) -> None:
        seen.append(submission.current_pipeline(loaded))
        raise SystemExit

    monkeypatch.setattr(submit, "run_script", killed)
    with pytest.raises(SystemExit):
        submit._start(loaded, FlinkRest(loaded.flink_rest), _submitted(NEW), {}, print, lambda: None)
    assert seen == [NEW]
    assert submission.current(loaded) == _submitted(NEW)


@pytest.mark.parametrize("error", [FlinkError("refused"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [None, _submitted(OLD)])
def test_a_submission_that_fails_or_is_interrupted_ends_its_own_jobs_alone_and_leaves_the_record_as_it_was(
    loaded: Settings,
    flink: _Flink,
    monkeypatch: pytest.MonkeyPatch,
    before: Submission | None,
    error: BaseException,
) -> None:
    if before:
        submission.save(loaded, before)
    written = submission.saved_ns(loaded)
    flink.marks = (OLD.fingerprint,)
    cancelled: list[str] = []

    def half(*_: object, **__: object) -> None:
        flink.marks = (OLD.fingerprint, NEW.fingerprint, LATER.fingerprint)
        raise error

    monkeypatch.setattr(submit, "run_script", half)
    monkeypatch.setattr(submit, "cancel", lambda *given: cancelled.extend(job.id for job in given[3]))
    with pytest.raises(type(error)):
        submit._start(loaded, FlinkRest(loaded.flink_rest), _submitted(NEW), {}, print, lambda: None)
    assert cancelled == ["job1"]
    assert submission.current(loaded) == before
    # A savepoint that is newer than the record still waits.
    assert submission.saved_ns(loaded) == written


def test_a_submission_that_fails_late_leaves_the_record_of_a_later_one(loaded: Settings) -> None:
    submission.save(loaded, _submitted(OLD))
    restore = submission.save(loaded, _submitted(NEW))
    submission.save(loaded, _submitted(LATER))
    restore()
    assert submission.current(loaded) == _submitted(LATER)


def test_a_bounded_submission_gives_the_lock_back_once_its_first_job_runs(
    loaded: Settings, flink: _Flink, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def client(_: object, __: object, ___: object, look: object) -> None:
        for marks in ((), (NEW.fingerprint,), (NEW.fingerprint,)):
            flink.marks = marks
            assert callable(look)
            look()
            told.append(f"{len(marks)} jobs")

    monkeypatch.setattr(sqlclient, "run", client)
    monkeypatch.setattr(submit, "choose", lambda _: _Local())
    monkeypatch.setattr(tables, "hand_over_secrets", lambda _: None)
    rest = FlinkRest(loaded.flink_rest)
    submit.run_script(loaded, rest, "", "submit", print, begun=lambda: told.append("given back"))
    assert told == ["0 jobs", "given back", "1 jobs", "1 jobs"]


class _Local:
    def sql_client_command(self, _: object) -> None:
        pass

    def services(self) -> list[object]:
        return []


def test_jobs_of_another_home_are_known_by_their_fingerprint(loaded: Settings, flink: _Flink) -> None:
    rest = FlinkRest(loaded.flink_rest)
    flink.marks = (NEW.fingerprint, None)

    def strangers() -> list[str]:
        return [job.id for job in own.of_others(loaded, rest, rest.jobs())]

    assert strangers() == ["job0"]
    submission.save(loaded, _submitted(OLD))
    assert strangers() == ["job0"]
    submission.save(loaded, Submission(OLD))
    assert strangers() == []
    submission.save(loaded, _submitted(NEW))
    assert strangers() == []


def test_verify_judges_no_jobs_that_have_other_parameters(loaded: Settings, flink: _Flink) -> None:
    submission.save(loaded, _submitted(OLD))
    flink.marks = (NEW.fingerprint, OLD.fingerprint)
    with pytest.raises(FlinkError, match="other parameters than the last submission from this home") as refused:
        own.require_current(loaded)
    assert refused.value.why == "adclick ctr (job job0) was submitted from another home or by hand."
    assert "ADCLICK_HOME" in refused.value.mend
    flink.marks = (OLD.fingerprint, OLD.fingerprint)
    own.require_current(loaded)


def test_replace_ends_no_jobs_of_another_home_on_a_remote_cluster(
    loaded: Settings, flink: _Flink, monkeypatch: pytest.MonkeyPatch
) -> None:
    flink.marks = (OLD.fingerprint, OLD.fingerprint)
    monkeypatch.setattr(admin, "message_counts", lambda *_: {})
    url = f"http://127.0.0.1:{flink.server_port}"
    remote = loaded.model_copy(update={"flink_url": url})
    with pytest.raises(AlreadyRunningError, match=f"jobs of another home run on {url}") as refused:
        submit._make_room(remote, FlinkRest(url), NEW, replace=True, report=print)
    assert "adclick ctr is RUNNING (job job0)." in refused.value.why
    assert "`adclick cancel`" in refused.value.mend
    with pytest.raises(AlreadyRunningError, match="a submission is there already") as refused:
        submit._make_room(remote, FlinkRest(url), NEW, replace=False, report=print)
    assert "Job job0 was not submitted from this home." in refused.value.why


def test_jobs_that_another_home_has_started_at_the_same_time_are_noticed(
    loaded: Settings, flink: _Flink, monkeypatch: pytest.MonkeyPatch
) -> None:
    flink.marks = (NEW.fingerprint, OLD.fingerprint)
    cancelled: list[str] = []
    monkeypatch.setattr(submit, "cancel", lambda *given: cancelled.extend(job.id for job in given[3]))
    with pytest.raises(AlreadyRunningError, match="another submission started at the same time") as refused:
        submit._require_no_others(loaded, FlinkRest(loaded.flink_rest), NEW, ["job0"], print)
    assert cancelled == ["job0"]
    assert "job job1" in refused.value.why


@pytest.mark.parametrize("via", ["sql-client", "gateway"])
def test_submit_touches_no_jobs_of_another_home_that_has_the_same_ports(
    loaded: Settings, flink: _Flink, via: str
) -> None:
    flink.marks = (OLD.fingerprint, OLD.fingerprint)
    (loaded.home / "flink" / "bin").mkdir(parents=True)
    (loaded.home / "flink" / "bin" / "sql-client.sh").touch()
    with pytest.raises(RuntimeFailure, match="the jobmanager") as refused:
        submit.submit(loaded.model_copy(update={"via": via}), NEW, replace=True, report=print)
    assert "`adclick up`" in refused.value.mend


@pytest.mark.parametrize("chosen", [{"flink_url": "http://127.0.0.1:1"}, {"runtime": "compose"}, {"runtime": "local"}])
def test_every_runtime_takes_the_function(chosen: dict[str, str]) -> None:
    assert not submit.inside(settings.load(**chosen), Pipeline()).portable


@pytest.mark.parametrize("asked", [{"early": "15s"}, {"dedup_window": "2s"}, {"unique_ids": "1m"}])
def test_plain_sql_refuses_what_it_has_no_state_for(asked: dict[str, str]) -> None:
    (name,) = asked
    assert getattr(settings.load(**asked).pipeline(), name).ms > 0
    with pytest.raises(ParameterError, match="Plain SQL cannot do it") as refused:
        settings.load(**asked, portable=True).pipeline()
    assert refused.value.field == name.replace("_", "-")


def test_plain_sql_writes_no_dead_letters() -> None:
    assert settings.load().pipeline().dead_letters
    assert not settings.load(portable=True).pipeline().dead_letters
