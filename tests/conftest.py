"""Options that every test shares."""

from __future__ import annotations

import pytest

from tests.compose.times import TAKEN


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew; then read the diff")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each step of the Compose runtime took."""
    if TAKEN:
        terminalreporter.section("Compose on a real engine")
        for step, seconds in TAKEN.items():
            terminalreporter.write_line(f"{seconds:7.1f} s  {step}")
