"""Pinned jars from a real HTTP server on this machine: resumed, checked, refused."""

from __future__ import annotations

import hashlib
import os
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from adclick_cli import defaults
from adclick_cli.casebook.jvm import PLANNER, Jvm
from adclick_cli.errors import DownloadError
from adclick_cli.runtime import jars, maven
from adclick_cli.runtime.maven import Repository

BODY = bytes(range(256)) * 1000


class _Server(ThreadingHTTPServer):
    body = BODY
    ranges: tuple[str, ...] = ()
    knows_ranges = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if not self.path.endswith("/org/example/a/1/a-1.jar"):
            self.send_error(404)
            return
        wanted = self.headers.get("Range", "")
        self.server.ranges += (wanted,)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.knows_ranges else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(self.server.body) - begin))
        self.end_headers()
        self.wfile.write(self.server.body[begin:])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def _jar(artifact: str = "a") -> jars.Jar:
    return jars.Jar(("kafka",), "org.example", artifact, "1", len(BODY), hashlib.sha256(BODY).hexdigest())


def _fetch(server: _Server, folder: Path, jar: jars.Jar) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    url = f"http://127.0.0.1:{server.server_port}/maven2"
    jars.fetch([jar], folder, lambda: Repository(url), lambda done, total: told.append((done, total)))
    return told


def test_a_jar_is_fetched_once(server: _Server, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path, _jar())[-1] == (len(BODY), len(BODY))
    assert (tmp_path / "a-1.jar").read_bytes() == BODY
    assert _fetch(server, tmp_path, _jar()) == []
    assert server.ranges == ("",)


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_an_unfinished_download_goes_on(server: _Server, tmp_path: Path, knows_ranges: bool) -> None:
    server.knows_ranges = knows_ranges
    (tmp_path / "a-1.jar.part").write_bytes(BODY[:1000])
    assert _fetch(server, tmp_path, _jar())[-1] == (len(BODY), len(BODY))
    assert server.ranges == ("bytes=1000-",)
    assert (tmp_path / "a-1.jar").read_bytes() == BODY


def _fetch_telling(server: _Server, folder: Path) -> list[str]:
    told: list[str] = []
    url = f"http://127.0.0.1:{server.server_port}/maven2"
    jars.fetch([_jar()], folder, lambda: Repository(url), lambda *_: None, told.append)
    return told


def test_a_byte_appended_to_a_cached_jar_is_named_and_the_jar_is_fetched_again(server: _Server, tmp_path: Path) -> None:
    _fetch(server, tmp_path, _jar())
    with (tmp_path / "a-1.jar").open("ab") as file:
        file.write(b"x")
    assert _fetch_telling(server, tmp_path) == [
        f"a-1.jar in {tmp_path} is not the file that was pinned; it is fetched again."
    ]
    assert (tmp_path / "a-1.jar").read_bytes() == BODY


