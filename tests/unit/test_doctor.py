"""What `adclick doctor` finds on real files and ports, and what it mends."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from adclick_cli import settings
from adclick_cli.doctor import config, machine, setup
from adclick_cli.doctor.examine import examine, fix
from adclick_cli.doctor.finding import Finding
from adclick_cli.errors import ParameterError
from adclick_cli.runtime import functions, jars, process
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local import layout
from adclick_cli.runtime.service import ServiceStatus
from tests.builders.program import run

pytestmark = pytest.mark.usefixtures("no_settings")


def silent(done: int, total: int) -> None:
    pass


@pytest.fixture
def local(tmp_path: Path) -> settings.Settings:
    (tmp_path / "home").mkdir(mode=0o700)
    return settings.load(runtime="local")


def test_what_is_wrong_always_comes_with_a_mend() -> None:
    for state in ("wrong", "warning"):
        with pytest.raises(ValueError, match="no mend"):
            Finding("x", state, "It is broken.")
    assert not Finding("x", "ok", "Fine.").fixable


def test_a_taken_port_names_its_owner_and_what_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        found = machine.port(number, "127.0.0.1", "--ui-port", own=False)
        assert found.state == "wrong"
        assert str(number) in found.name
        assert str(os.getpid()) in found.what
        assert "--ui-port or ADCLICK_UI_PORT" in found.mend
        assert machine.port(number, "127.0.0.1", "--ui-port", own=True).state == "ok"
    assert machine.port(number, "127.0.0.1", "--ui-port", own=False).state == "ok"


def test_the_ports_that_up_would_take(local: settings.Settings) -> None:
    assert set(machine.wanted_ports(local)) == {"--kafka-port", "--ui-port"}
    measured = machine.wanted_ports(local.model_copy(update={"metrics": True}))
    assert measured["ADCLICK_METRICS_JOBMANAGER_PORT"] == local.metrics_jobmanager_port
    assert len(measured) == 4
    assert machine.wanted_ports(local.model_copy(update={"flink_url": "http://127.0.0.1:1"})) == {}


def test_this_machine_can_run_it(local: settings.Settings) -> None:
    assert machine.python().state == machine.disk(local.home).state == "ok"
    java = machine.java(local)
    assert java.state == "ok"
    assert "21." in java.what
    wrong = machine.java(local.model_copy(update={"java_home": local.home}))
    assert (wrong.state, "ADCLICK_JAVA_HOME" in wrong.mend) == ("wrong", True)
    greedy = local.model_copy(update={"taskmanager_memory_mb": 10**9})
    assert machine.free_memory(greedy, running=False).state == "wrong"


def test_without_docker_the_local_runtime_is_named(local: settings.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(local.home))
    assert "local runtime" in machine.engine(local).what
    asked = machine.engine(local.model_copy(update={"runtime": "compose"}))
    assert (asked.state, "--runtime local" in asked.mend) == ("wrong", True)


def _jar(folder: Path, body: bytes) -> jars.Jar:
    (folder / "a-1.jar").write_bytes(body)
    import hashlib

    return jars.Jar(("kafka",), "org.example", "a", "1", 3, hashlib.sha256(b"abc").hexdigest())


def test_a_jar_that_was_changed_is_wrong_and_a_missing_one_only_a_warning(
    local: settings.Settings, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    own = local.model_copy(update={"jar_cache": cache, "maven_url": "http://127.0.0.1:1"})
    assert setup.cached_jars(own, [_jar(cache, b"abc")], silent).state == "ok"
    changed = setup.cached_jars(own, [_jar(cache, b"abd")], silent)
    assert (changed.state, "a-1.jar" in changed.what) == ("wrong", True)
    assert changed.fix is not None
    with pytest.raises(Exception, match=r"a-1\.jar cannot be fetched"):
        changed.fix()
    assert not (cache / "a-1.jar").exists()
    assert setup.cached_jars(own, [_jar(cache, b"abc"), replace(_jar(cache, b"abc"), version="2")], silent).state == (
        "warning"
    )


def test_open_files_of_the_home_are_found_and_closed(local: settings.Settings) -> None:
    assert setup.modes(local).state == "ok"
    record = local.home / "submission.json"
    record.write_text("{}")
    record.chmod(0o644)
    found = setup.modes(local)
    assert (found.state, "submission.json" in found.what) == ("wrong", True)
    assert found.fix is not None
    found.fix()
    assert record.stat().st_mode & 0o777 == 0o600
    assert setup.modes(local).state == "ok"


def test_a_folder_of_somebody_else_is_left_alone(local: settings.Settings) -> None:
    thesis = local.home / "thesis.txt"
    thesis.write_text("mine")
    thesis.chmod(0o644)
    found = setup.modes(local)
    assert (found.state, found.fixable) == ("wrong", False)
    assert "thesis" in found.what


def test_a_record_of_a_process_that_is_gone_is_forgotten(local: settings.Settings) -> None:
    record = local.home / "run" / "broker.json"
    born = psutil.Process().create_time()
    process.save(record, process.Process(os.getpid(), born, {}))
    assert setup.records(local, choose(local).services()).state == "ok"
    # The same number, and another process: what the record was written for is gone.
    process.save(record, process.Process(os.getpid(), born - 100, {}))
    found = setup.records(local, choose(local).services())
    assert (found.state, "broker" in found.what) == ("warning", True)
    assert found.fix is not None
    found.fix()
    assert not record.exists()
    assert setup.records(local, choose(local).services()).state == "ok"


def test_a_broken_link_of_the_flink_home_is_found_and_mended(local: settings.Settings, tmp_path: Path) -> None:
    cache = tmp_path / "home" / "jars"
    cache.mkdir()
    layout.link_flink(local.home / "flink", cache, [])
    assert setup.flink_home(local, []).state == "ok"
    victim = next((local.home / "flink" / "lib").glob("flink-dist-*.jar"))
    victim.unlink()
    victim.symlink_to(tmp_path / "nowhere.jar")
    found = setup.flink_home(local, [])
    assert (found.state, victim.name in found.what) == ("warning", True)
    assert found.fix is not None
    found.fix()
    assert setup.flink_home(local, []).state == "ok"
    pin = replace(_jar(cache, b"abc"), places=("flink/lib",))
    layout.link_flink(local.home / "flink", cache, [pin])
    assert setup.flink_home(local, [pin]).state == "ok"
    (cache / pin.file_name).unlink()
    assert pin.file_name in setup.flink_home(local, [pin]).what


def test_an_old_or_absent_jar_of_classes_is_found_and_mended(local: settings.Settings) -> None:
    assert setup.classes(local, [], silent) == []
    cache = jars.cache(local)
    cache.mkdir()
    layout.link_flink(local.home / "flink", cache, [])
    (absent,) = setup.classes(local, [], silent)
    wanted = functions.expected(cache)
    assert (absent.state, absent.what.endswith(f"lib should hold {wanted.name}, and holds none.")) == ("warning", True)
    old = cache / "adclick-functions-0.jar"
    old.write_bytes(b"")
    layout.link_flink(local.home / "flink", cache, [], old)
    (other,) = setup.classes(local, [], silent)
    assert (other.state, f"{old.name} instead" in other.what) == ("warning", True)
    wanted.write_bytes(b"")
    assert other.fix is not None
    other.fix()
    (well,) = setup.classes(local, [], silent)
    assert (well.state, wanted.name in well.what) == ("ok", True)
    wanted.unlink()
    assert setup.classes(local, [], silent)[0].state == "warning"


def test_a_process_with_the_classes_of_another_adclick_is_named(
    local: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = jars.cache(local)
    cache.mkdir()
    wanted = functions.expected(cache)
    wanted.write_bytes(b"")
    layout.link_flink(local.home / "flink", cache, [], wanted)
    paths = {"jobmanager": wanted.name, "taskmanager": "adclick-functions-0.jar", "broker": "kafka.jar"}
    services = [ServiceStatus(name, "running", os.getpid(), 1, {}, "") for name in paths]
    told = iter(paths.values())
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: ["java", "-cp", f"/lib/flink.jar:/lib/{next(told)}"])
    (found,) = setup.classes(local, services, silent)
    assert (found.state, found.what.endswith("still running: taskmanager.")) == ("warning", True)
    assert "adclick down" in found.mend


def test_a_bad_setting_is_told_with_its_place_and_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("adclick.toml").write_text('rate = 2.0\nwatermark_dealy = "5s"\n')
    with pytest.raises(ParameterError) as caught:
        settings.load()
    found = config.refused(caught.value)
    assert found.state == "wrong"
    assert "adclick.toml:2" in found.what
    assert "Did you mean watermark_delay?" in found.mend
    Path("adclick.toml").write_text('rate = 2.0\nwindow = "soon"\n')
    (bad,) = config.examine(settings.load())
    assert (bad.state, "adclick.toml:2" in bad.what, "soon" in bad.what) == ("wrong", True, True)
    Path("adclick.toml").unlink()
    monkeypatch.setenv("ADCLICK_KAFKAPORT", "1")
    (typo,) = config.examine(settings.load())
    assert (typo.state, "ADCLICK_KAFKA_PORT" in typo.mend) == ("warning", True)


def test_config_show_names_file_and_line_and_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("adclick.toml").write_text('# mine\nsasl_password = "s3cret"\n')
    Path("adclick.toml").chmod(0o600)
    monkeypatch.setenv("ADCLICK_RATE", "7")
    told = settings.sources(settings.load())
    assert told["sasl_password"] == (settings.MASK, "adclick.toml:2")
    assert told["rate"] == (7.0, "ADCLICK_RATE")


def test_fix_mends_and_tells(local: settings.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_RUNTIME", "local")
    monkeypatch.setenv("ADCLICK_MAVEN_URL", "http://127.0.0.1:1")
    (local.home / "submission.json").write_text("{}")
    (local.home / "submission.json").chmod(0o666)
    said: list[str] = []
    before = examine(silent)
    assert not before.ok
    assert fix(before, said.append)
    assert any(line.startswith("Mended: files") for line in said)
    assert any(line.startswith("Not mended: jars") for line in said)
    after = {one.name: one.state for one in examine(silent).findings}
    assert (after["files"], after["jars"], after["pipeline"]) == ("ok", "warning", "skipped")


def test_the_command_says_no_with_code_3_and_yes_with_0(
    local: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADCLICK_RUNTIME", "local")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        for name, port in (("ADCLICK_KAFKA_PORT", one), ("ADCLICK_UI_PORT", two)):
            monkeypatch.setenv(name, str(port.getsockname()[1]))
        taken = run("doctor", "--output", "json")
    free = run("doctor", "--output", "json")
    assert (taken.code, free.code) == (3, 0), taken.err + free.err
    said = json.loads(free.out)
    assert said["ok"]
    assert said["mend"] == "adclick up"
    wrong = [one for one in json.loads(taken.out)["findings"] if one["state"] == "wrong"]
    assert len(wrong) == 2
    assert all(one["mend"] for one in wrong)
