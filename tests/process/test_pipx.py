"""A person's own install: the wheel alone, by pipx, in an environment that has nothing else."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import render

ROOT = Path(__file__).parents[2]
# It fetches and unpacks 900 MB.
pytestmark = [pytest.mark.process, pytest.mark.long]


def test_pipx_installs_the_wheel_where_nothing_else_is(tmp_path: Path) -> None:
    """pipx with uv behind it: pip takes four times as long for the same files."""
    binaries, elsewhere = Path(sys.executable).parent, tmp_path / "elsewhere"
    elsewhere.mkdir()
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    kept = {
        name: value for name, value in os.environ.items() if not re.match("ADCLICK_|PYTHON|PIPX_|VIRTUAL_ENV", name)
    }
    env = kept | {
        "HOME": str(elsewhere),
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }

    def run(*words: str | Path) -> str:
        done = subprocess.run(words, cwd=elsewhere, env=env, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    pinned = f"--pip-args=--constraint {ROOT / 'requirements.lock'}"
    run(binaries / "pipx", "install", "--backend", "uv", pinned, next(tmp_path.glob("*.whl")))
    env["PATH"] = os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"])
    assert f"adclick {importlib.metadata.version('adclick')}" in run("adclick", "--version")
    assert "Pipeline" in run("adclick", "--help")
    assert run("adclick", "render") == render.script(Pipeline())
    assert "kafka_port,9092,default" in run("adclick", "config", "show", "--output", "csv")
    # Its own Java, its own Flink: `state,name,what` of each finding.
    found = run("adclick", "doctor", "--output", "csv")
    assert re.search("^ok,Java,", found, re.MULTILINE), found
    assert re.search("^ok,Flink,", found, re.MULTILINE), found
