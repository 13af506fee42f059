"""`adclick test` as a process: the examples on Flink and on the oracle, and what fails must fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli import resources
from adclick_cli.casebook import reading, run, updating
from adclick_cli.errors import AdclickError
from adclick_cli.settings import load
from adclick_cli.sql import render

pytestmark = pytest.mark.flink
EXAMPLES = Path(__file__).parents[2] / "examples" / "tests"


def test_the_examples_pass_and_a_wrong_expectation_does_not(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "cases")
    wrong = tmp_path / "cases" / "wrong.yaml"
    wrong.write_text(
        "cases:\n  - name: wrong\n    given:\n      - impression i1 camp-1 mobile at +3s\n"
        "    expect:\n      ctr:\n        - {window: +0s, campaign: camp-1, impressions: 2}\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "adclick_cli", "test", "cases", "--output", "json", "--junit", "report.xml"]
    env = {name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["case"] for one in found if not one["passed"]] == ["wrong"], done.stdout + done.stderr
    assert done.returncode == 3
    assert len(found) > 20
    differences = {(one["engine"], one["difference"]): one["row"] for one in found[-1]["differences"]}
    assert set(differences) == {(engine, kind) for engine in ("flink", "oracle") for kind in ("MISSING", "UNEXPECTED")}
    assert differences["flink", "UNEXPECTED"]["impressions"] == 1
    assert 'failures="1"' in (tmp_path / "report.xml").read_text(encoding="utf-8")


def test_update_refuses_where_the_sql_and_the_oracle_disagree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(resources.folder("sql_templates"), templates)
    aggregation = templates / "aggregation.sql.j2"
    right = aggregation.read_text(encoding="utf-8")
    broken = right.replace("SUM(click_count) AS click_count", "SUM(click_count) + 1 AS click_count")
    assert broken != right
    aggregation.write_text(broken, encoding="utf-8")
    monkeypatch.setattr(resources, "folder", lambda name: templates)
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    render._environment.cache_clear()
    path = tmp_path / "cases.yaml"
    text = (
        "cases:\n  - name: any\n    given:\n      - impression i1 camp-1 mobile at +3s\n"
        "    expect:\n      ctr:\n        - {campaign: camp-1, impressions: 1, clicks: 1}\n"
    )
    path.write_text(text, encoding="utf-8")
    try:
        (outcome,) = run.run(reading.read(path), load(), lambda _: None)
    finally:
        render._environment.cache_clear()
    # The altered SQL gives just what is expected: only the oracle objects.
    assert {one.engine for one in outcome.differences} == {"oracle"}
    assert outcome.disagreement
    with pytest.raises(AdclickError, match="nothing was written"):
        updating.update([outcome])
    assert path.read_text(encoding="utf-8") == text
