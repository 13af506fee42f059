"""What is handed over between two looks at the clock and at Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from adclick_cli.events import sending
from adclick_cli.events.generator import Event, Kind


def _events(count: int, apart_ms: int) -> list[Event]:
    return [Event(number * apart_ms, Kind(number % 2), b"", b"") for number in range(count)]


def _steps(events: Iterator[Event], speed: float) -> tuple[list[list[Event]], list[int]]:
    """The steps, and before which of them sleeping partitions were woken."""
    made: list[list[Event]] = []
    woken: list[int] = []
    report = sending.Report()
    for step in sending._steps(events, report, time.monotonic(), speed, lambda: woken.append(len(made))):
        made.append(list(step))
        report.impressions += sum(event.kind is Kind.IMPRESSION for event in step)
    return made, woken


@pytest.mark.parametrize("count", [0, 1, 100, 1_000])
def test_a_burst_is_handed_over_whole_and_in_order(count: int) -> None:
    events = _events(count, 10)
    steps, _ = _steps(iter(events), 0.0)
    assert [event for step in steps for event in step] == events


def test_a_burst_waits_once_when_each_partition_may_have_been_reached() -> None:
    steps, [woken] = _steps(iter(_events(1_000, 10)), 0.0)
    # The first event beyond 3 s; before it there were 301, every second one an impression.
    assert steps[woken][0].at_ms == sending.WAKE_EVENT_MS + 10
    assert {len(step) for step in steps[: woken + 1]} == {1}
    assert len(steps[woken + 1]) == sending.BURST
    few, [late] = _steps(iter(_events(1_000, 1_000)), 0.0)
    assert late == 2 * sending.WAKE_IMPRESSIONS - 1
    assert few[late][0].at_ms > sending.WAKE_EVENT_MS


def test_at_the_pace_of_the_clock_each_event_waits_for_its_time() -> None:
    begun = time.monotonic()
    steps, woken = _steps(iter(_events(5, 100)), 2.0)
    assert time.monotonic() - begun >= 0.2
    assert [len(step) for step in steps] == [1] * 5
    assert woken == []
