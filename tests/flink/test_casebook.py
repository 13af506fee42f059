"""`adclick test`: the examples on Flink and on the oracle, and what fails must fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli import resources
from adclick_cli.casebook import reading, run, updating
from adclick_cli.casebook.arrival import arrive
from adclick_cli.casebook.model import Case
from adclick_cli.errors import AdclickError
from adclick_cli.sql import render
from tests.flink.conftest import EmbeddedFlink

pytestmark = pytest.mark.flink
EXAMPLES = Path(__file__).parents[2] / "examples" / "tests"
FILES = reading.find([EXAMPLES])


def cases_of(path: Path, *, portable: bool) -> list[Case]:
    """The cases of a file that this engine takes."""
    return [case for case in reading.read(path, portable=portable) if case.pipeline.portable is portable]


FILES_BY_ENGINE = [
    pytest.param(path, portable, id=f"{path.stem}-{'plain-sql' if portable else 'function'}")
    for portable in (False, True)
    for path in FILES
    if cases_of(path, portable=portable)
]


@pytest.mark.parametrize(("path", "portable"), FILES_BY_ENGINE)
def test_the_examples_pass_on_flink_and_on_the_oracle(embedded: EmbeddedFlink, path: Path, portable: bool) -> None:
    cases = cases_of(path, portable=portable)
    found = list(run.on(embedded.engine, cases, [arrive(case) for case in cases]))
    assert [one.case for one in found] == cases
    wrong = [(one.case.name, one.error, one.differences, one.disagreement) for one in found if not one.passed]
    assert wrong == []


def test_there_are_examples() -> None:
    assert len(FILES) >= 5
    assert sum(len(cases_of(path, portable=False)) for path in FILES) > 40
    assert sum(len(cases_of(path, portable=True)) for path in FILES) > 20


GIVEN = """\
    given:
      - impression i1 camp-1 mobile at +3s
    expect:
      ctr:
        - {window: +0s, campaign: camp-1, impressions: %s}
"""


def test_as_a_process_a_right_case_passes_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    text = "cases:\n" + "".join(f"  - name: {name}\n{GIVEN % count}" for name, count in (("right", 1), ("wrong", 2)))
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "two.yaml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "adclick_cli", "test", "cases", "--output", "json", "--junit", "report.xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["case"], one["passed"]) for one in found] == [("right", True), ("wrong", False)], done.stderr
    assert done.returncode == 3
    differences = {(one["engine"], one["difference"]): one["row"] for one in found[-1]["differences"]}
    assert set(differences) == {(engine, kind) for engine in ("flink", "oracle") for kind in ("MISSING", "UNEXPECTED")}
    assert differences["flink", "UNEXPECTED"]["impressions"] == 1
    assert 'failures="1"' in (tmp_path / "report.xml").read_text(encoding="utf-8")


def test_update_refuses_where_the_sql_and_the_oracle_disagree(
    embedded: EmbeddedFlink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(resources.folder("sql_templates"), templates)
    aggregation = templates / "aggregation.sql.j2"
    right = aggregation.read_text(encoding="utf-8")
    broken = right.replace("SUM(click_count) AS click_count", "SUM(click_count) + 1 AS click_count")
    assert broken != right
    aggregation.write_text(broken, encoding="utf-8")
    monkeypatch.setattr(resources, "folder", lambda name: templates)
    render._environment.cache_clear()
    path = tmp_path / "cases.yaml"
    text = (
        "cases:\n  - name: any\n    given:\n      - impression i1 camp-1 mobile at +3s\n"
        "    expect:\n      ctr:\n        - {campaign: camp-1, impressions: 1, clicks: 1}\n"
    )
    path.write_text(text, encoding="utf-8")
    try:
        cases = reading.read(path)
        (outcome,) = run.on(embedded.engine, cases, [arrive(case) for case in cases])
    finally:
        render._environment.cache_clear()
    # The altered SQL gives just what is expected: only the oracle objects.
    assert {one.engine for one in outcome.differences} == {"oracle"}
    assert outcome.disagreement
    with pytest.raises(AdclickError, match="nothing was written"):
        updating.update([outcome])
    assert path.read_text(encoding="utf-8") == text
