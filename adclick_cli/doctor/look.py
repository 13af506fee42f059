"""Looking at a running pipeline: one picture out of the broker's offsets, its newest messages and Flink's REST."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace

from adclick_cli.broker import admin, transactions
from adclick_cli.broker.newest import Newest
from adclick_cli.doctor.picture import Held, JobLook, Partition, Picture
from adclick_cli.events import beating, heartbeat
from adclick_cli.events.time_unit import other_unit
from adclick_cli.flink import health
from adclick_cli.flink.rest import FlinkRest, Job, root_causes
from adclick_cli.pipeline import Pipeline
from adclick_cli.settings import Settings
from adclick_cli.sql import render

FRESH_S = 1.5
POLL_S = 0.1
NO_WATERMARK = -(2**62)
"""Flink tells its smallest long before the first watermark."""

_WATERMARK = re.compile(r"\.split\.(.+)-(\d+)\.watermark\.currentWatermark$")
_OFFSET = re.compile(r"KafkaSourceReader\.topic\.(.+)\.partition\.(\d+)\.currentOffset$")
_OUTPUT = re.compile(r"^Source__.*\.currentOutputWatermark$")
_INPUT = re.compile(r"^currentInputWatermark$")
_STATE = re.compile(r"\.adclick_state_bytes$")
_SOURCE = re.compile(r"^Source: (?:impression|click)_events\b")

Place = tuple[str, int]


def look(settings: Settings, pipeline: Pipeline, rest: FlinkRest, heartbeats: bool | None) -> Picture:
    """One picture of a pipeline whose broker and JobManager answer.

    Raises:
        BrokerError, FlinkError: one does not answer.
    """
    jobs = health.newest(rest.jobs())
    windows = jobs.get(render.JOB_CTR)
    before = rest.job_metric(windows.id, "uptime") if windows and windows.active else None
    partitions = _partitions(settings, pipeline)
    looks = {name: _job(rest, job) for name, job in jobs.items()}
    operators: dict[str, int | None] = {}
    if windows and windows.active:
        _wait_fresh(rest, windows, before)
        operators, told = _watermarks(rest, windows)
        partitions = {
            place: replace(
                one, read=told.offsets.get(place), watermark_ms=told.marks.get(place), idle=place in told.idle
            )
            for place, one in partitions.items()
        }
    results, raw = pipeline.final_topics, (pipeline.topics.impressions, pipeline.topics.clicks)
    hidden = transactions.hidden(settings.servers, (*results, *raw))
    committed = admin.all_offsets(settings.servers, (pipeline.topics.ctr, pipeline.topics.dead_letters), committed=True)
    return Picture(
        now_ms=int(time.time() * 1000),
        pipeline=pipeline,
        jobs=looks,
        partitions=tuple(
            partitions[place] for place in sorted(partitions, key=lambda at: (_order(pipeline, at), at[1]))
        ),
        operators=operators,
        windows_ms=_windows(pipeline, operators),
        final_rows=any(high > low for low, high in committed[pipeline.topics.ctr].values()),
        hidden=tuple(one for one in hidden if one.topic in results),
        blocked=tuple(one for one in hidden if one.topic in raw),
        dead_letters=sum(high - low for low, high in committed[pipeline.topics.dead_letters].values()),
        silence_ms=beating.after(settings).ms,
        heartbeat=heartbeats,
        submit=health.next_submit(settings),
        held=_held(rest, windows) if windows and windows.active and not pipeline.portable else (),
    )


def _order(pipeline: Pipeline, place: Place) -> int:
    return 0 if place[0] == pipeline.topics.impressions else 1


def _partitions(settings: Settings, pipeline: Pipeline) -> dict[Place, Partition]:
    events = heartbeat.topics(pipeline)
    ends = admin.all_offsets(settings.servers, events, committed=True)
    found = {
        (topic, number): Partition(topic, number, high)
        for topic, offsets in ends.items()
        for number, (_, high) in offsets.items()
    }
    newest = Newest(settings.servers, tuple(events))
    try:
        for message in newest.look():
            place = (message.topic, message.partition)
            one = found.get(place) or Partition(*place, message.offset + 1)
            one = replace(one, end=max(one.end, message.offset + 1), arrived_ms=message.timestamp_ms)
            of = events[message.topic]
            number = heartbeat.stamp(of.source, message.value)
            if number is not None and other_unit(number, of.source.time_unit):
                one = replace(one, odd=number)
            ahead = pipeline.max_ahead.ms
            read = heartbeat.event_time(of, message.value, message.timestamp_ms, ahead)
            if read is not None:
                at_ms, beat = read
                latest = max(at_ms, (one.beat_ms if beat else one.newest_ms) or 0)
                one = replace(one, beat_ms=latest) if beat else replace(one, newest_ms=latest)
                one = replace(one, first_ms=at_ms if one.first_ms is None else one.first_ms)
            found[place] = one
    finally:
        newest.close()
    return found


def _job(rest: FlinkRest, job: Job) -> JobLook:
    latest = rest.checkpoint_statistics(job.id).get("latest") or {}
    done, failed = latest.get("completed") or {}, latest.get("failed") or {}
    fell_ms, trace = rest.newest_failure(job.id)
    cause = root_causes(trace).splitlines()
    return JobLook(
        job,
        int(rest.job(job.id)["start-time"]),
        done.get("trigger_timestamp"),
        failed.get("trigger_timestamp"),
        str(failed.get("failure_message") or ""),
        rest.restarts(job.id),
        cause[-1] if cause else "",
        fell_ms,
    )


def _wait_fresh(rest: FlinkRest, job: Job, before: float | None) -> None:
    """A JobManager asks its TaskManagers only when somebody asks it, and answers with what it knew until then."""
    deadline = time.monotonic() + FRESH_S
    while rest.job_metric(job.id, "uptime") == before and time.monotonic() < deadline:
        time.sleep(POLL_S)


class _Told:
    def __init__(self) -> None:
        self.marks: dict[Place, int | None] = {}
        self.offsets: dict[Place, int] = {}
        self.idle: set[Place] = set()

    def take(self, metrics: Mapping[str, float], source: int | None) -> None:
        """Take what one source tells of its partitions; `source` is the watermark that it sends on, ms."""
        for name, value in metrics.items():
            split, offset = _WATERMARK.search(name), _OFFSET.search(name)
            if offset:
                # The last one that was handed on; -1 before the first.
                self.offsets[offset.group(1), int(offset.group(2))] = int(value) + 1
            elif split:
                place, mark = (split.group(1), int(split.group(2))), _mark(value)
                self.marks[place] = mark
                # A source sends on the least of those that it does not leave out. (Flink's own metrics of idle time are
                # means of a minute.)
                if source is not None and (mark is None or mark < source):
                    self.idle.add(place)


def _watermarks(rest: FlinkRest, job: Job) -> tuple[dict[str, int | None], _Told]:
    operators: dict[str, int | None] = {}
    told = _Told()
    for vertex in rest.job(job.id)["vertices"]:
        name, vertex_id = str(vertex["name"]), str(vertex["id"])
        source = bool(_SOURCE.match(name))
        marks = rest.metrics(job.id, vertex_id, (_OUTPUT if source else _INPUT).search, "min")
        operators[name] = _mark(min(marks.values())) if marks else None
        if source:
            told.take(rest.metrics(job.id, vertex_id, _of_partitions, "max"), operators[name])
    return operators, told


def _windows(pipeline: Pipeline, operators: Mapping[str, int | None]) -> int | None:
    """Up to where windows are closed, ms. The joins hold the watermark back; the function lets it pass, and waits."""
    mark = next((mark for name, mark in operators.items() if "ctr_results[" in name), None)
    return mark if mark is None or pipeline.portable else mark - pipeline.held_ms


def _held(rest: FlinkRest, job: Job) -> tuple[Held, ...]:
    states: dict[str, float] = {}
    for vertex in rest.job(job.id)["vertices"]:
        for name, state in rest.metric_by_taskmanager(job.id, str(vertex["id"]), _STATE.search).items():
            states[name] = states.get(name, 0) + state
    heaps = {name: rest.task_heap(name) for name in states}
    return tuple(Held(name, int(states[name]), heap) for name, heap in sorted(heaps.items()) if heap)


def _of_partitions(metric: str) -> bool:
    return bool(_WATERMARK.search(metric) or _OFFSET.search(metric))


def _mark(value: float) -> int | None:
    return None if value < NO_WATERMARK else int(value)
