"""Nothing is lost or written twice: across savepoints, killed processes, and a broker that goes away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adclick_cli import schema, settings, submission
from adclick_cli.broker import admin, transactions
from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_topic
from adclick_cli.runtime import options
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.process import Process
from adclick_cli.security import Servers
from tests.cluster.conftest import Cluster, process

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SHORT = (
    "--window",
    "2s",
    "--attribution",
    "4s",
    "--watermark-delay",
    "1s",
    "--idle-timeout",
    "10m",
    "--method",
    "ratio",
    "--no-live",
)
"""No partition falls idle: with so short an attribution, one that wakes a moment after the others would be late. And
chance alone gives alerts."""

DEADLINE_S = 180.0


def servers(cluster: Cluster) -> Servers:
    return cluster.servers


def wait(reached: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.mark.parametrize("early", [False, pytest.param(True, marks=pytest.mark.long)], ids=["final", "early"])
def test_a_savepoint_carries_state_over_with_another_threshold(cluster: Cluster, tmp_path: Path, early: bool) -> None:
    env = cluster.own_topics(f"state-{early}".lower())
    lanes = ("--early", "1s") if early else ()
    cluster.run("submit", *SHORT, *lanes, "--no-dead-letters", "--spike", "1.2", "--drop", "0.8", env=env)
    cluster.run("generate", "--backfill", "60s", "--rate", "40", env=env)
    first = cluster.json("verify", env=env)
    assert first["ok"], first["results"]
    assert first["results"]["alerts"]["compared"] > 0
    [taken] = cluster.rows("stop", "--savepoint", env=env)
    assert cluster.rows("savepoints", env=env)[0] == taken
    # Three windows at least must be final without a heartbeat: an alert compares two.
    cluster.run("generate", "--duration", "12s", "--rate", "40", "--seed", "2", env=env)

    refused = cluster.run("submit", "--from-savepoint", "latest", "--window", "4s", env=env, code=1)
    assert "the stages join, anomaly changed" in refused.stderr
    assert "window 4s, was 2s" in refused.stderr
    refused = cluster.run("submit", "--from-savepoint", "latest", "--method", "baseline", env=env, code=1)
    assert "anomaly changed" in refused.stderr
    assert "method baseline, was ratio" in refused.stderr

    if early:
        _each_job_is_offered_the_other_ones_state(cluster, taken["name"], tmp_path / "swapped.json", env)
    cluster.run("submit", "--from-savepoint", "latest", "--spike", "1.05", "--drop", "0.95", env=env)
    second = cluster.json("verify", env=env)
    assert second["ok"], second["results"]
    assert not early or first["results"]["early_alerts"]["compared"] > 0
    assert not early or first["results"]["early_verdicts"]["compared"] > 0
    for name in ("ctr", "engagement", "alerts", *(["ctr_early"] if early else [])):
        assert second["results"][name]["compared"] > first["results"][name]["compared"]
    _the_check_can_fail(cluster, env)

    cluster.run("stop", env=env)
    again = cluster.run("submit", "--from-savepoint", "latest", env=env, code=1)
    assert "rows were written after savepoint" in again.stderr


def _each_job_is_offered_the_other_ones_state(cluster: Cluster, name: str, swapped: Path, env: dict[str, str]) -> None:
    """Flink itself judges the operators."""
    plain = json.loads((cluster.home / "savepoints" / "records" / f"{name}.json").read_text())
    plain["paths"] = dict(zip(plain["paths"], reversed(plain["paths"].values()), strict=True))
    swapped.write_text(json.dumps(plain))
    failed = cluster.run("submit", "--from-savepoint", str(swapped), env=env, code=1)
    assert f"Flink cannot restore savepoint {name}" in failed.stderr
    assert "Cannot map checkpoint/savepoint state" in failed.stderr


def _the_check_can_fail(cluster: Cluster, env: dict[str, str]) -> None:
    """Judged by the new rule alone, the alerts of the old one are wrong."""
    path = cluster.home / "submission.json"
    kept = path.read_text()
    path.write_text(json.dumps(json.loads(kept) | {"earlier_rules": []}))
    try:
        assert cluster.run("verify", "--wait", "0s", env=env, code=3)
    finally:
        path.write_text(kept)


def _chaos_jobs(cluster: Cluster, *lanes: str) -> dict[str, str]:
    """Both jobs run on topics of these tests: the first test submits them, a later one only where they have gone.

    With `lanes`, more flags, they are submitted in any case.
    """
    env = cluster.own_topics("chaos")
    submitted = submission.current_pipeline(settings.load(home=cluster.home))
    running = [job for job in cluster.rows("jobs", env=env) if job["state"] == "RUNNING" and not job["reason"]]
    if lanes or len(running) < 2 or submitted is None or submitted.topics.ctr != env["ADCLICK_TOPIC_CTR"]:
        cluster.run("submit", *SHORT, *lanes, "--replace", env=env)
    return env


@pytest.mark.parametrize(
    ("kinds", "lanes"),
    [
        (["taskmanager", "broker"], ()),
        pytest.param(["jobmanager", "broker-pause"], ("--early", "1s"), marks=pytest.mark.long),
    ],
    ids=["taskmanager,broker", "jobmanager,broker-pause,early"],
)
def test_no_row_is_lost_or_repeated_when_processes_die(
    cluster: Cluster, kinds: list[str], lanes: tuple[str, ...]
) -> None:
    env = _chaos_jobs(cluster, *lanes)
    asked = ["--kinds", ",".join(kinds), "--faults", "2", "--outage", "3s", "--gap", "2s", "--rate", "100"]
    record = cluster.json("chaos", *asked, "--seed", "5", env=env)
    assert record["ok"], record
    assert sorted(one["kind"] for one in record["recoveries"]) == sorted(kinds)
    assert (record["differences"], record["repeated"]) == (0, 0)
    assert record["sent"] == record["held"]
    for name in ("ctr", *(["ctr_early"] if lanes else [])):
        assert record["verdict"]["results"][name]["compared"] > 100, name
    for name in ("alerts", *(["early_alerts", "early_verdicts"] if lanes else [])):
        assert record["verdict"]["results"][name]["compared"] > 20, name


def test_the_supervisor_brings_a_killed_jobmanager_back_with_its_jobs(cluster: Cluster) -> None:
    env = _chaos_jobs(cluster)
    before = [job["id"] for job in cluster.json("status", env=env)["jobs"] if job["state"] == "RUNNING"]
    assert len(before) == 2
    cluster.run("up", "--supervise")
    try:
        killed = process(cluster, "jobmanager")
        killed.kill()
        wait(lambda: process_changed(cluster, killed), "nobody started the JobManager")
        # `up` beside the supervisor waits for it, and for the jobs.
        cluster.run("up")
        after = [job["id"] for job in cluster.json("status", env=env)["jobs"] if job["state"] == "RUNNING"]
        assert sorted(after) == sorted(before)
    finally:
        cluster.run("up", "--no-supervise")
    assert "supervisor" not in [service["name"] for service in cluster.json("status")["services"]]


def process_changed(cluster: Cluster, killed: Process) -> bool:
    runtime = choose(settings.load(home=cluster.home, runtime="local"))
    assert isinstance(runtime, LocalRuntime)
    found = runtime.process("jobmanager")
    return found is not None and found != killed


def test_up_aborts_transactions_that_no_job_will_end_and_no_other(cluster: Cluster) -> None:
    """One of an attempt that had come further than the one that runs, one of a checkpoint that is long past."""
    env = _chaos_jobs(cluster)
    # Of jobs that an earlier test used: until their last windows have closed they hold transactions of their own.
    wait(lambda: _nothing_is_to_come(cluster, env), "windows stay open")
    topic = env["ADCLICK_TOPIC_ALERTS"]
    left = [f"adclick-{topic}-0-999999", f"adclick-{topic}-7-1"]
    foreign = f"adclick-{topic}-foreign-0-999999"
    producers = [_open_transaction(cluster, topic, name) for name in (*left, foreign)]
    [hidden] = transactions.hidden(servers(cluster), [topic])
    assert (hidden.transaction, hidden.rows) == (left[0], 3)
    assert not _holds(cluster, topic, b"left open")
    assert cluster.run("up", env=env).stderr.count("which no job will end") == 2
    still = transactions.hidden(servers(cluster), [topic])
    assert [one.transaction for one in still] == [foreign]
    transactions.abort(servers(cluster), [foreign])
    _append(cluster, topic, b"behind them")
    # The alerts' own job may have written rows, too, that its next checkpoint commits.
    wait(lambda: _holds(cluster, topic, b"behind them"), "the rows behind stay hidden")
    assert not _holds(cluster, topic, b"left open")
    jobs = [job for job in cluster.json("status", env=env)["jobs"] if job["state"] == "RUNNING" and not job["reason"]]
    assert len(jobs) == 2
    del producers


def _nothing_is_to_come(cluster: Cluster, env: dict[str, str]) -> bool:
    """Whether every window has its final row, and each alert and dead letter is committed."""
    verdict = cluster.json("verify", env=env)
    assert verdict["ok"], verdict["results"]
    return not any(found["pending"] for found in verdict["results"].values())


def _open_transaction(cluster: Cluster, topic: str, name: str) -> object:
    """What a writer leaves behind that is killed: the producer is returned, to be kept as silent as a dead one."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": str(servers(cluster)), "transactional.id": name, "log_level": 0})
    producer.init_transactions(DEADLINE_S)
    producer.begin_transaction()
    producer.produce(topic, b"left open")
    assert producer.flush(DEADLINE_S) == 0
    return producer


