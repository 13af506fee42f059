"""What must not be in a commit: where packages come from on one machine, where that machine keeps its files, and what a
merge left behind."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
LOOSE_URL = re.compile(
    r"https?://(?!(127\.0\.0\.1|localhost)\b)[^\s\"'`)>]*(repo1?|registry|index|simple|maven2)[^\s]*"
)
MACHINE_PATH = re.compile(r"(?<![\w.{}~$])/(home|root|Users|work|tmp)/\w+")
UNMERGED = re.compile(r"^(<{7}|>{7}) .*", re.MULTILINE)
PRIVATE = re.compile(r"^ *(?:from|import) +tests(?:\.\w+)*\.test_\w+.*", re.MULTILINE)
RULES = (LOOSE_URL, MACHINE_PATH, UNMERGED)


def test_nothing_of_one_machine_or_of_a_merge_is_written_down() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path == Path(__file__) or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}: {match.group()}" for rule in RULES for match in rule.finditer(text)]
    assert found == []


def test_no_test_imports_from_another_test() -> None:
    """What two tests need stands in tests/builders or in a conftest: a test can then be changed, or run, alone."""
    paths = [path for folder in ("builders", "flink", "unit") for path in (ROOT / "tests" / folder).rglob("*.py")]
    assert len(paths) > 40
    found = [f"{path.name}: {match.group()}" for path in paths for match in PRIVATE.finditer(path.read_text("utf-8"))]
    assert found == []
