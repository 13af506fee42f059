"""The heartbeats' writer as a service: a process of this machine beside either runtime's cluster."""

from __future__ import annotations

from adclick_cli.runtime.service import LocalService, Report, own_service
from adclick_cli.settings import Settings

NAME = "heartbeat"


def service(settings: Settings, runtime: str) -> LocalService:
    """The writer; it beats once something has been submitted."""
    return own_service(NAME, ("heartbeat", "--follow", "--runtime", runtime), settings.home)


def begin(settings: Settings, runtime: str, report: Report) -> LocalService | None:
    """Start the writer, and return it, unless it runs or is not wanted.

    Somebody else's broker gets no heartbeat unasked: `adclick heartbeat` is how to ask.
    """
    beats = service(settings, runtime)
    if not settings.heartbeat or settings.bootstrap_servers or not beats.start():
        return None
    report(f"Starting the {NAME} …")
    return beats
