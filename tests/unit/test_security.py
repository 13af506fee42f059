"""The log-in to an outside broker: its settings, its three dialects, and that nothing shows it."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli import private, security, settings
from adclick_cli.errors import ParameterError
from adclick_cli.flink.tables import hand_over_secrets
from adclick_cli.login import LoginSettings
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.compose import project
from adclick_cli.runtime.process import inherited
from adclick_cli.security import Security, Servers
from adclick_cli.sql import options, render
from tests.builders.program import run
from tests.cluster.secure_broker import KEY_PASSWORD, make_certificates

PASSWORD = "s3cret-\"a's\\b"
SASL = {
    "ADCLICK_BOOTSTRAP_SERVERS": "kafka.example:9093",
    "ADCLICK_SASL_MECHANISM": "SCRAM-SHA-512",
    "ADCLICK_SASL_USERNAME": "ada",
    "ADCLICK_SASL_PASSWORD": PASSWORD,
}


pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


def _set(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**SASL, **more}.items():
        monkeypatch.setenv(name, value)


def _secret_file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def _tokenizer(text: str) -> str:
    """A quoted text as java.io.StreamTokenizer reads it (its documentation, "quoteChar")."""
    assert text[0] == text[-1] == '"'
    found, at = "", 1
    while at < len(text) - 1:
        if text[at] != "\\":
            assert text[at] not in '"\r\n'
            found += text[at]
            at += 1
        elif text[at + 1].isdigit():
            found += chr(int(text[at + 1 : at + 4], 8))
            at += 4
        else:
            assert text[at + 1] in '"\\'
            found += text[at + 1]
            at += 2
    return found


def _properties(text: str) -> dict[str, str]:
    """Java's properties as java.util.Properties.load reads what we write: a line a value, two escapes."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition("=")
        units, at = [], 0
        while at < len(rest):
            if rest[at : at + 2] == "\\u":
                units.append(int(rest[at + 2 : at + 6], 16))
                at += 6
            elif rest[at] == "\\":
                assert rest[at + 1] == "\\"
                units.append(ord("\\"))
                at += 2
            else:
                units.append(ord(rest[at]))
                at += 1
        found[name] = b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be")
    return found


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_user_and_password_read_back_from_the_file_of_javas_clients(user: str, password: str) -> None:
    login = Security("SASL_SSL", "PLAIN", username=user, password=password)
    text = security.java_file(login)
    assert text.isascii()
    jaas = _properties(text)["sasl.jaas.config"]
    module, required, rest = jaas.split(" ", 2)
    assert module.endswith("PlainLoginModule")
    assert required == "required"
    begin = len("username=")
    length = len(security._quoted(user))
    assert _tokenizer(rest[begin : begin + length]) == user
    assert rest[begin + length :].startswith(" password=")
    assert _tokenizer(rest[begin + length + len(" password=") : -1]) == password
    assert rest[-1] == ";"


def test_without_a_login_every_client_is_as_before() -> None:
    servers = settings.load().servers
    assert servers == Servers("127.0.0.1:9092")
    assert security.java(servers.security, "/x") == {}
    assert security.java_file(servers.security) == ""
    assert security.kafka_python(servers)["security_protocol"] == "PLAINTEXT"
    assert not {name for name in security.librdkafka(servers) if name.startswith(("sasl", "ssl"))}


