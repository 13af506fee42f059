"""A remote cluster: which addresses are taken, and what is asked before anything is sent."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from adclick_cli import defaults, settings
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.flink.tables import connected, hand_over_secrets
from adclick_cli.runtime import choose, memory
from adclick_cli.runtime.local.archives import Archives
from adclick_cli.runtime.local.layout import Layout
from adclick_cli.runtime.remote import RemoteRuntime, _write_conf, address

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def other_flink() -> Iterator[str]:
    """A REST interface that answers as a Flink of another minor version does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"flink-version": "1.20.1"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _remote(url: str, **more: object) -> RemoteRuntime:
    return RemoteRuntime(settings.load(flink_url=url, **more), lambda *_: None)


def test_the_address_decides_whatever_the_runtime_is_set_to() -> None:
    assert choose.decide(settings.load(flink_url="http://flink:8081", runtime="local")).name == "remote"
    assert choose.decide(settings.load(runtime="local")).name == "local"


def test_host_and_port() -> None:
    assert address("http://flink.example:8081/") == ("flink.example", 8081)
    assert address("http://[::1]:8081") == ("::1", 8081)


@pytest.mark.parametrize(
    "url",
    ["https://h:1", "h:8081", "http://h", "http://u:secret@h:1", "http://h:1/flink", "http://h:99999", "http://h:1?x"],
)
def test_other_addresses_are_refused_without_their_log_in(url: str) -> None:
    with pytest.raises(ParameterError, match="target") as refused:
        address(url)
    assert "secret" not in str(refused.value)


def test_a_home_with_a_cluster_of_its_own_is_left_alone() -> None:
    with memory.remembering(settings.load(), "local"):
        pass
    with pytest.raises(RuntimeFailure, match="a cluster of its own"):
        _remote("http://127.0.0.1:1").sql_client_command(print)


def test_another_flink_is_refused_before_anything_is_sent(other_flink: str) -> None:
    with pytest.raises(RuntimeFailure, match=rf"(?s)runs Flink 1\.20\.1.*{defaults.FLINK_VERSION}.*adclick render"):
        _remote(other_flink).sql_client_command(print)
    with pytest.raises(RuntimeFailure, match="no Flink answers"):
        _remote("http://127.0.0.1:1").sql_client_command(print)


def test_a_log_in_needs_a_file_on_the_clusters_machines(tmp_path: Path) -> None:
    login = {
        "flink_url": "http://127.0.0.1:1",
        "bootstrap_servers": "broker:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "u",
        "sasl_password": "hidden",
        "home": tmp_path / "home",
    }
    without = settings.load(**login)
    with pytest.raises(ParameterError, match="ADCLICK_FLINK_SECRETS_PATH"):
        connected(without, without.pipeline())
    named = settings.load(**login, flink_secrets_path="/etc/adclick/kafka.properties")
    options = connected(named, named.pipeline()).sources["clicks"]
    assert "/etc/adclick/kafka.properties" in options["properties.sasl.jaas.config"]
    assert "hidden" not in str(options)
    hand_over_secrets(named)
    written = tmp_path / "home" / "secrets" / "kafka.properties"
    assert "hidden" in written.read_text()
    assert written.stat().st_mode & 0o077 == 0


def test_the_jar_of_classes_goes_along_with_the_submission(tmp_path: Path) -> None:
    made = Layout(
        tmp_path, tmp_path, tmp_path / "jdk" / "bin" / "java", tmp_path, Archives(tmp_path, None), tmp_path / "a b.jar"
    )
    written = yaml.safe_load((_write_conf(made, "flink", 8081) / "config.yaml").read_text(encoding="utf-8"))
    assert written["pipeline.jars"] == (tmp_path / "a b.jar").as_uri()
    assert (written["rest.address"], written["rest.port"]) == ("flink", 8081)
