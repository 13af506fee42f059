"""Ending a process whose parent does not look: what has ended is not waited for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from adclick_cli.runtime.process import STOP_GRACE_S, Process

pytestmark = pytest.mark.process
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def child() -> Iterator[Process]:
    """A process whose parent never asks how it ended."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        yield Process(pid, psutil.Process(pid).create_time(), {})
    finally:
        parent.kill()
        parent.communicate()


@pytest.mark.parametrize("end", [Process.stop, Process.kill], ids=["asked", "by force"])
def test_a_process_that_has_ended_is_not_waited_for(child: Process, end: object) -> None:
    assert child.alive()
    begun = time.monotonic()
    assert callable(end)
    end(child)
    assert time.monotonic() - begun < STOP_GRACE_S / 2
    assert not child.alive()
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