def test_the_three_dialects_say_the_same(monkeypatch: pytest.MonkeyPatch, certificates: Path, tmp_path: Path) -> None:
    own = {
        "ADCLICK_SSL_CA_FILE": "ca.pem",
        "ADCLICK_SSL_CERTIFICATE_FILE": "client.pem",
        "ADCLICK_SSL_KEY_FILE": "client.key",
    }
    _set(monkeypatch, **{name: str(certificates / path) for name, path in own.items()})
    monkeypatch.setenv("ADCLICK_SSL_KEY_PASSWORD_FILE", str(_secret_file(tmp_path / "k", KEY_PASSWORD + "\n")))
    servers = settings.load().servers
    assert security.kafka_python(servers) == {
        "bootstrap_servers": ["kafka.example:9093"],
        "client_id": "adclick",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ada",
        "sasl_plain_password": PASSWORD,
        "ssl_cafile": str(certificates / "ca.pem"),
        "ssl_certfile": str(certificates / "client.pem"),
        "ssl_keyfile": str(certificates / "client.key"),
        "ssl_password": KEY_PASSWORD,
    }
    assert security.librdkafka(servers) == {
        "bootstrap.servers": "kafka.example:9093",
        "client.id": "adclick",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "ada",
        "sasl.password": PASSWORD,
        "ssl.ca.location": str(certificates / "ca.pem"),
        "ssl.certificate.location": str(certificates / "client.pem"),
        "ssl.key.location": str(certificates / "client.key"),
        "ssl.key.password": KEY_PASSWORD,
    }
    java = security.java(servers.security, "/s/kafka.properties")
    assert java["security.protocol"] == "SASL_SSL"
    assert java["sasl.mechanism"] == "SCRAM-SHA-512"
    assert java["ssl.truststore.type"] == java["ssl.keystore.type"] == "PEM"
    kept = _properties(security.java_file(servers.security))
    assert {name for name, value in java.items() if value.startswith("${")} == set(kept)
    assert all(java[name] == f"${{adclick:/s/kafka.properties:{name}}}" for name in kept)
    assert kept["ssl.key.password"] == KEY_PASSWORD
    assert kept["ssl.keystore.key"] == (certificates / "client.key").read_text()
    assert kept["ssl.truststore.certificates"] == (certificates / "ca.pem").read_text()


def test_every_table_logs_in_and_no_secret_is_in_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch)
    loaded = settings.load()
    login = security.java(loaded.servers.security, "/s/kafka.properties")
    script = render.script(loaded.pipeline(), options.kafka(loaded.pipeline(), login))
    tables = script.count("'connector' = '")
    assert tables > 8
    for name, value in login.items():
        assert script.count(f"'properties.{name}' = '{value}'") == tables
    assert "s3cret" not in script
    assert "-- No secret is in this script" in script
    assert "secret" not in render.script(Pipeline())


