"""How `adclick status` looks."""

from __future__ import annotations

from dataclasses import asdict

from adclick_cli.status import Status
from adclick_cli.views import console


def show(status: Status, form: str | None) -> None:
    """One JSON object, or three tables (CSV: the services)."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(status.to_json())
        return
    rows = [
        asdict(service) | {"ports": " ".join(str(port) for port in service.ports.values())}
        for service in status.services
    ]
    console.write_rows(rows, ("name", "state", "pid", "memory_mb", "ports", "log"), chosen, "Services")
    if chosen == "csv":
        return
    console.write_jobs(status.jobs, chosen)
    topics = [{"topic": name, "messages": count} for name, count in status.topics.items()]
    console.write_rows(topics, ("topic", "messages"), chosen, "Topics")
    console.next_step(_next(status))


def _next(status: Status) -> str:
    if not status.healthy:
        return "adclick up"
    return "adclick watch ctr" if any(job.active for job in status.jobs) else "adclick submit"
