"""The metrics relay, and what the shipped dashboard and rules look like."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import requests
import yaml

from adclick_cli import settings
from adclick_cli.errors import RuntimeFailure
from adclick_cli.runtime import memory, metrics
from adclick_cli.runtime.choose import start
from adclick_cli.runtime.compose import project
from adclick_cli.runtime.local import relay
from adclick_cli.runtime.local.runtime import LocalRuntime
from tests import observability

ROOT = Path(__file__).parents[2]
PUSHED = b"# TYPE flink_x gauge\nflink_x 1.0\n"


@dataclass
class Relay:
    """A relay that serves, and the clock that it goes by."""

    url: str
    now: float = 100.0

    def push(self, body: bytes = PUSHED, process: str = "taskmanager") -> int:
        return requests.put(self.url + metrics.PUSH_PATH.format(process), data=body, timeout=5).status_code

    def scrape(self) -> tuple[int, bytes]:
        answer = requests.get(self.url + metrics.PATH, timeout=5)
        return answer.status_code, answer.content


@pytest.fixture
def serving() -> Iterator[Relay]:
    made = Relay("")
    server = relay.server("taskmanager", 0, lambda: made.now)
    host, port = server.server_address[:2]
    assert host == "127.0.0.1"
    made.url = f"http://127.0.0.1:{port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_what_was_pushed_is_scraped_as_it_is(serving: Relay) -> None:
    assert serving.push() == 202
    assert serving.scrape() == (200, PUSHED)
    assert serving.push(b"newer") == 202
    assert serving.scrape() == (200, b"newer")


def test_a_process_that_pushes_no_more_is_down(serving: Relay) -> None:
    assert serving.scrape()[0] == 503
    serving.push()
    serving.now += relay.STALE_AFTER_S
    assert serving.scrape()[0] == 200
    serving.now += 1
    assert serving.scrape()[0] == 503


def test_nobody_else_can_push(serving: Relay) -> None:
    assert serving.push(process="jobmanager") == 404
    assert serving.push(b"") == 413
    assert serving.scrape()[0] == 503


def test_a_taken_port_names_its_setting(serving: Relay) -> None:
    with pytest.raises(RuntimeFailure, match="ADCLICK_METRICS_TASKMANAGER_PORT"):
        relay.server("taskmanager", int(serving.url.rpartition(":")[2]), lambda: 0.0)


@pytest.mark.usefixtures("no_settings")
def test_metrics_begin_and_end_with_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with memory.remembering(settings.load(metrics=True), "local"):
        pass
    assert settings.load().metrics
    monkeypatch.setattr("adclick_cli.runtime.choose._runs", lambda *_: True)
    # Were it not refused, a cluster would come up.
    monkeypatch.setattr(LocalRuntime, "up", lambda *_: pytest.fail("it was not refused"))
    with pytest.raises(RuntimeFailure, match="runs with metrics already"):
        start(settings.load(metrics=False, runtime="local"), lambda *_: None, lambda _: None)
    memory.forget_ports(settings.load())
    assert not settings.load().metrics


@pytest.mark.usefixtures("no_settings")
def test_containers_publish_metrics_on_this_machine_alone() -> None:
    words = project.command(settings.load(metrics=True), "up")
    added = yaml.safe_load(Path(words[words.index("--file") + 3]).read_text(encoding="utf-8"))["services"]
    assert set(added) == {"jobmanager", "taskmanager"}
    for name, service in added.items():
        default = getattr(settings.load(), f"metrics_{name}_port")
        variable = f"${{ADCLICK_METRICS_{name.upper()}_PORT:-{default}}}"
        assert service["ports"] == [f"127.0.0.1:{variable}:9249"]
        assert service["command"][:2] == [name, "-D"]
    assert "metrics.yml" not in " ".join(project.command(settings.load(), "up"))


def test_prometheus_scrapes_where_the_defaults_are() -> None:
    written = yaml.safe_load((observability.FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {
        job["job_name"]: target for job in written["scrape_configs"] for target in job["static_configs"][0]["targets"]
    }
    fields = settings.Settings.model_fields
    assert targets == {
        f"adclick-{name}": f"127.0.0.1:{fields[f'metrics_{name}_port'].default}"
        for name in ("jobmanager", "taskmanager")
    }


def test_the_dashboard_and_the_rules_are_whole() -> None:
    for expression in observability.expressions():
        promql_parser.parse(expression)
    assert len(observability.names_used()) > 15
    board: dict[str, Any] = observability.dashboard()
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in board["panels"]})
    for rule in observability.rules():
        assert set(rule["annotations"]) == {"summary", "mend"}, rule["alert"]
        assert re.search(r"adclick|ADCLICK|--", rule["annotations"]["mend"]), rule["alert"]
    told = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    for rule in observability.rules():
        assert f"`{rule['alert']}`" in told
