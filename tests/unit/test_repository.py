"""What a host of the repository reads: workflows, templates, licence. Workflows run elsewhere; here they are text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def _yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_no_more_runs_once_a_branch_and_ends_in_time(path: Path) -> None:
    flow = _yaml(path)
    assert flow["permissions"] == {"contents": "read"}
    assert flow["concurrency"]["group"]
    for name, job in flow["jobs"].items():
        # A workflow that is called has its own deadline.
        assert "uses" in job or job["timeout-minutes"] <= 60, name
        # The right to sign is given to the one job that publishes, and no job may write.
        assert job.get("permissions", {}) == ({"id-token": "write"} if name == "publish" else {}), name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    calls = re.findall(r"\bmake ([a-z-]+)", "\n".join(line for line in text.splitlines() if "run:" in line))
    assert set(calls) <= TARGETS
    for used in re.findall(r"uses: (\S+)", text):
        if used.startswith("./"):
            assert (ROOT / used).is_file()
        else:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", used), used


def test_the_checks_run_on_each_python_that_the_package_promises(project: dict[str, Any]) -> None:
    tested = _yaml(GITHUB / "workflows" / "checks.yml")["jobs"]["python"]["strategy"]["matrix"]["python"]
    promised = [text.rpartition(" ")[2] for text in project["classifiers"] if re.search(r"Python :: 3\.", text)]
    assert tested == promised
    assert project["requires-python"] == f">={tested[0]},<3.{int(tested[-1].partition('.')[2]) + 1}"


def test_what_is_published_is_what_was_checked() -> None:
    jobs = _yaml(GITHUB / "workflows" / "release.yml")["jobs"]
    assert jobs["checks"]["uses"] == "./.github/workflows/checks.yml"
    assert jobs["build"]["needs"] == "checks"
    assert jobs["publish"]["needs"] == "build"
    assert "password" not in str(jobs)


def test_a_hook_runs_what_make_check_runs() -> None:
    hooks = [hook for repo in _yaml(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    checked = set(
        re.findall(r"^\t\$\(BIN\)/(\S+)", MAKEFILE.partition("\ncheck:")[2].partition("\naudit:")[0], re.MULTILINE)
    )
    assert {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks} == checked


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem)
def test_a_template_of_an_issue_can_be_shown(path: Path) -> None:
    form = _yaml(path)
    assert {"name", "description", "body"} <= set(form)
    assert all(part["attributes"]["label"] for part in form["body"])
    assert len({part["id"] for part in form["body"]}) == len(form["body"])


def test_the_licence_is_the_one_that_the_package_names(project: dict[str, Any]) -> None:
    assert project["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_uv_is_locked_with_its_hashes_and_what_is_installed_is_part_of_what_is_tested() -> None:
    locked = {
        name: (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-dev.lock")
    }
    pins = {name: set(re.findall(r"^([\w.-]+==\S+)", text, re.MULTILINE)) for name, text in locked.items()}
    assert pins["requirements.lock"] < pins["requirements-dev.lock"]
    assert re.search(r"^uv==\S+ \\\n    --hash=sha256:", locked["requirements-dev.lock"], re.MULTILINE)
