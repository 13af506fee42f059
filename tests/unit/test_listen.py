"""The cluster listens on 127.0.0.1 unless a flag says otherwise, and says what that opens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.parameters import parse_listen
from adclick_cli.runtime import choose, memory
from adclick_cli.runtime.local import broker, layout
from adclick_cli.runtime.local.archives import Archives
from tests.builders.program import run

pytestmark = pytest.mark.usefixtures("no_settings")


EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is refused


@pytest.mark.parametrize("text", [EVERYWHERE, "*", "", "::", "localhost", "224.0.0.1", "1.2.3", "127.0.0.1;x", "a'b"])
def test_what_is_not_one_interface_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="listen"):
        parse_listen(text, "listen")


def test_only_a_flag_opens_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("adclick.toml").write_text('listen = "10.0.0.1"\n')
    with pytest.raises(ParameterError, match=r"(?s)listen.*adclick\.toml.*--listen"):
        settings.load()
    Path("adclick.toml").unlink()
    monkeypatch.setenv("ADCLICK_LISTEN", "10.0.0.1")
    with pytest.raises(ParameterError, match="ADCLICK_LISTEN"):
        settings.load()
    monkeypatch.delenv("ADCLICK_LISTEN")
    assert not settings.load().reachable
    assert not settings.load(listen="127.0.0.2").reachable
    opened = settings.load(listen="10.0.0.1")
    assert opened.reachable
    assert str(opened.servers) == "10.0.0.1:9092"
    assert opened.flink_rest == "http://10.0.0.1:8081"


def test_only_what_people_reach_is_opened(tmp_path: Path) -> None:
    opened = settings.load(listen="10.0.0.1", home=tmp_path)
    made = layout.Layout(tmp_path, tmp_path, tmp_path / "java", tmp_path / "flink", Archives(tmp_path, None), Path())
    made.conf_dir.mkdir(parents=True)
    (tmp_path / "run").mkdir()
    layout.write_flink_conf(made, opened, 1, 2)
    lines = dict(line.split(": ", 1) for line in (made.conf_dir / "config.yaml").read_text().splitlines())
    assert {name for name, value in lines.items() if "10.0.0.1" in value} == {"rest.address", "rest.bind-address"}
    inner = {"jobmanager.rpc.address", "jobmanager.bind-host", "taskmanager.host", "taskmanager.bind-host"}
    inner |= {"sql-gateway.endpoint.rest.address", "sql-gateway.endpoint.rest.bind-address"}
    assert {lines[name] for name in inner} == {"'127.0.0.1'"}
    properties = broker._properties(made, opened, 3)
    assert "listeners=PLAINTEXT://10.0.0.1:9092,CONTROLLER://127.0.0.1:3" in properties
    assert "advertised.listeners=PLAINTEXT://10.0.0.1:9092\n" in properties


def test_a_running_cluster_keeps_its_address_and_does_not_move(monkeypatch: pytest.MonkeyPatch) -> None:
    with memory.remembering(settings.load(listen="10.0.0.1"), "local"):
        pass
    assert settings.load().listen == "10.0.0.1"
    assert settings.load().reachable
    monkeypatch.setattr(choose, "_runs", lambda *_: True)
    with pytest.raises(RuntimeFailure, match=r"listens at 10\.0\.0\.1 already"):
        choose.start(settings.load(listen="127.0.0.1", runtime="local"), lambda *_: None, lambda _: None)
    memory.forget_ports(settings.load())
    assert settings.load().listen == "127.0.0.1"


def test_up_says_what_it_opens_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_MAVEN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ADCLICK_JAR_CACHE", "nowhere")
    # An address of documentation (RFC 5737), which no machine has: nothing can be bound there.
    done = run("up", "--runtime", "local", "--listen", "192.0.2.1")
    assert done.code == 1
    warned = done.err.index("Warning: whoever reaches this machine at 192.0.2.1 can run any code here")
    assert warned < done.err.index("Runtime: local")
    for port in ("8081", "9092"):
        assert re.search(rf"port {port}", done.err)
