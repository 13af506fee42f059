"""A full disk is the first thing that is said; and nothing is waited for that nobody starts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from filelock import FileLock

from adclick_cli import settings
from adclick_cli.errors import AdclickError, BrokerError, FlinkError, ParameterError, RuntimeFailure
from adclick_cli.events import generate, sending
from adclick_cli.events.generator import Event, Kind, Shares
from adclick_cli.exclusive import SERVICES, lock_file
from adclick_cli.pipeline import Topics
from adclick_cli.runtime import disk, process
from adclick_cli.runtime.choose import being_started
from adclick_cli.runtime.local.layout import free_port
from adclick_cli.settings import Settings

pytestmark = pytest.mark.usefixtures("no_settings")
MIB = 1_048_576
ENDED = BrokerError("no Kafka broker answers at 127.0.0.1:9092", "Nobody listens there.", "adclick up")


@pytest.fixture
def loaded() -> Settings:
    """Settings of a home with nothing in it, whose ports nobody listens at."""
    return settings.load(kafka_port=free_port("127.0.0.1"), ui_port=free_port("127.0.0.1"), runtime="local")


def _log(home: Path, line: str) -> None:
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "broker.log").write_text(f"java.io.IOException: {line}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("free_mib", "line", "full"),
    [
        (3, "", True),
        (100, "", False),
        (100, "No space left on device", True),
        (9_000, "No space left on device", False),
        (9_000, "Disk quota exceeded", True),
    ],
    ids=["little room", "some room", "the broker says so", "room was made since", "quota"],
)
def test_full_is_told_by_the_free_space_and_by_the_brokers_log(
    tmp_path: Path, free_mib: int, line: str, full: bool
) -> None:
    _log(tmp_path, line)
    told = disk.full(tmp_path, lambda home: free_mib * MIB)
    assert bool(told) is full
    if full:
        assert f"{free_mib:,} MiB are free under {tmp_path}." in told


def test_the_disk_is_full_comes_first_and_the_error_behind_it(loaded: Settings) -> None:
    for error in (ENDED, RuntimeFailure("the broker exited with code 1", "a log"), FlinkError("a job failed")):
        told = disk.explained(error, loaded, lambda home: 0)
        assert told.what == "the disk is full"
        assert told.why.startswith(f"0 MiB are free under {loaded.home}.")
        assert error.what in told.why
        assert "Make room" in told.mend
        assert disk.explained(error, loaded, lambda home: 1 << 40) is error


def test_wrong_usage_and_somebody_elses_cluster_stay_as_they_are(loaded: Settings) -> None:
    usage = ParameterError("rate", -1, "It is negative.", "Give a number above 0.")
    assert disk.explained(usage, loaded, lambda home: 0) is usage
    foreign = loaded.model_copy(update={"bootstrap_servers": "kafka:9092", "flink_url": "http://flink:8081"})
    assert disk.explained(ENDED, foreign, lambda home: 0) is ENDED
    disk.require_room(foreign, lambda home: 0)


def test_sending_looks_at_the_disk_while_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere:
        """A broker that takes everything and delivers nothing."""

        def send(self, *_: object) -> None:
            pass

    def full() -> None:
        raise BrokerError("the disk is full")

    monkeypatch.setattr(sending, "open_producer", lambda servers, **_: Nowhere())
    monkeypatch.setattr(sending, "LOOK_S", 0.0)
    events = (Event(number, Kind.IMPRESSION, b"", b"") for number in range(10**9))
    with pytest.raises(BrokerError, match="the disk is full"):
        sending.send(events, settings.load().servers, Topics(), speed=0.0, look=full)


def test_generate_with_nothing_up_answers_at_once(loaded: Settings) -> None:
    begun, told = time.monotonic(), list[str]()
    request = generate.Request("normal", "camp-1", None, 5, None, None, Shares())
    with pytest.raises(BrokerError, match="no Kafka broker answers") as error:
        generate.run(loaded, request, None, told.append)
    assert time.monotonic() - begun < 5.0, "a broker that is being started is waited for 30 s"
    assert "adclick up" in error.value.mend
    assert told == []


def test_generate_waits_for_a_broker_that_is_being_started_and_says_so(loaded: Settings) -> None:
    (loaded.home / "run").mkdir(parents=True)
    told: list[str] = []
    with (
        FileLock(lock_file(loaded.home, SERVICES)),
        pytest.raises(AdclickError, match="no Kafka broker answers") as error,
    ):
        sending.prepare(loaded, 0.05, told.append)
    assert told == [f"The broker at {loaded.servers} is being started: waiting up to 0 s …"]
    assert "Waited 0 s for it." in error.value.why


def test_somebody_elses_broker_is_waited_for_and_that_is_said(loaded: Settings) -> None:
    foreign = loaded.model_copy(update={"bootstrap_servers": f"127.0.0.1:{loaded.kafka_port}"})
    told: list[str] = []
    with pytest.raises(BrokerError, match="no Kafka broker answers"):
        sending.prepare(foreign, 0.05, told.append)
    assert told == [f"The broker at {foreign.servers} does not answer yet: waiting up to 0 s …"]


def test_an_up_a_new_process_and_the_supervisor_start_a_broker(loaded: Settings) -> None:
    assert not being_started(loaded)
    (loaded.home / "run").mkdir(parents=True)
    with FileLock(lock_file(loaded.home, SERVICES)):
        assert being_started(loaded)
    assert not being_started(loaded)
    (loaded.home / "runtime").write_text("local", encoding="utf-8")
    this = process.Process(1, 0.0, {})
    process.save(loaded.home / "run" / "broker.json", this)
    assert not being_started(loaded), "a process that is gone"
