"""A unit test starts no process: what needs one is in tests/process, where it is counted as what it costs."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, args: Any, *_: object, **__: object) -> None:
        pytest.fail(f"a unit test starts a process: {args}")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    # Nor does a test depend on what is installed: where this machine has Docker, `auto` and `doctor` would ask it.
    monkeypatch.setenv("PATH", "")
