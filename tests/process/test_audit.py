"""The audit of the locked packages as a process, where no advisory service can be reached."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process
AUDIT = Path(__file__).parents[2] / "tools" / "audit"


def test_without_a_way_out_it_says_that_nothing_was_audited() -> None:
    closed = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:1") | {"NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, str(AUDIT), "--required"], env={**os.environ, **closed}, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("NOT AUDITED: no advisory service can be used from here (pypi: ")
    assert "osv: " in done.stdout
