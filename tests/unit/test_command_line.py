"""The program as a process: what it imports, how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "duckdb",
    "kafka",
    "confluent_kafka",
    "jinja2",
    "pyflink",
    "pydantic",
    "requests",
    "psutil",
    "pyarrow",
    "numpy",
    "starlette",
    "uvicorn",
)


def run(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "adclick_cli", *args], capture_output=True, text=True, timeout=60, cwd=cwd
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['adclick', '--help']\n"
        "from adclick_cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"
    for panel in ("Cluster", "Pipeline", "Events", "Results", "Set-up"):
        assert panel in done.stdout


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--version",), 0),
        (("render", "--stage", "join"), 0),
        (("render", "--window", "1m; DROP TABLE x"), 2),
        (("render", "--window", "0"), 2),
        (("render", "--window=-5s"), 2),
        (("render", "--no-such-flag"), 2),
        (("watch", "nothing"), 2),
        (("test", "nothing.yaml"), 2),
        (("verify", "--bootstrap-servers", "127.0.0.1:1"), 1),
    ],
)
def test_exit_codes(args: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr


def test_shell_completion_knows_the_commands() -> None:
    env = os.environ | {"_ADCLICK_COMPLETE": "complete_bash", "COMP_WORDS": "adclick ver", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['adclick']; from adclick_cli.app import app; app(prog_name='adclick')"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert "verify" in done.stdout