def _append(cluster: Cluster, topic: str, value: bytes) -> None:
    producer = open_producer(servers(cluster))
    producer.send(topic, b"key", value)
    producer.close()


def _holds(cluster: Cluster, topic: str, value: bytes) -> bool:
    return any(one.value == value for batch in read_topic(servers(cluster), topic) for one in batch)


@pytest.mark.long
def test_cancel_leaves_no_transaction_that_readers_wait_for(cluster: Cluster) -> None:
    env = cluster.own_topics("abandoned")
    topic = env["ADCLICK_TOPIC_CTR"]
    cluster.run("submit", *SHORT, "--checkpoint-interval", "10m", "--replace", env=env)
    cluster.run("generate", "--backfill", "60s", "--rate", "20", env=env)

    def open_rows() -> bool:
        every = admin.topic_offsets(servers(cluster), topic)
        stable = admin.topic_offsets(servers(cluster), topic, committed=True)
        return sum(high for _, high in every.values()) > sum(high for _, high in stable.values())

    wait(open_rows, "no row was written")
    process(cluster, "taskmanager").kill()
    wait(lambda: _troubles(cluster), "no job says why it does not run")
    assert transactions.open_ids(servers(cluster), [f"adclick-{topic}"]) != []
    cluster.run("cancel", env=env)
    assert transactions.open_ids(servers(cluster), [f"adclick-{topic}"]) == []
    assert not open_rows()
    cluster.run("up")


