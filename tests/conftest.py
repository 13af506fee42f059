"""Options that every test shares, and which tests may run side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.compose.times import TAKEN

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew; then read the diff")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `-n 2 --dist loadgroup`: what shares a cluster or a JVM stays on one worker."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Item) -> str:
    folder, *rest = item.path.relative_to(HERE).parts
    if folder != "cluster":
        return folder if folder == "flink" else "/".join((folder, *rest))
    callspec = getattr(item, "callspec", None)
    asked = (*getattr(item, "fixturenames", ()), *(callspec.params.values() if callspec else ()))
    return "compose" if "engine" in asked or "compose_cluster" in asked else "cluster"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it has timed."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["taken"] = dict(TAKEN)


class _Workers:
    def pytest_testnodedown(self, node: Any) -> None:
        TAKEN.update(getattr(node, "workeroutput", {}).get("taken", {}))


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("dsession") or config.getoption("numprocesses", None):
        config.pluginmanager.register(_Workers())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each step of the Compose runtime took."""
    if TAKEN:
        terminalreporter.section("Compose on a real engine")
        for step, seconds in TAKEN.items():
            terminalreporter.write_line(f"{seconds:7.1f} s  {step}")
