"""The state of everything: services, jobs, topics."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from adclick_cli.broker import admin
from adclick_cli.errors import AdclickError
from adclick_cli.flink import health
from adclick_cli.flink.health import JobHealth
from adclick_cli.flink.rest import FlinkRest, Job
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.service import ServiceStatus
from adclick_cli.settings import Settings

POLL_S = 0.5


@dataclass(frozen=True)
class Status:
    """Everything at one moment.

    Attributes:
        runtime: local, compose or remote.
        services: the services.
        jobs: Flink's jobs, newest first; empty where Flink does not answer.
        health: the newest of each of adclick's jobs, by name.
        topics: messages that each topic holds; empty where the broker does not answer.
        flink_home: a FLINK_HOME to run other scripts from.
    """

    runtime: str
    services: list[ServiceStatus]
    jobs: list[Job]
    topics: dict[str, int]
    flink_home: str
    health: dict[str, JobHealth] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """What is wrong with the jobs, for people; empty where they run, or none was submitted."""
        return health.sentence(self.health)

    @property
    def healthy(self) -> bool:
        """Whether every service runs, and each job that was not ended on purpose."""
        jobs = self.health.values()
        return all(service.state == "running" for service in self.services) and not any(
            one.trouble and not one.ended_on_purpose for one in jobs
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "runtime": self.runtime,
            "healthy": self.healthy,
            "services": [asdict(service) for service in self.services],
            "jobs": [asdict(job) for job in self.jobs],
            "trouble": self.trouble,
            "topics": self.topics,
            "flink_home": self.flink_home,
        }


def collect(settings: Settings) -> Status:
    """Look at everything once; what does not answer is shown as absent."""
    runtime = choose(settings)
    services = runtime.services()
    running = {service.name for service in services if service.state == "running"}
    jobs: list[Job] = []
    topics: dict[str, int] = {}
    looks: dict[str, JobHealth] = {}
    try:
        if "jobmanager" in running:
            rest = FlinkRest(settings.flink_rest)
            jobs = rest.jobs()
            looks = {name: health.look(rest, job) for name, job in health.newest(jobs).items()}
        if "broker" in running:
            servers = settings.servers
            topics = admin.message_counts(servers, admin.list_topics(servers))
    except AdclickError:
        # A service that has just started, or just died, does not answer yet; its state says so.
        pass
    return Status(runtime.name, services, jobs, topics, runtime.flink_home, looks)


def next_step(settings: Settings, status: Status) -> str:
    """The next useful command."""
    if any(service.state != "running" for service in status.services):
        return "adclick up, or adclick doctor"
    return health.next_step(settings, status.health)


def wait_healthy(settings: Settings, timeout_s: float) -> Status:
    """Look until every service and every job runs, or the time is over; the last look is returned either way."""
    deadline = time.monotonic() + timeout_s
    while True:
        status = collect(settings)
        if status.healthy or time.monotonic() > deadline:
            return status
        time.sleep(POLL_S)