@pytest.mark.long
def test_a_bounded_run_does_not_wait_for_a_taskmanager_that_has_died(cluster: Cluster) -> None:
    env = cluster.own_topics("nobody")
    cluster.run("generate", "--count", "10", env=env)
    process(cluster, "taskmanager").kill()
    try:
        failed = cluster.run("submit", "--bounded", "--replace", env=env, code=1)
    finally:
        cluster.run("up")
    assert "The taskmanager has died." in failed.stderr
    assert "the taskmanager has died, so the job never ends" in failed.stderr
    assert not [job for job in cluster.rows("jobs") if job["state"] in ("RUNNING", "RESTARTING", "CREATED")]


def _troubles(cluster: Cluster) -> list[str]:
    return [
        job["reason"] for job in cluster.rows("jobs") if job["state"] in ("RUNNING", "RESTARTING") and job["reason"]
    ]


COUNT = 4_000


@pytest.fixture(scope="module")
def after_a_kill(cluster: Cluster) -> dict[str, dict[int, int]]:
    """A broker killed while both clients send to it and a topic is empty again; by partition where that one begins."""
    admin.ensure_topics(servers(cluster), dict.fromkeys(("survivors-true", "survivors-false", "emptied"), schema.CLICK))
    _fill(cluster, "emptied")
    begins = admin.delete_records(servers(cluster), ["emptied"])
    time.sleep(2 * options.EMPTIED_IS_DURABLE_MS / 1000)
    # Both are in the midst of it when it dies, and neither sends the rest before.
    reached, killed = threading.Barrier(3, timeout=DEADLINE_S), threading.Event()

    def send(fast: bool) -> None:
        producer = open_producer(servers(cluster), fast=fast)
        for number in range(COUNT):
            if number == COUNT // 4:
                reached.wait()
                assert killed.wait(DEADLINE_S)
            producer.send(f"survivors-{fast}".lower(), b"key", str(number).encode())
        producer.close()

    senders = [threading.Thread(target=send, args=(fast,)) for fast in (True, False)]
    for sender in senders:
        sender.start()
    reached.wait()
    process(cluster, "broker").kill()
    killed.set()
    cluster.run("up")
    for sender in senders:
        sender.join(DEADLINE_S)
        assert not sender.is_alive()
    return begins


@pytest.mark.parametrize("fast", [True, False])
def test_events_survive_a_broker_that_is_killed(cluster: Cluster, after_a_kill: object, fast: bool) -> None:
    topic = f"survivors-{fast}".lower()
    values = [int(message.value or b"") for batch in read_topic(servers(cluster), topic) for message in batch]
    assert values == list(range(COUNT))


def test_rows_that_were_deleted_stay_deleted_when_the_broker_dies(
    cluster: Cluster, after_a_kill: dict[str, dict[int, int]]
) -> None:
    """The broker writes its logs' beginnings down once a second, not once a minute as it would unasked."""
    assert admin.came_back(servers(cluster), after_a_kill) == []
    assert admin.message_counts(servers(cluster), ["emptied"]) == {"emptied": 0}


def _fill(cluster: Cluster, topic: str, count: int = 40) -> None:
    producer = open_producer(servers(cluster))
    for number in range(count):
        producer.send(topic, str(number).encode(), b"row")
    producer.close()
