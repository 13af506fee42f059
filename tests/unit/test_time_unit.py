"""The likely unit of a number of time."""

from __future__ import annotations

import pytest

from adclick_cli.events.time_unit import FIRST_MS, LAST_MS, describe, likely_calendar, likely_unit

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


@pytest.mark.parametrize(
    ("digits", "pattern"),
    [
        ("20240601", "yyyyMMdd"),
        ("14102100", "yyMMddHH"),
        ("24060123", "yyMMddHH"),
        ("2014102100", "yyyyMMddHH"),
        ("202406012359", "yyyyMMddHHmm"),
        ("240601235959", "yyMMddHHmmss"),
        ("20240601235959", "yyyyMMddHHmmss"),
        ("20240601235959999", "yyyyMMddHHmmssSSS"),
        ("20241301", None),
        ("14102124", None),
        ("19991231", None),
        (str(NOON_MS // 1000), None),
        (str(NOON_MS), None),
        ("20240601".translate({ord("2"): "\uff12"}), None),
        ("2024-06-01", None),
        ("", None),
    ],
)
def test_a_date_as_one_number_is_named_by_its_pattern(digits: str, pattern: str | None) -> None:
    assert likely_calendar(digits) == pattern


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("20240601", "in the pattern yyyyMMdd"),
        (f"{NOON_MS // 1000}.25", "seconds since 1970"),
        (f"{NOON_MS}000", "microseconds since 1970"),
        ("1.7172432e9", "seconds since 1970"),
        ("0", "an offset from the beginning of the log"),
        ("45444.5", "an offset from the beginning of the log"),
        ("-1", "before 1970"),
        ("9" * 25, "nor is it in any other known unit"),
    ],
)
def test_a_number_that_is_no_time_is_described(text: str, said: str) -> None:
    assert said in describe(text)


@pytest.mark.parametrize("text", ["soon", "", "12:00", "NaN", "1/0"])
def test_a_text_that_is_no_number_is_not_described(text: str) -> None:
    assert describe(text) == ""