def test_no_command_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, ADCLICK_RUNTIME="local", ADCLICK_MAVEN_URL="https://me:s3cret-token@jars.example/x")
    outputs = [run("config", "show"), run("render"), run("submit", "--dry-run"), run("render", "--stage", "nonsense")]
    with monkeypatch.context() as other:
        other.setenv("ADCLICK_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        outputs.append(run("verify"))
    with monkeypatch.context() as other:
        other.setenv("ADCLICK_SASL_MECHANISM", "s3cret")
        outputs.append(run("render"))
    assert [done.code for done in outputs] == [0, 0, 0, 2, 1, 2]
    rows = {row["setting"]: row for row in map(json.loads, outputs[0].out.splitlines())}
    assert rows["sasl_password"] == {
        "setting": "sasl_password",
        "value": "********",
        "source": "ADCLICK_SASL_PASSWORD",
    }
    assert rows["maven_url"]["value"] == "https://********@jars.example/x"
    assert "${adclick:" in outputs[1].out
    for done in outputs[:-1]:
        assert "s3cret" not in done.out + done.err
    folder = tmp_path / "out"
    assert run("render", "--out", str(folder)).code == 0
    assert "s3cret" not in "".join(path.read_text() for path in folder.iterdir())


@pytest.mark.parametrize(
    ("line", "name"), [("sasl_pasword = 's3cret'", "sasl-pasword"), ("sasl_password = ['s3cret']", "sasl-password")]
)
def test_a_mistake_in_a_file_does_not_show_the_secret(line: str, name: str) -> None:
    _secret_file(Path("adclick.toml"), line)
    with pytest.raises(ParameterError) as caught:
        settings.load()
    assert name in caught.value.what
    assert "s3cret" not in str(caught.value)


def test_a_secret_in_a_file_that_others_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = _secret_file(Path("adclick.toml"), 'sasl_password = "x"\n', 0o644)
    with pytest.raises(ParameterError, match=r"adclick\.toml.*\n.*mode is 644.*\n.*chmod 600"):
        settings.load()
    path.chmod(0o600)
    assert settings.load().sasl_password is not None
    path.write_text("seed = 2\n")
    path.chmod(0o644)
    assert settings.load().seed == 2
    _set(monkeypatch)
    monkeypatch.delenv("ADCLICK_SASL_PASSWORD")
    secret = _secret_file(tmp_path / "password", "line\nanother\r\n", 0o640)
    monkeypatch.setenv("ADCLICK_SASL_PASSWORD_FILE", str(secret))
    with pytest.raises(ParameterError, match="sasl-password-file"):
        _ = settings.load().servers
    secret.chmod(0o400)
    assert settings.load().servers.security.password == "line\nanother"


@pytest.mark.parametrize(
    ("env", "field"),
    [
        ({"ADCLICK_SASL_MECHANISM": ""}, "sasl-mechanism"),
        ({"ADCLICK_SECURITY_PROTOCOL": "PLAINTEXT"}, "security-protocol"),
        ({"ADCLICK_SECURITY_PROTOCOL": "SSL"}, "security-protocol"),
        ({"ADCLICK_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "ADCLICK_SSL_CA_FILE": "ca.pem"}, "security-protocol"),
        ({"ADCLICK_SASL_PASSWORD": ""}, "sasl-password"),
        ({"ADCLICK_SASL_USERNAME": ""}, "sasl-username"),
        ({"ADCLICK_SASL_PASSWORD_FILE": "password"}, "sasl-password-file"),
        ({"ADCLICK_SSL_CA_FILE": "nowhere.pem"}, "ssl-ca-file"),
        ({"ADCLICK_SSL_CA_FILE": "client.key"}, "ssl-ca-file"),
        ({"ADCLICK_SSL_CERTIFICATE_FILE": "client.pem"}, "ssl-key-file"),
        ({"ADCLICK_SSL_CERTIFICATE_FILE": "client.pem", "ADCLICK_SSL_KEY_FILE": "old.key"}, "ssl-key-file"),
        ({"ADCLICK_SSL_CERTIFICATE_FILE": "client.pem", "ADCLICK_SSL_KEY_FILE": "client.key"}, "ssl-key-password"),
        ({"ADCLICK_BOOTSTRAP_SERVERS": ""}, "bootstrap-servers"),
    ],
)
def test_a_login_that_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, certificates: Path, env: dict[str, str], field: str
) -> None:
    monkeypatch.chdir(certificates)
    _set(monkeypatch, **env)
    with pytest.raises(ParameterError) as caught:
        _ = settings.load().servers
    assert caught.value.field == field
    assert caught.value.mend
    assert "s3cret" not in str(caught.value)


def test_no_program_that_adclick_starts_inherits_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, ADCLICK_SSL_KEY_PASSWORD="s3cret")
    assert "s3cret" not in "".join(inherited({}).values())
    assert inherited({"A": "b"})["A"] == "b"
    assert "ADCLICK_SASL_USERNAME" in inherited({})
    assert not {name for name in project.environment(settings.load()) if "_SASL_" in name or "_SSL_" in name}


def test_the_secrets_file_comes_with_a_login_and_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_RUNTIME", "local")
    _set(monkeypatch)
    hand_over_secrets(settings.load())
    kept = settings.load().home / "secrets" / "kafka.properties"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "s3cret" in kept.read_text()
    for name in SASL:
        monkeypatch.delenv(name)
    hand_over_secrets(settings.load())
    assert list(kept.parent.iterdir()) == []


def test_a_private_file_is_never_open_and_a_folder_is_closed(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        private.write(tmp_path / "home" / "secret", "a")
        private.write(tmp_path / "home" / "secret", "b")
        loose = tmp_path / "home" / "loose"
        loose.mkdir(mode=0o755)
        (loose / "run.sh").write_text("x")
        (loose / "run.sh").chmod(0o755)
        (tmp_path / "outside").write_text("x")
        (loose / "link").symlink_to(tmp_path / "outside")
        private.tighten(tmp_path / "home")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "home").rglob("*")}
    assert modes == {"secret": 0o600, "loose": 0o700, "run.sh": 0o700, "link": 0o644}
    assert (tmp_path / "home" / "secret").read_text() == "b"


def test_what_a_user_asks_for_follows_the_users_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert run("render", "--out", str(tmp_path / "sql")).code == 0
    finally:
        os.umask(before)
    files = [tmp_path / "sql", *(tmp_path / "sql").iterdir()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o755, 0o644}


DOC = Path(__file__).parents[2] / "docs" / "security.md"


def test_the_docs_name_every_setting_of_a_login() -> None:
    rows = re.findall(r"^\| `(ADCLICK_\w+)` \| `(\w+)` \|", DOC.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(f"ADCLICK_{name.upper()}", name) for name in LoginSettings.model_fields]
