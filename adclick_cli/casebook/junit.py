"""JUnit's XML, which every CI shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from adclick_cli.casebook.lines import shown
from adclick_cli.casebook.run import Outcome
from adclick_cli.errors import ParameterError


def write(path: Path, outcomes: Sequence[Outcome]) -> None:
    """One suite, a test for each case.

    Raises:
        ParameterError: the file cannot be written.
    """
    failures = sum(bool(one.differences or one.disagreement) and not one.error for one in outcomes)
    suite = ET.Element(
        "testsuite",
        name="adclick test",
        tests=str(len(outcomes)),
        failures=str(failures),
        errors=str(sum(bool(one.error) for one in outcomes)),
        time=f"{sum(one.seconds for one in outcomes):.3f}",
    )
    for one in outcomes:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=str(one.case.path),
            name=one.case.name,
            file=str(one.case.path),
            line=str(one.case.line),
            time=f"{one.seconds:.3f}",
        )
        if one.error:
            ET.SubElement(case, "error", message=_plain(one.error.splitlines()[0])).text = _plain(one.error)
        elif not one.passed:
            found = [*one.differences, *one.disagreement]
            text = "\n".join(f"{row.engine} {row.record} {row.kind} {shown(row.row)}" for row in found)
            ET.SubElement(case, "failure", message=f"{len(found)} differences").text = _plain(text)
    try:
        ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise ParameterError("junit", str(path), str(error), "Name a file that you may write.") from error


def _plain(text: str) -> str:
    """XML knows no control characters."""
    return "".join(sign if sign >= " " or sign in "\n\t" else "\ufffd" for sign in text)
