"""The SQL gateway where there is none: said before anything is started, ended or emptied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.errors import FlinkError, ParameterError, RuntimeFailure
from adclick_cli.flink import gateway, submit
from adclick_cli.runtime import choose

pytestmark = pytest.mark.usefixtures("no_settings")
TRACE = (
    "<Exception on server side:\norg.apache.Outer: Failed to fetchResults.\n\tat some.Place(Place.java:1)\n"
    "Caused by: org.apache.Middle: no\n\tat some.Place(Place.java:2)\n\t... 3 more\n"
    'Caused by: org.apache.ParseException: Encountered "x"\nWas expecting:\n    <EOF> \n\tat some.Place(Place.java:3)\n'
    "\nEnd of exception on server side>"
)


def _silent(_: str) -> None:
    pass


def _progress(_done: int, _total: int) -> None:
    pass


def test_the_reason_is_the_last_cause_without_its_trace() -> None:
    answer = json.dumps({"errors": ["Internal server error.", TRACE]})
    assert gateway.reason(answer) == 'org.apache.ParseException: Encountered "x"\nWas expecting:\n    <EOF>'
    assert gateway.reason(json.dumps({"errors": [TRACE.split("Caused by")[0]]})) == (
        "org.apache.Outer: Failed to fetchResults."
    )
    assert gateway.reason(json.dumps({"errors": ["Not found: /v3/x"]})) == "Not found: /v3/x"
    assert gateway.reason(" no JSON ") == "no JSON"


def test_a_gateway_that_does_not_answer_is_named() -> None:
    with pytest.raises(FlinkError, match=r"the SQL gateway does not answer at http://127\.0\.0\.1:1\n"):
        gateway.run("http://127.0.0.1:1", "SET 'a' = 'b';\n", lambda: None)


@pytest.mark.parametrize("given", [{"runtime": "compose"}, {"flink_url": "http://127.0.0.1:1"}])
def test_a_runtime_without_a_gateway_says_so_first(given: dict[str, str], tmp_path: Path) -> None:
    loaded = settings.load(home=tmp_path, via="gateway", gateway=True, **given)
    with pytest.raises(RuntimeFailure, match=r"no SQL gateway on the (compose|remote) runtime"):
        submit.submit(loaded, loaded.pipeline(), replace=True, report=_silent)
    with pytest.raises(RuntimeFailure, match=r"no SQL gateway on the (compose|remote) runtime"):
        choose.start(loaded, _progress, _silent)
    assert list(tmp_path.iterdir()) == []


def test_without_a_cluster_there_is_nothing_to_submit_to(tmp_path: Path) -> None:
    loaded = settings.load(home=tmp_path, runtime="local", via="gateway")
    with pytest.raises(RuntimeFailure, match="the jobmanager does not run"):
        submit.submit(loaded, loaded.pipeline(), replace=False, report=_silent)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ParameterError, match="via: 'carrier pigeon'"):
        settings.load(via="carrier pigeon")
