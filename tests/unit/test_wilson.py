"""The Wilson interval against its definition and published values; z against the textbook's formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.results.wilson import Z_95, interval, two_proportion_z


@pytest.mark.parametrize(
    ("clicks", "impressions", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998)
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(clicks: int, impressions: int, low: float, high: float) -> None:
    found = interval(clicks, impressions)
    assert found == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_each_bound_is_just_z_standard_errors_away(counts: tuple[int, int]) -> None:
    clicks, impressions = counts
    found = interval(clicks, impressions)
    assert found is not None
    rate = clicks / impressions
    assert 0 <= found[0] <= rate + 1e-12
    assert rate - 1e-12 <= found[1] <= 1
    for bound in found:
        # Next to 0 and 1 the error of rounding is as large as what is looked at.
        if 1e-9 < bound < 1 - 1e-9:
            error = math.sqrt(bound * (1 - bound) / impressions)
            assert abs(rate - bound) == pytest.approx(Z_95 * error, rel=1e-6, abs=1e-9)


def test_what_is_no_proportion() -> None:
    assert interval(0, 0) is None
    assert interval(3, 2) == interval(2, 2)
    assert two_proportion_z(1, 0, 1, 2) is None
    assert two_proportion_z(0, 10, 0, 10) is None
    assert two_proportion_z(3, 2, 3, 2) is None


def test_z_of_two_proportions() -> None:
    # 40 of 100 against 25 of 100: pooled 0.325.
    expected = 0.15 / math.sqrt(0.325 * 0.675 * 0.02)
    assert two_proportion_z(40, 100, 25, 100) == pytest.approx(expected)
    assert two_proportion_z(25, 100, 40, 100) == pytest.approx(-expected)
    # 10 of 20 against 25 of 180: pooled 0.175.
    expected = (0.5 - 25 / 180) / math.sqrt(0.175 * 0.825 * (1 / 20 + 1 / 180))
    assert two_proportion_z(10, 20, 25, 180) == pytest.approx(expected)