def test_a_changed_byte_is_found_though_size_and_time_of_change_are_as_before(server: _Server, tmp_path: Path) -> None:
    _fetch(server, tmp_path, _jar())
    path = tmp_path / "a-1.jar"
    before = path.stat()
    path.write_bytes(BODY[:-1] + b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    _fetch(server, tmp_path, _jar())
    assert path.read_bytes() == BODY


def test_an_altered_jar_that_cannot_be_fetched_again_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a-1.jar").write_bytes(BODY + b"x")
    told: list[str] = []
    with pytest.raises(DownloadError, match=re.escape("a-1.jar cannot be fetched")):
        jars.fetch([_jar()], tmp_path, lambda: Repository("http://127.0.0.1:1"), lambda *_: None, told.append)
    assert "a-1.jar" in told[0]


@pytest.mark.parametrize("record", [None, "{", "[]", '{"a-1.jar": 1}'])
def test_without_a_record_of_its_check_a_jar_is_read(server: _Server, tmp_path: Path, record: str | None) -> None:
    (tmp_path / "a-1.jar").write_bytes(BODY + b"x")
    if record is not None:
        (tmp_path / jars.CHECKED).write_text(record)
    assert jars.changed([_jar()], tmp_path) == [_jar()]
    _fetch(server, tmp_path, _jar())
    assert jars.changed([_jar()], tmp_path) == []


def test_a_jar_that_has_not_changed_since_its_check_is_not_read_again(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fetch(server, tmp_path, _jar())
    read: list[Path] = []
    monkeypatch.setattr(jars, "_sha256", read.append)
    assert _fetch(server, tmp_path, _jar()) == []
    assert read == []


def test_the_engine_of_adclick_test_refuses_an_altered_planner(tmp_path: Path) -> None:
    planner = next(pin for pin in jars.pinned() if pin.artifact.startswith(PLANNER))
    (tmp_path / planner.file_name).write_bytes(b"x")
    with pytest.raises(DownloadError, match=f"{planner.file_name} is not the file that was pinned") as refused:
        Jvm(tmp_path / "java", tmp_path, tmp_path / "functions.jar")
    assert "adclick doctor --fix" in refused.value.mend


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_removed(server: _Server, tmp_path: Path) -> None:
    server.body = BODY[:-1] + b"x"
    with pytest.raises(DownloadError, match="not the file that was pinned"):
        _fetch(server, tmp_path, _jar())
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


def test_a_jar_that_is_not_there_is_named(server: _Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=re.escape("b-1.jar cannot be fetched")):
        _fetch(server, tmp_path, _jar("b"))


def test_a_certificate_that_is_not_trusted_names_the_way_to_trust_it(
    server: _Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel's user stands behind a proxy that signs with its own certificate, which no package knows."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_port}/maven2"

    def fetch() -> None:
        jars.fetch([_jar()], tmp_path, lambda: Repository(url), lambda *_: None)

    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DownloadError, match="cannot be fetched") as caught:
        fetch()
    assert "REQUESTS_CA_BUNDLE" in caught.value.mend
    authority.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "trusted.pem"))
    fetch()
    assert (tmp_path / "a-1.jar").read_bytes() == BODY


def test_every_pin_is_whole_and_of_the_version_that_is_told() -> None:
    pins = jars.pinned()
    assert len({pin.file_name for pin in pins}) == len(pins)
    assert all(re.fullmatch("[0-9a-f]{64}", pin.sha256) and pin.size > 0 for pin in pins)
    versions = {pin.artifact: pin.version for pin in pins}
    assert versions["flink-sql-gateway"] == defaults.FLINK_VERSION
    assert versions["kafka-clients"] == defaults.KAFKA_VERSION
    assert versions["zstd-jni"] == defaults.ZSTD_VERSION


def test_the_classes_of_zstd_are_on_the_class_paths_of_flink_and_of_the_broker() -> None:
    """Flink's Kafka connector names them and does not hold them; lz4 and snappy are in flink-dist."""
    assert [set(pin.places) for pin in jars.pinned() if pin.artifact == "zstd-jni"] == [{"flink/lib", "kafka"}]


@pytest.mark.parametrize("page", ["compose.md", "kubernetes.md"])
def test_a_page_that_names_the_jar_of_zstd_names_the_pinned_one(page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    assert set(re.findall(r"zstd-jni[-:]([0-9.-]*[0-9])", text)) == {defaults.ZSTD_VERSION}


SETTINGS = """<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">
<servers><server><id>inner</id><username>me</username><password>${env.MAVEN_SECRET}</password></server></servers>
<mirrors>
  <mirror><id>other</id><mirrorOf>*,!central</mirrorOf><url>https://other.example/</url></mirror>
  <mirror><id>inner</id><mirrorOf>external:*</mirrorOf><url>https://maven.example/all/</url></mirror>
</mirrors></settings>"""


def test_the_users_own_maven_settings_name_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MAVEN_SECRET", "s3cret")
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(SETTINGS)
    found = maven.repository(None)
    assert found == Repository("https://maven.example/all", ("me", "s3cret"))
    assert "s3cret" not in repr(found)
    assert maven.repository("http://mine.example/x/") == Repository("http://mine.example/x")
    (tmp_path / ".m2" / "settings.xml").write_text("<settings>")
    with pytest.raises(DownloadError, match="ADCLICK_MAVEN_URL"):
        maven.repository(None)
