"""The process's edges that only a process has: streams closed before it begins, Ctrl-C while it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli import entry

pytestmark = pytest.mark.process
ROOT = Path(entry.__file__).parent.parent


def test_streams_closed_at_the_start_lend_their_numbers_to_no_file() -> None:
    shell = f"exec {sys.executable} -m adclick_cli --help <&- >&-"
    done = subprocess.run(["/bin/sh", "-c", shell], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: stdout cannot be written\nIt is closed.\n")


@pytest.mark.parametrize("module", ["adclick_cli.app", "threading", "typer", "pydantic"])
def test_ctrl_c_while_the_program_is_imported_is_130_without_a_traceback(module: str) -> None:
    """SIGINT arrives at the very moment at which `module` is looked for."""
    code = (
        "import os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), 2)\n"
        "from adclick_cli.entry import main\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"sys.modules.pop({module!r}, None)\n"
        "sys.argv = ['adclick', 'config', 'show']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_where_nothing_else_catches_it_is_130_without_a_traceback() -> None:
    code = "from adclick_cli import app, entry\ndef main(): raise KeyboardInterrupt\napp.main = main\nentry.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
