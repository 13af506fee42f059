"""What Docker says, put into the program's words; which runtime is chosen. No engine is needed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.errors import PortTakenError, RuntimeFailure
from adclick_cli.runtime import choose, memory
from adclick_cli.runtime.compose import docker, state

# As Docker 20.10 to 28 and Compose 5 print them.
PORT = (
    "Error response from daemon: driver failed programming external connectivity on endpoint x-broker-1 (28908c817dea):"
    " Bind for 127.0.0.1:19092 failed: port is already allocated"
)
PORT_OF_A_PROGRAM = (
    "Error response from daemon: driver failed programming external connectivity on endpoint x-jobmanager-1 (2890):"
    " Error starting userland proxy: listen tcp4 127.0.0.1:8081: bind: address already in use"
)
NO_IMAGE = "Error response from daemon: No such image: flink:0.0.0-none"
NO_NETWORK = (
    ' Image flink:2.2.1-java21 Error Get "https://images.example/v2/": dial tcp: no such host\n'
    'Error response from daemon: Get "https://images.example/v2/": dial tcp: no such host'
)
NO_TAG = "Error response from daemon: manifest for apache/kafka:9.9.9 not found: manifest unknown: manifest unknown"
NO_MOUNT = (
    'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: /nowhere/x.jar'
)
REFUSED = (
    "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: "
    'Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.50/version": dial unix /var/run/docker.sock: connect: permission denied'
)
ABSENT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
ABSENT_ANEW = "failed to connect to the docker API at unix:///x.sock; check if the path is correct"


@pytest.mark.parametrize(
    ("said", "what", "mend"),
    [
        (PORT, "port 19092 is taken", "--kafka-port"),
        (PORT_OF_A_PROGRAM, "port 8081 is taken", "--ui-port"),
        (NO_IMAGE, "the image flink:0.0.0-none cannot be pulled", "ADCLICK_FLINK_IMAGE"),
        (NO_NETWORK, "the image flink:2.2.1-java21 cannot be pulled", "--runtime local"),
        (NO_TAG, "the image apache/kafka:9.9.9 cannot be pulled", "ADCLICK_KAFKA_IMAGE"),
        (NO_MOUNT, "a file that the containers need is missing: /nowhere/x.jar", "ADCLICK_JAR_CACHE"),
        (REFUSED, "the Docker engine refuses you", "group"),
        (ABSENT, "no Docker engine answers", "--runtime local"),
        (ABSENT_ANEW, "no Docker engine answers", "--runtime local"),
    ],
)
def test_a_complaint_becomes_a_message_with_its_mend(said: str, what: str, mend: str) -> None:
    error = docker.complaint(said, {"--kafka-port": 19092, "--ui-port": 8081})
    assert error is not None
    assert error.what == what
    assert mend in error.mend
    assert error.why in said
    assert isinstance(error, PortTakenError) == ("port" in what)


def test_an_unknown_complaint_is_not_guessed_at() -> None:
    assert docker.complaint("container x-broker-1 is unhealthy") is None


def test_containers_are_read_from_both_forms_of_compose() -> None:
    entries = [
        {"Service": "broker", "Name": "x-broker-1", "State": "running", "Health": "healthy", "ExitCode": 0},
        {"Service": "jobmanager", "Name": "x-jm-1", "State": "running", "Health": "starting", "ExitCode": 0},
        {
            "Service": "taskmanager",
            "Name": "x-tm-1",
            "State": "restarting",
            "Health": "",
            "Status": "Restarting (137) 1 s",
        },
    ]
    array = state.containers(json.dumps(entries))
    lines = state.containers("\n".join(json.dumps(entry) for entry in entries) + "\n")
    assert array == lines
    assert [(one.word, one.exit_code) for one in array] == [("running", 0), ("starting", 0), ("dead", 137)]
    assert state.containers("") == state.containers("[]") == []


def test_memory_and_process_numbers_are_read() -> None:
    assert state.memory_mb("a-1 317.2MiB / 1.5GiB\nb-1 1.5GiB / 2GiB\nc-1 512KiB / 1GiB\n") == {
        "a-1": 317,
        "b-1": 1536,
        "c-1": 0,
    }
    assert state.pids("/a-1 123\n/b-1 0\n") == {"a-1": 123}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.upper().startswith("ADCLICK_")]:
        monkeypatch.delenv(name)
    return tmp_path / "home"


def test_the_setting_decides_before_all_else(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose.decide(settings.load(home=home, runtime="compose")).name == "compose"
    with pytest.raises(RuntimeFailure, match="no Docker engine answers"):
        docker.require()


def test_what_runs_or_left_data_decides_before_the_engine(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    loaded = settings.load(home=home, kafka_port=12345)
    with memory.remembering(loaded, "compose"):
        pass
    assert choose.decide(loaded).name == "compose"
    assert settings.load(home=home).kafka_port == 12345
    memory.forget_ports(loaded)
    assert choose.decide(loaded).name == "compose"
    memory.delete_home(home)
    assert choose.decide(loaded).name == "local"


def test_a_start_that_fails_is_not_remembered(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    loaded = settings.load(home=home)
    with pytest.raises(KeyboardInterrupt), memory.remembering(loaded, "compose"):
        raise KeyboardInterrupt
    assert memory.remembered(loaded) is None
    with memory.remembering(loaded, "local"):
        pass
    with pytest.raises(KeyboardInterrupt), memory.remembering(loaded, "compose"):
        raise KeyboardInterrupt
    assert memory.remembered(loaded) == "local"
