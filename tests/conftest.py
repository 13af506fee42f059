"""Options that every test shares."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.compose.times import TAKEN
from tests.lanes import Lanes, rank


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew; then read the diff")


QUICK_START = "-XX:TieredStopAtLevel=1"
"""Java's second compiler makes long runs quick. Jobs of tests are short; it took a third of their processor time."""


def pytest_configure() -> None:
    """A shell starts what runs in the background with Ctrl-C ignored, and children inherit that."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", QUICK_START)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: the workers end at about the same time."""
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """Workers are handed lanes, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return Lanes(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its times to the run that started it."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["taken"] = TAKEN


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take a worker's times."""
    TAKEN.update(getattr(node, "workeroutput", {}).get("taken", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each step of the Compose runtime took."""
    if TAKEN:
        terminalreporter.section("Compose on a real engine")
        for step, seconds in TAKEN.items():
            terminalreporter.write_line(f"{seconds:7.1f} s  {step}")


@pytest.fixture
def no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests: no variable, no file, a home and a folder of the test's own."""
    for name in [name for name in os.environ if name.upper().startswith("ADCLICK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADCLICK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
