"""Whether the disk under a home is full. It is said first, because everything else then fails in its own words."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from adclick_cli.errors import EXIT_FAILURE, AdclickError, BrokerError, FlinkError, RuntimeFailure
from adclick_cli.settings import Settings

MIB = 1_048_576
FULL_MIB = 16
"""With less than this the broker cannot begin a new segment: its indexes alone take 10 MiB each."""
TIGHT_MIB = 256
"""With less than this the broker's own complaint about the disk is still believed."""
TAIL_BYTES = 65_536
MEND = "Make room on that disk, or name another folder in ADCLICK_HOME; then run `adclick up`."
_NO_SPACE = "No space left on device"
_NO_QUOTA = "Disk quota exceeded"


def free_bytes(home: Path) -> int:
    """Bytes that this user may still write on the file system of a home, which need not be there yet."""
    at = home
    while not at.exists():
        at = at.parent
    return shutil.disk_usage(at).free


def full(home: Path, free: Callable[[Path], int] = free_bytes) -> str:
    """Why nothing can be written under a home, a sentence; empty where there is room.

    Args:
        home: `ADCLICK_HOME`.
        free: tells how many bytes are free there.
    """
    left = free(home) // MIB
    said = _complaint(home / "logs" / "broker.log")
    if left < FULL_MIB or said == _NO_QUOTA or (said and left < TIGHT_MIB):
        return f"{left:,} MiB are free under {home}." + (f" The broker's log says: {said}." if said else "")
    return ""


def _complaint(log: Path) -> str:
    """What the end of a log says of the disk, or nothing."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
            tail = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return next((words for words in (_NO_QUOTA, _NO_SPACE) if words in tail), "")


def require_room(settings: Settings, free: Callable[[Path], int] = free_bytes) -> None:
    """Check that this home's own broker has room for what it is sent.

    Raises:
        BrokerError: its disk is full.
    """
    why = "" if settings.bootstrap_servers else full(settings.home, free)
    if why:
        raise BrokerError("the disk is full", why, MEND)


def explained(error: AdclickError, settings: Settings, free: Callable[[Path], int] = free_bytes) -> AdclickError:
    """An error, or, where the disk is full, an error that says so first.

    Wrong usage stays as it is, and so does an error of somebody else's broker or Flink.
    """
    foreign = (isinstance(error, BrokerError) and settings.bootstrap_servers) or (
        isinstance(error, FlinkError) and settings.flink_url
    )
    if error.exit_code != EXIT_FAILURE or foreign or error.what.startswith("the disk is full"):
        return error
    why = full(settings.home, free)
    if not why:
        return error
    return RuntimeFailure("the disk is full", f"{why}\nBefore that: {error.what}. {error.why}".strip(), MEND)
