"""The heartbeats' writer as a service: a process of this machine beside either runtime's cluster."""

from __future__ import annotations

import sys
from pathlib import Path

from adclick_cli.runtime.service import LocalService

NAME = "heartbeat"


def service(home: Path, runtime: str, address: str) -> LocalService:
    """The writer; it is ready as soon as it runs, and beats once something has been submitted."""
    return LocalService(
        name=NAME,
        command=(sys.executable, "-m", "adclick_cli", "heartbeat", "--follow", "--runtime", runtime),
        ready=lambda: True,
        ports={},
        home=home,
        address=address,
        env={"ADCLICK_HOME": str(home)},
    )
