"""Ctrl-C while events are sent: none is handed over without being counted."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from adclick_cli.events.ending import SIGNALS, Ending


@pytest.fixture(autouse=True)
def _raising() -> Iterator[None]:
    before = {one: signal.signal(one, signal.default_int_handler) for one in SIGNALS}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def _send(log: list[str], *, within: int = 0, after: int = 0, number: signal.Signals = signal.SIGINT) -> None:
    """Three events; so many signals within the second one, and so many after it."""
    ending = Ending()
    with ending.heeded():
        for event in range(3):
            with ending:
                log.append("sent")
                for _ in range(within if event == 1 else 0):
                    signal.raise_signal(number)
                log.append("counted")
            for _ in range(after if event == 1 else 0):
                signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_step_is_done_to_its_end_and_no_further_one_begun(number: signal.Signals) -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _send(log, within=1, number=number)
    assert log == ["sent", "counted"] * 2


def test_between_two_steps_it_ends_at_once() -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _send(log, after=1)
    assert log == ["sent", "counted"] * 2


def test_whoever_asks_twice_waits_for_no_step() -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _send(log, within=2)
    assert log == ["sent", "counted", "sent"]


def test_what_was_ignored_or_handled_before_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ending = Ending()
    with ending.heeded():
        with ending:
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGTERM) != signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
