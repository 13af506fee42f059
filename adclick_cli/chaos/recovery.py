"""One fault, and how long until results are committed again."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from adclick_cli.chaos.plan import Fault
from adclick_cli.errors import AdclickError
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.service import Report
from adclick_cli.sql.render import JOBS

DEADLINE_S = 240.0
POLL_S = 0.1


@dataclass(frozen=True)
class Recovery:
    """What one fault did.

    Attributes:
        number: from 1.
        kind: of the fault.
        at: when it happened, UTC.
        after_s: how long after the recovery before it.
        outage_s: how long the service was kept away on purpose.
        running_s: from the fault (its outage over) until every process and every task of both jobs ran again; None
            where that took too long.
        committed_s: the same until both jobs had completed a checkpoint begun since, so that results are committed
            again.
        left_open: transactions that no job would have ended, and that were aborted for that, as `adclick up` does.
    """

    number: int
    kind: str
    at: str
    after_s: float
    outage_s: float
    running_s: float | None
    committed_s: float | None
    left_open: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def endure(
    runtime: LocalRuntime, rest: FlinkRest, fault: Fault, number: int, outage_s: float, report: Report
) -> Recovery:
    """Break something, mend it as `adclick up` does, and watch the jobs come back by themselves.

    Raises:
        RuntimeFailure: a process cannot be started again.
    """
    kind = fault.kind
    began = time.time()
    report(f"Fault {number}: {kind.name} …")
    processes = [found for name in kind.services if (found := runtime.process(name))]
    for process in processes:
        process.pause() if kind.does == "pause" else process.kill() if kind.does == "kill" else process.stop()
    if kind.has_outage:
        time.sleep(outage_s)
    over = time.time()
    if kind.does == "pause":
        for process in processes:
            process.resume()
    else:
        runtime.up(lambda _: None)
    running = _wait(over, lambda: all_run(runtime, rest))
    committed = _wait(over, lambda: committed_since(rest, over)) if running is not None else None
    return Recovery(
        number,
        kind.name,
        datetime.fromtimestamp(began, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        fault.after_s,
        outage_s if kind.has_outage else 0.0,
        running,
        committed,
    )


def _wait(since: float, reached: Any) -> float | None:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            if reached():
                return round(time.time() - since, 1)
        except AdclickError:
            # A JobManager that has just died, or just come back, does not answer yet.
            pass
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_S)


def all_run(runtime: LocalRuntime, rest: FlinkRest) -> bool:
    """Whether every process runs, and every task of both jobs."""
    if any(service.state != "running" for service in runtime.services()):
        return False
    jobs = active_jobs(rest)
    return len(jobs) == len(JOBS) and all(job.state == "RUNNING" and not job.reason for job in jobs)


def committed_since(rest: FlinkRest, seconds: float) -> bool:
    """Whether both jobs have completed a checkpoint that began after a time, seconds since the epoch."""
    jobs = active_jobs(rest)
    newest = [rest.last_checkpoint(job.id) for job in jobs]
    return len(jobs) == len(JOBS) and all(one and one["trigger_timestamp"] / 1000 > seconds for one in newest)
