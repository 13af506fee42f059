"""Ending a process whose parent does not look: what has ended is not waited for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from adclick_cli.errors import PortTakenError
from adclick_cli.runtime import process
from adclick_cli.runtime.process import STOP_GRACE_S, Process

pytestmark = pytest.mark.process
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


HALF = """
import ctypes, signal, socket, sys, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""
"""Its first thread ends, another one holds the port and takes no request to end."""


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


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux shows a process whose first thread has ended as a zombie"
)
def test_a_process_with_a_thread_left_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_GRACE_S", 1.0)
    started = subprocess.Popen([sys.executable, "-c", HALF], stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        port = int(started.stdout.readline())
        found = psutil.Process(started.pid)
        end = time.monotonic() + 30
        while found.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end
            time.sleep(0.01)
        with pytest.raises(PortTakenError):
            process.require_free(port, "127.0.0.1", "port")
        Process(started.pid, found.create_time(), {}).stop()
        process.require_free(port, "127.0.0.1", "port")
    finally:
        started.kill()
        started.communicate()
