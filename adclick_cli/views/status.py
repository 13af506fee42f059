"""How `adclick status` looks."""

from __future__ import annotations

from dataclasses import asdict

from adclick_cli.status import Status
from adclick_cli.views import console


def show(status: Status, form: str | None) -> None:
    """What is wrong with the jobs; then one JSON object, or three tables (CSV: the services)."""
    if status.trouble:
        console.say(status.trouble)
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
