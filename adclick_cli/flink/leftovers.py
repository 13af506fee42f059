"""Open transactions that no running job will end: after a recovery they are aborted, so that readers go on.

A sink has one transaction for each checkpoint, named after it, and asks the broker for each name in turn before it
uses it, which ends whatever was open under that name (docs/decisions/0023). So the number tells whose it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from adclick_cli.broker import transactions
from adclick_cli.broker.transactions import Open
from adclick_cli.errors import AdclickError
from adclick_cli.flink.rest import Checkpoints, FlinkRest
from adclick_cli.flink.stopping import active_jobs
from adclick_cli.pipeline import Pipeline
from adclick_cli.security import Servers
from adclick_cli.sql.render import JOB_ANOMALY, JOB_CTR

AHEAD = 2
"""The writer is one checkpoint ahead of the newest one that has begun; one more may begin while we look."""
WAIT_SLACK_S = 20.0
POLL_S = 0.5

Report = Callable[[str], None]


@dataclass(frozen=True)
class Sorted:
    """Open transactions of running jobs.

    Attributes:
        abandoned: no job will end them.
        unsure: from before the job began again; its next completed checkpoint will tell.
    """

    abandoned: list[str]
    unsure: list[str]


def sort(found: Iterable[Open], state: Checkpoints) -> Sorted:
    """Tell one job's own transactions from those that were left behind.

    - Of a number beyond the newest checkpoint that has begun: left by an attempt that had come further.
    - Of a number up to the restored checkpoint's: the restored job commits what that checkpoint holds before it reads
      anything. What is still open when two later ones are complete is none of that.
    - All between are the running attempt's own: it has asked for each of these names.
    """
    abandoned: list[str] = []
    unsure: list[str] = []
    for one in found:
        if one.checkpoint > state.newest + AHEAD:
            abandoned.append(one.id)
        elif one.checkpoint <= state.restored:
            (abandoned if state.completed >= state.restored + 2 else unsure).append(one.id)
    return Sorted(abandoned, unsure)


def sweep(rest: FlinkRest, servers: Servers, pipeline: Pipeline, report: Report, *, wait: bool = False) -> list[str]:
    """Abort what no running job will end; return the transactional ids.

    Args:
        rest: of the cluster.
        servers: the broker.
        pipeline: what the jobs were submitted with.
        report: told of each one.
        wait: where one can't be judged before later checkpoints are complete, wait for them.

    Raises:
        BrokerError: the broker does not answer, or refuses.
        FlinkError: the JobManager does not answer.
    """
    deadline = time.monotonic() + 3 * pipeline.checkpoint_interval.seconds + WAIT_SLACK_S
    while True:
        found = _look(rest, servers, pipeline)
        if found.abandoned or not found.unsure or not wait or time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    for name in found.abandoned:
        report(f"Aborting the transaction {name}, which no job will end …")
    transactions.abort(servers, found.abandoned)
    return found.abandoned


def try_sweep(rest: FlinkRest, servers: Servers, pipeline: Pipeline, report: Report) -> None:
    """`sweep`, told instead of raised: whoever mends goes on, and what is left is tried again or shown by `verify`."""
    try:
        sweep(rest, servers, pipeline, report, wait=True)
    except AdclickError as error:
        report(f"Whether a transaction was left open is not known: {error.what}.")


def _look(rest: FlinkRest, servers: Servers, pipeline: Pipeline) -> Sorted:
    # First the transactions, then the checkpoints: a job that goes on in between makes none look abandoned.
    found = transactions.open_transactions(servers, [pipeline.transactions(topic) for topic in pipeline.final_topics])
    abandoned: list[str] = []
    unsure: list[str] = []
    for job in active_jobs(rest) if found else []:
        if job.state != "RUNNING" or job.reason:
            continue
        own = [one for one in found if _writer(pipeline, one) == job.name]
        judged = sort(own, rest.checkpoints(job.id))
        abandoned += judged.abandoned
        unsure += judged.unsure
    return Sorted(abandoned, unsure)


def _writer(pipeline: Pipeline, one: Open) -> str:
    return JOB_ANOMALY if one.prefix == pipeline.transactions(pipeline.topics.alerts) else JOB_CTR
