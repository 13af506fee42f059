"""A running pipeline at one moment: what its broker and its JobManager tell. Plain data, no connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from adclick_cli.broker.transactions import Hidden
from adclick_cli.flink.health import JobHealth
from adclick_cli.flink.rest import Job
from adclick_cli.pipeline import Pipeline


@dataclass(frozen=True)
class Partition:
    """One partition of the impressions or the clicks. Times are ms since the epoch.

    Attributes:
        end: the next offset of committed messages.
        newest_ms: event time of the newest real event among the last messages, or None.
        beat_ms: the same of heartbeats.
        first_ms: event time of the oldest of the last messages, or None.
        arrived_ms: the broker's time of the newest message, or None where there is none.
        read: the offset that Flink reads next, or None where Flink does not tell.
        watermark_ms: as Flink has it, or None before the first.
        idle: whether Flink leaves it out of the watermark.
        odd: the newest number in an event's time field that is likely in another unit than the declared one, or None.
    """

    topic: str
    number: int
    end: int
    newest_ms: int | None = None
    beat_ms: int | None = None
    first_ms: int | None = None
    arrived_ms: int | None = None
    read: int | None = None
    watermark_ms: int | None = None
    idle: bool = False
    odd: int | None = None

    @property
    def name(self) -> str:
        """As people say it."""
        return f"partition {self.number} of {self.topic}"

    @property
    def lag(self) -> int | None:
        """Messages that Flink has not read; None where that is not known."""
        return None if self.read is None else max(0, self.end - self.read)


@dataclass(frozen=True)
class JobLook:
    """One job.

    Attributes:
        began_ms: its start.
        checkpoint_ms: when its newest completed checkpoint was triggered, or None.
        failed_ms: the same of the newest failed one.
        failure: why that one failed.
        restarts: how often it was restarted.
        cause: the newest failure's root exception, one line, or empty.
        fell_ms: when it failed the last time; 0 without a failure.
    """

    job: Job
    began_ms: int
    checkpoint_ms: int | None = None
    failed_ms: int | None = None
    failure: str = ""
    restarts: int = 0
    cause: str = ""
    fell_ms: int = 0

    @property
    def trouble(self) -> str:
        """Why it writes no rows now; empty where it runs or has come to its own end."""
        return JobHealth(self.job, self.restarts, self.fell_ms, self.checkpoint_ms, self.cause).trouble


@dataclass(frozen=True)
class Held:
    """What the attribution function holds on one TaskManager.

    Attributes:
        taskmanager: as Flink calls it.
        state: bytes on the heap.
        heap: bytes of heap that the TaskManager has for its tasks.
    """

    taskmanager: str
    state: int
    heap: int


@dataclass(frozen=True)
class Picture:
    """Everything at one moment.

    Attributes:
        now_ms: the clock, ms since the epoch.
        pipeline: what was submitted.
        jobs: by name those of adclick's jobs that Flink remembers.
        partitions: of impressions and clicks.
        operators: watermark of each operator that has inputs, by its name, ms; None before the first.
        windows_ms: final rows' windows that end up to here are closed, or None before the first watermark.
        final_rows: whether the CTR topic holds committed rows.
        hidden: what lies behind open transactions.
        dead_letters: messages in the dead-letter topic, about.
        silence_ms: a partition gets heartbeats after so long without an event.
        heartbeat: whether a process writes heartbeats; None where that cannot be seen.
        submit: the command that gets the jobs to run where they do not.
        blocked: what lies behind open transactions in the topics that Flink reads.
        held: the state of the attribution function; empty where the pipeline is plain SQL.
    """

    now_ms: int
    pipeline: Pipeline
    jobs: Mapping[str, JobLook]
    partitions: tuple[Partition, ...]
    operators: Mapping[str, int | None]
    windows_ms: int | None
    final_rows: bool
    hidden: tuple[Hidden, ...]
    dead_letters: int
    silence_ms: int
    heartbeat: bool | None
    submit: str = "adclick submit"
    blocked: tuple[Hidden, ...] = ()
    held: tuple[Held, ...] = ()

    @property
    def began_ms(self) -> int:
        """When the newest job began."""
        return max((look.began_ms for look in self.jobs.values()), default=0)

    @property
    def next_end_ms(self) -> int | None:
        """End of the next window to close, or None before the first watermark."""
        if self.windows_ms is None:
            return None
        size = self.pipeline.window.ms
        return ((self.windows_ms + 1) // size + 1) * size

    @property
    def needed_ms(self) -> int | None:
        """The watermark that every partition must reach for that window to close."""
        end = self.next_end_ms
        return None if end is None else end - 1 + self.pipeline.held_ms

    @property
    def pending(self) -> bool:
        """Whether an impression lies in a window that is still open."""
        shown = [one for one in self.partitions if one.topic == self.pipeline.topics.impressions]
        # Behind many heartbeats the last event is not seen; it is no newer than the oldest of them.
        newest = max((one.newest_ms or one.first_ms or 0 for one in shown), default=0)
        size = self.pipeline.window.ms
        return newest > 0 and (self.windows_ms is None or self.windows_ms < (newest // size + 1) * size - 1)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "partitions": [asdict(one) | {"lag": one.lag} for one in self.partitions],
            "watermarks": dict(self.operators),
            "state": [asdict(one) for one in self.held],
            "window": {"watermark_ms": self.windows_ms, "next_end_ms": self.next_end_ms, "needed_ms": self.needed_ms},
        }
