"""The audit of the locked packages never calls sound what nobody looked at."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[2] / "tools" / "audit"
HOLE = "jinja2 2.4.1: X-1 (mended in 2.5)"


@pytest.fixture
def audit() -> Any:
    spec = spec_from_loader("audit", SourceFileLoader("audit", str(AUDIT)))
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        # By service and file: the holes that it knows, and why it gave no answer.
        ({"pypi": ([], "")}, 0, "NOT AUDITED"),
        ({"pypi": ([HOLE], ""), "lock": ([], "")}, 0, "no hole is known"),
        ({"pypi": ([HOLE], ""), "lock": (["requests 1.0: X-2"], "")}, 1, "X-2"),
        ({"pypi": ([HOLE], ""), "lock": ([], "it does not know a, b")}, 0, "NOT AUDITED"),
        ({"pypi": ([], "no answer"), "osv": ([HOLE], ""), "lock": ([], "")}, 0, "with osv: no hole is known"),
    ],
)
def test_a_service_is_believed_only_if_it_knows_an_old_hole(
    audit: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: dict[str, tuple[list[str], str]],
    code: int,
    said: str,
) -> None:
    def ask(service: str, requirements: Path) -> tuple[list[str], str]:
        about_lock = requirements.name.endswith(".lock")
        return answers["lock"] if about_lock else answers.get(service, ([], "no answer"))

    monkeypatch.setattr(audit, "ask", ask)
    assert audit.main(required=False) == code
    assert said in capsys.readouterr().out
    # Where an audit is required, one that did not take place is a failure.
    assert audit.main(required=True) == (1 if said == "NOT AUDITED" else code)
