"""What every suite needs: topics of its own, a backlog that is made once, what the TaskManager used, the machine."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from adclick_cli import __version__, defaults, schema
from adclick_cli.broker import admin
from adclick_cli.errors import AdclickError, FlinkError
from adclick_cli.events import generate
from adclick_cli.events.generator import Shares
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.local.flink import TASKMANAGER
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import Report
from adclick_cli.settings import Settings

PREFIX = "bench-"
START = "2026-01-01T00:00:00Z"


def require_idle(rest: FlinkRest) -> None:
    """Check that no job of adclick runs.

    Raises:
        FlinkError: one does, and would be measured, too.
    """
    if active_jobs(rest):
        raise FlinkError("jobs of adclick run, and would be measured, too", mend="Run `adclick stop` first.")


def own(settings: Settings, prefix: str = PREFIX) -> Settings:
    """The same settings with topics of a benchmark's own."""
    names = [name for name in Settings.model_fields if name.startswith("topic_")]
    return settings.model_copy(update={name: prefix + str(Settings.model_fields[name].default) for name in names})


def prepare(settings: Settings, events: int, rate: float, campaigns: int, report: Report) -> int:
    """See that the event topics hold this very backlog; it is made once and kept for the next call.

    Args:
        settings: whose topics are a benchmark's own.
        events: impressions.
        rate: impressions a second of event time.
        campaigns: how many.
        report: told what is done.

    Returns:
        Impressions and clicks.

    Raises:
        AdclickError: the topics hold another backlog.
        BrokerError: the broker does not answer.
    """
    topics = settings.topics()
    admin.ensure_topics(settings.servers, admin.topic_names(topics, schema.ALL))
    held = admin.message_counts(settings.servers, [topics.impressions])[topics.impressions]
    if held != events:
        if held:
            raise AdclickError(
                f"{topics.impressions} holds {held:,} impressions of another benchmark",
                mend=f"Give --events {held}, or begin with `adclick down -v`.",
            )
        made = generate.Request(
            "cycle", defaults.PHASE_CAMPAIGN, None, events, None, START, Shares(), campaigns=campaigns
        )
        generate.run(settings.model_copy(update={"rate": rate}), made, None, report)
    return events + admin.message_counts(settings.servers, [topics.clicks])[topics.clicks]


@dataclass(frozen=True)
class Usage:
    """What the TaskManager used.

    Attributes:
        cpu_s: processor seconds, of all its threads.
        peak_mb: the most resident memory at one time, MiB; None where the system does not tell.
    """

    cpu_s: float
    peak_mb: int | None


class Meter:
    """The TaskManager's processor time and memory from `start` to `stop`; nothing where it is no process of ours.

    Args:
        settings: of the cluster.
    """

    def __init__(self, settings: Settings) -> None:
        runtime = choose(settings)
        found = runtime.process(TASKMANAGER) if isinstance(runtime, LocalRuntime) else None
        self._process = psutil.Process(found.pid) if found else None
        self._before = 0.0

    def start(self) -> None:
        """Begin to count."""
        if self._process:
            self._before = self._cpu_s(self._process)
            with contextlib.suppress(OSError):
                # "5" sets the highest resident size back to the present one (Linux, proc_pid_clear_refs(5)).
                Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")

    def stop(self) -> Usage | None:
        """What was used since `start`; None where the TaskManager cannot be seen."""
        if self._process is None:
            return None
        return Usage(self._cpu_s(self._process) - self._before, self._peak_mb(self._process.pid))

    @staticmethod
    def _cpu_s(process: psutil.Process) -> float:
        times = process.cpu_times()
        return float(times.user + times.system)

    @staticmethod
    def _peak_mb(pid: int) -> int | None:
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        except OSError:
            return None
        return round(int(found[1]) / 1024) if found else None


def parameters(settings: Settings, pipeline: Pipeline) -> dict[str, Any]:
    """What a record needs to be read later: the pipeline's parameters, versions, the machine, the time."""
    return {
        "window": str(pipeline.window),
        "attribution": str(pipeline.attribution),
        "watermark_delay": str(pipeline.watermark_delay),
        "checkpoint_interval": str(pipeline.checkpoint_interval),
        "parallelism": pipeline.parallelism,
        "partitions": defaults.PARTITIONS,
        "taskmanager_memory_mb": settings.taskmanager_memory_mb,
        "adclick": __version__,
        "flink": defaults.FLINK_VERSION,
        "kafka": defaults.KAFKA_VERSION,
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "machine": platform.machine(),
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
