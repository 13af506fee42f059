"""Users without a home, homes that cannot be used, paths with `~`, and files that are foreign or damaged."""

from __future__ import annotations

import codecs
import errno
import json
import os
import pwd
import socket
import tempfile
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from adclick_cli import faults, paths, savepoints, settings
from adclick_cli.commands import program, table
from adclick_cli.errors import AdclickError, DownloadError, ParameterError, RuntimeFailure
from adclick_cli.results import sending
from adclick_cli.runtime import maven, process
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.compose import project
from tests.builders.program import run

pytestmark = pytest.mark.usefixtures("no_settings")
PATHS = [
    name for name in settings.Settings.model_fields if "Path" in str(settings.Settings.model_fields[name].annotation)
]


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without an entry in the passwd file, and no HOME: `docker run --user 1234`."""

    def unknown(number: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nobody")
def test_a_user_without_a_home_folder_works_with_adclick_home(tmp_path: Path) -> None:
    for arguments in (("config", "show"), ("render",), ("savepoints",), ("--help",)):
        code, out, err = run(*arguments)
        assert (code, "Traceback" in err) == (0, False), err
        assert out or arguments == ("savepoints",)
    loaded = settings.load()
    assert project.name(loaded).startswith("adclick-")
    assert maven.settings_files() == []
    assert settings.find_default_home() is None
    assert not (tmp_path / "~").exists()


@pytest.mark.usefixtures("nobody")
def test_a_user_without_a_home_folder_is_asked_for_adclick_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADCLICK_HOME")
    code, _, err = run("config", "show")
    assert code == 2
    assert "home: None cannot be used" in err
    assert paths.NO_HOME in err
    assert "Name a folder of adclick's own in ADCLICK_HOME." in err


def test_a_tilde_is_the_home_in_every_path_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(PATHS) >= 7
    for name in PATHS:
        monkeypatch.setenv(f"ADCLICK_{name.upper()}", f"~/{name}")
    loaded = settings.load()
    assert {name: getattr(loaded, name) for name in PATHS} == {name: tmp_path / name for name in PATHS}


def test_a_relative_path_setting_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_HOME", "here")
    assert settings.load().home == tmp_path / "here"


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    ("text", "why"), [("", "It is empty."), (" ", "It is empty."), ("~nobody-of-that-name/x", "There is no such user.")]
)
def test_a_path_setting_that_means_nothing_is_refused(
    name: str, text: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ADCLICK_{name.upper()}", text)
    with pytest.raises(ParameterError) as refused:
        settings.load()
    assert refused.value.field == name.replace("_", "-")
    assert refused.value.why.startswith(why)
    assert f"(from ADCLICK_{name.upper()})" in refused.value.why


def _path_flags() -> list[tuple[str, Any]]:
    found = []
    for entry in table.COMMANDS:
        command = program.app and program._load(entry)
        for one in [command, *getattr(command, "commands", {}).values()]:
            hints = get_type_hints(one.callback) if one.callback else {}
            for name, hint in hints.items():
                if Path in (hint, *get_args(hint)):
                    found.append((f"{entry.name} {name}", next(p for p in one.params if p.name == name)))
    return found


@pytest.mark.parametrize(
    ("name", "parameter"), _path_flags(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_path_flag_knows_the_tilde_and_refuses_what_is_empty(
    name: str, parameter: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    command = name.split()[0]
    given_ = [parameter.opts[0]] if parameter.param_type_name == "option" else []
    code, _, err = run(command, *given_, "")
    assert code == 2
    assert "It is empty." in " ".join(err.replace("│", " ").split())
    code, _, err = run(command, *given_, "~nobody-of-that-name/x")
    assert code == 2
    assert "There is no such user." in " ".join(err.replace("│", " ").split())


def test_the_path_flags_are_found() -> None:
    assert len(_path_flags()) >= 11


def test_out_writes_below_the_home_not_into_a_folder_named_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert run("render", "--out=~/sql")[0] == 0
    assert len(list((tmp_path / "me" / "sql").iterdir())) == 7
    assert not (tmp_path / "~").exists()


def test_a_tilde_in_a_webhooks_file_and_a_savepoints_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "url").write_bytes(codecs.BOM_UTF8 + b"http://127.0.0.1:1/\n")
    (tmp_path / "url").chmod(0o600)
    assert sending.ways("alerts", None, "@~/url")
    with pytest.raises(ParameterError, match="It is empty"):
        sending.ways("alerts", None, "@")
    (tmp_path / "kept.json").write_text("{}")
    with pytest.raises(AdclickError, match=r"the record of a savepoint cannot be read: .*/kept\.json"):
        savepoints.find(settings.load(), "~/kept.json")


@pytest.mark.parametrize("below", ["", "below"])
@pytest.mark.parametrize("command", ["status", "up", "down", "config show", "doctor"])
def test_a_home_that_is_a_file_is_refused_at_once(
    below: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("ADCLICK_HOME", str(tmp_path / "file" / below))
    code, out, err = run(*command.split())
    assert code == (3 if command == "doctor" else 2)
    said = out + err
    assert str(tmp_path / "file") in said
    assert ("It is a file (from ADCLICK_HOME)." in said) if not below else ("Not a directory" in said)


@pytest.mark.parametrize("runtime", ["local", "compose"])
def test_a_home_on_a_read_only_mount_is_refused_at_once(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / "home"))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuses)
    with pytest.raises(ParameterError) as refused:
        choose(settings.load(runtime=runtime)).up(pytest.fail)
    assert refused.value.field == "home"
    assert "read-only file system" in refused.value.why
    assert "name another folder in ADCLICK_HOME" in refused.value.mend


def test_a_home_on_a_real_read_only_folder_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_HOME", "/proc/adclick")
    with pytest.raises(ParameterError, match="home: '/proc/adclick' cannot be used"):
        choose(settings.load(runtime="local")).up(pytest.fail)


CLUSTER_PORTS = ("kafka_port", "ui_port", "gateway_port", "metrics_jobmanager_port", "metrics_taskmanager_port")


@pytest.mark.parametrize("runtime", ["local", "compose"])
@pytest.mark.parametrize(
    ("one", "two"), [(one, two) for number, one in enumerate(CLUSTER_PORTS) for two in CLUSTER_PORTS[number + 1 :]]
)
def test_two_ports_of_a_cluster_that_are_the_same_are_refused_at_once(one: str, two: str, runtime: str) -> None:
    loaded = settings.load(**{one: 7000, two: 7000}, gateway=True, metrics=True, runtime=runtime)
    with pytest.raises(ParameterError) as refused:
        choose(loaded).up(pytest.fail)
    first, second = one.replace("_", "-"), two.replace("_", "-")
    assert (refused.value.field, refused.value.value) == (second, 7000)
    assert refused.value.why == f"It is the {first}, too."
    assert refused.value.mend == f"Give one of the two another port (ADCLICK_{two.upper()})."


def test_ports_of_services_that_do_not_run_may_be_the_same() -> None:
    settings.load(kafka_port=8083, ui_port=9249).require_own_ports()


@pytest.mark.parametrize("file", ["adclick.toml", "config/adclick/config.toml"])
def test_a_byte_order_mark_in_a_config_file_is_no_part_of_it(file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(codecs.BOM_UTF8 + b'window = "30s"\n')
    assert settings.load().window == "30s"
    assert settings.place("window").endswith("config.toml:1" if "/" in file else "adclick.toml:1")


@pytest.mark.parametrize("file", ["adclick.toml", "config/adclick/config.toml"])
@pytest.mark.parametrize(
    ("text", "why"),
    [("window = '30s'\n".encode("utf-16"), "It is no UTF-8 text"), (b"window = \n", "Invalid value")],
)
def test_a_config_file_that_cannot_be_read_is_named(file: str, text: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    code, _, err = run("config", "show")
    assert code == 2
    assert Path(file).name in err
    assert why in err


@pytest.mark.parametrize("file", ["adclick.toml", "config/adclick/config.toml"])
def test_a_foreign_config_file_is_told_with_its_owner(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")

    def refuses(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuses)
    code, _, err = run("config", "show")
    assert code == 2
    assert "config file:" in err
    assert "belongs to" in err
    assert f"uid {os.geteuid()}" in err


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "utf-8-sig"])
def test_maven_settings_are_read_in_their_own_encoding(encoding: str, tmp_path: Path) -> None:
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?><settings><!-- Übung --><mirrors><mirror><mirrorOf>*</mirrorOf>'
    path = tmp_path / "settings.xml"
    path.write_bytes((text + "<url>http://host/ä</url></mirror></mirrors></settings>").encode(encoding))
    found = maven.mirror(path)
    assert found is not None
    assert found.url == "http://host/ä"


@given(text=st.one_of(st.binary(max_size=40), st.just(b'<?xml version="1.0" encoding="x"?><a/>')))
@hypothesis_settings(max_examples=30, deadline=None)
def test_maven_settings_of_any_bytes_end_in_a_typed_error(
    text: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "settings.xml"
    path.write_bytes(text)
    found = None
    try:
        assert maven.mirror(path) is None
    except DownloadError as error:
        found = error
    assert found is None or (str(path) in found.what and "ADCLICK_MAVEN_URL" in found.mend)


def test_maven_settings_that_may_not_be_read_are_named_with_their_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.xml"
    path.touch()

    def refuses(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuses)
    with pytest.raises(DownloadError) as refused:
        maven.mirror(path)
    assert str(path) in refused.value.what
    assert "belongs to" in refused.value.why
    assert "set ADCLICK_MAVEN_URL" in refused.value.mend


RECORDS = (
    "run/ports.json",
    "runtime",
    "submission.json",
    "savepoints/records/a.json",
    "last_verify.json",
    "run/broker.json",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 70_000) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["kafka_port", "listen", "pid", "born", "ports", "pipeline"]), inner, max_size=4
        )
    ),
    max_leaves=6,
).map(lambda value: json.dumps(value).encode())


@pytest.mark.parametrize("arguments", [("savepoints",), ("config", "show"), ("render",), ("logs",)], ids=" ".join)
@given(file=st.sampled_from(RECORDS), text=st.one_of(st.binary(max_size=12), JSON))
@hypothesis_settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_a_home_with_damaged_files_ends_in_no_traceback(
    arguments: tuple[str, ...], file: str, text: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    path = home / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ADCLICK_HOME", str(home))
        # No Docker is asked whether it answers.
        patched.setenv("PATH", "")
        code, _, err = run(*arguments)
    assert code in (0, 1, 2)
    assert "Traceback" not in err
    assert code == 0 or err.startswith("Error: ")


@given(text=st.one_of(st.binary(max_size=12), JSON))
@hypothesis_settings(max_examples=30, deadline=None)
def test_a_damaged_record_of_a_process_is_none(text: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "broker.json"
    path.write_bytes(text)
    found = process.load(path)
    assert found is None or isinstance(found.alive(), bool)


def test_a_port_of_roots_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket.socket, "bind", _refusing(errno.EACCES))
    with pytest.raises(RuntimeFailure, match="port 80 may not be used"):
        process.require_free(80, "127.0.0.1", "--kafka-port")


def test_an_address_of_another_machine_is_not_called_taken() -> None:
    with pytest.raises(RuntimeFailure, match=r"nobody can listen at 192\.0\.2\.1"):
        process.require_free(7000, "192.0.2.1", "--kafka-port")


def _refusing(number: int) -> Any:
    def bind(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return bind


def test_doctor_tells_a_home_that_it_cannot_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "runtime").write_bytes(b"\xff")
    # No Docker is asked whether it answers.
    monkeypatch.setenv("PATH", "")
    code, out, _ = run("doctor", "--output", "json")
    assert code == 3
    assert f"{tmp_path}/home/runtime cannot be read" in out


@pytest.mark.parametrize("look", ["machine.examine", "config.examine", "setup.examine", "choose"])
def test_doctor_finds_what_keeps_it_from_looking(look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One part that cannot be looked at is a finding; the others are looked at all the same."""

    def refuses(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/proc/1/mem")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(f"adclick_cli.doctor.examine.{look}", refuses)
    code, out, err = run("doctor", "--output", "json")
    assert (code, "Error" in err) == (3, False)
    assert "/proc/1/mem cannot be used. Permission denied." in out
    assert len(json.loads(out)["findings"]) > 2


def test_a_file_whose_folder_is_closed_is_told_with_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    monkeypatch.setattr(os, "access", lambda path, *_, **__: Path(path) != closed)
    closed.mkdir()
    known = faults.translate(PermissionError(errno.EACCES, "Permission denied", str(closed / "file")))
    assert known is not None
    assert f"{closed} belongs to" in known.why
