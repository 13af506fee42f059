"""The SQL gateway: the same jobs as through sql-client, the same errors, and a service like the others."""

from __future__ import annotations

import re

import pytest

from adclick_cli import settings
from adclick_cli.errors import FlinkError
from adclick_cli.flink import gateway, submit
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.sql import render
from adclick_cli.sql.script import statements
from tests.builders.wrong_sql import SCRIPT, UNKNOWN
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster


def _plan(cluster: Cluster, job: str) -> list[tuple[str, int]]:
    """The job's vertices: operators, as the planner has chained them, and parallelism.

    Without the operators' numbers: a planner counts on from job to job, and a gateway's has planned others before.
    """
    vertices = FlinkRest(f"http://127.0.0.1:{cluster.env['ADCLICK_UI_PORT']}").job(job)["vertices"]
    return sorted((re.sub(r"\[\d+\]", "", vertex["name"]), vertex["parallelism"]) for vertex in vertices)


def _service(cluster: Cluster) -> dict[str, object]:
    found: list[dict[str, object]] = cluster.json("status")["services"]
    return next(one for one in found if one["name"] == "gateway")


@pytest.mark.long
def test_the_gateway_starts_the_same_jobs_as_sql_client(cluster: Cluster) -> None:
    env = cluster.own_topics("gateway")
    by_client = cluster.rows("submit", "--replace", "--via", "sql-client", env=env)
    by_gateway = cluster.rows("submit", "--replace", "--via", "gateway", env=env)
    assert [(job["name"], job["state"]) for job in by_gateway] == [(job["name"], "RUNNING") for job in by_client]
    for before, after in zip(by_client, by_gateway, strict=True):
        assert before["id"] != after["id"]
        assert _plan(cluster, before["id"]) == _plan(cluster, after["id"])
    cluster.run("cancel")
    assert _service(cluster)["state"] == "running"


def test_of_a_submission_that_is_refused_in_part_no_job_stays(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = render.script

    def broken(*args: object) -> str:
        script = str(rendered(*args))  # type: ignore[arg-type]
        last = [one for one in statements(script) if one.starts_job][-1].text
        return script.replace(last, last.replace("window_end AS", "nothing AS", 1))

    env = {**cluster.env, **cluster.own_topics("refused"), "ADCLICK_VIA": "gateway"}
    given = {name.removeprefix("ADCLICK_").lower(): value for name, value in env.items() if name.startswith("ADCLICK_")}
    loaded = settings.load(**given)
    told: list[str] = []
    monkeypatch.setattr(render, "script", broken)
    with pytest.raises(FlinkError, match="Column 'nothing' not found in any table"):
        submit.submit(loaded, loaded.pipeline(), replace=True, report=told.append)
    # The other one had been planned beside it, and had been started.
    names = {job.name: job.state for job in FlinkRest(loaded.flink_rest).jobs()[:1]}
    assert names == {render.JOBS[0]: "CANCELED"}
    assert not [job for job in FlinkRest(loaded.flink_rest).jobs() if job.active]


def test_a_refused_statement_is_told_as_sql_client_tells_it(cluster: Cluster) -> None:
    port = cluster.env["ADCLICK_GATEWAY_PORT"]
    cluster.run("up", "--gateway")
    assert _service(cluster)["ports"] == {"ADCLICK_GATEWAY_PORT": int(port)}
    with pytest.raises(FlinkError) as unknown:
        gateway.run(f"http://127.0.0.1:{port}", SCRIPT.replace("1 AS one,\n    thing", "thing"), lambda: None)
    assert unknown.value.what == "Flink refused the statement at line 4 of the script"
    assert unknown.value.why == f"{UNKNOWN}\nLine 7: thing"
    with pytest.raises(FlinkError) as syntax:
        gateway.run(f"http://127.0.0.1:{port}", SCRIPT, lambda: None)
    assert 'Encountered "one" at line 7, column 10.' in syntax.value.why
    assert syntax.value.why.endswith("Line 7: 1 AS one,")
