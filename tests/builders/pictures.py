"""Pictures of a pipeline, as the doctor makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adclick_cli.doctor.picture import JobLook, Partition, Picture
from adclick_cli.flink.rest import Job
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql.render import JOBS

T0 = 1_767_225_600_000
PIPELINE = Pipeline(window=Duration(10_000), attribution=Duration(20_000), watermark_delay=Duration(2_000))
NOW = T0 + 60_000


def partition(topic: str, number: int, at_ms: int = NOW, **more: Any) -> Partition:
    plain = Partition(topic, number, 5, at_ms, None, at_ms, at_ms, 5, at_ms - 2_000)
    return replace(plain, **more)


def picture(**more: Any) -> Picture:
    topics = PIPELINE.topics
    plain = Picture(
        now_ms=NOW,
        pipeline=PIPELINE,
        jobs={name: JobLook(Job("0" * 32, name, "RUNNING"), T0, NOW - 5_000) for name in JOBS},
        partitions=tuple(partition(topic, n) for topic in (topics.impressions, topics.clicks) for n in range(4)),
        operators={},
        windows_ms=NOW - 2_000 - PIPELINE.held_ms,
        final_rows=True,
        hidden=(),
        dead_letters=0,
        silence_ms=10_000,
        heartbeat=True,
    )
    return replace(plain, **more)


def with_partition(one: Partition, **more: Any) -> Picture:
    plain = picture(**more)
    there = tuple(one if (old.topic, old.number) == (one.topic, one.number) else old for old in plain.partitions)
    return replace(plain, partitions=there)


SILENT = partition("ad-impressions", 2, T0)
