"""The likely unit of a number of time."""

from __future__ import annotations

import pytest

from adclick_cli.events.time_unit import FIRST_MS, LAST_MS, likely_unit

NOON_MS = 1_717_243_200_000
"""2024-06-01T12:00:00Z."""


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (NOON_MS // 1000, "seconds"),
        (NOON_MS * 1000, "microseconds"),
        (NOON_MS * 1_000_000, "nanoseconds"),
        (FIRST_MS // 1000, "seconds"),
        (LAST_MS * 1000 - 1, "microseconds"),
    ],
)
def test_a_time_in_another_unit_is_named(value: int, unit: str) -> None:
    assert likely_unit(value) == unit


@pytest.mark.parametrize(
    "value",
    [NOON_MS, FIRST_MS, LAST_MS - 1, LAST_MS, 0, -1, 1, 20_240_601, 24_060_112, -NOON_MS // 1000, LAST_MS * 1_000_000],
)
def test_milliseconds_and_what_fits_no_unit_are_not_named(value: int) -> None:
    assert likely_unit(value) is None
