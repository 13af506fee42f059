"""The rules' statistics against statsmodels, and the baseline rule against a plain model of it."""

from __future__ import annotations

import itertools
import math
import warnings

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportions_ztest

from adclick_cli import defaults
from adclick_cli.results.wilson import two_proportion_z
from adclick_cli.scoring import rules
from adclick_cli.scoring.measure import Alert
from adclick_cli.scoring.rules import Judge, Rule
from adclick_cli.scoring.simulate import CtrRow
from tests.builders.baseline import MINUTE, model, z

COUNTS = st.integers(1, 2_000).flatmap(lambda shown: st.tuples(st.integers(0, shown), st.just(shown)))


@settings(max_examples=12, deadline=None)
@given(COUNTS, COUNTS)
def test_significance_is_the_two_proportion_test_of_statsmodels(now: tuple[int, int], before: tuple[int, int]) -> None:
    assume(0 < now[0] + before[0] < now[1] + before[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z = float(proportions_ztest([now[0], before[0]], [now[1], before[1]])[0])
    own = two_proportion_z(now[0], now[1], before[0], before[1])
    assert own is not None
    assert math.isclose(own, z, rel_tol=1e-9, abs_tol=1e-9)
    ctr, previous = now[0] / now[1], before[0] / before[1]
    kind = "SPIKE" if ctr > 2 * previous else "DROP" if ctr < 0.5 * previous else None
    judge = Judge([CtrRow("a", 0, before[1], before[0]), CtrRow("a", MINUTE, now[1], now[0])], MINUTE)
    for factor, wanted in ((0.999, kind), (1.001, None)):
        found = judge.alerts(Rule("significance", min_z=abs(z) * factor))
        assert found == ([Alert("a", MINUTE, wanted)] if wanted else [])
    judge.close()


ROWS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 9)),
    st.tuples(st.sampled_from([20, 50, 300]), st.sampled_from([0.0, 0.02, 0.1, 0.4, 1.1])),
    min_size=1,
    max_size=40,
)


@settings(max_examples=8, deadline=None)
@given(ROWS)
def test_the_baseline_rule_is_its_model(made: dict[tuple[str, int], tuple[int, float]]) -> None:
    rows = [CtrRow(name, minute * MINUTE, shown, round(shown * rate)) for (name, minute), (shown, rate) in made.items()]
    judge = Judge(rows, MINUTE)
    for min_z, least in itertools.product([1.0, 2.5, 4.75], [0, 50]):
        rule = Rule("baseline", min_z=min_z, min_impressions=least)
        assert judge.alerts(rule) == model(rows, rule)
    judge.close()


def test_the_baseline_leaves_the_window_itself_out_and_needs_the_one_before() -> None:
    steady = [CtrRow("a", minute * MINUTE, 100, 10) for minute in range(5)]
    fallen = CtrRow("a", 5 * MINUTE, 300, 1)
    rule = rules.default("baseline")
    for rows, wanted in ((steady, [Alert("a", 5 * MINUTE, "DROP")]), (steady[:-1], [])):
        judge = Judge([*rows, fallen], MINUTE)
        assert judge.alerts(rule) == wanted
        judge.close()
    # The same fall with one window to compare with is not sure enough.
    judge = Judge([steady[-1], fallen], MINUTE)
    assert judge.alerts(rule) == []
    judge.close()


def _alerts(shown: int, clicks: list[int | None]) -> list[Alert]:
    """What the rule makes of windows of so many impressions, each with so many clicks; None is no window."""
    rows = [CtrRow("a", minute * MINUTE, shown, count) for minute, count in enumerate(clicks) if count is not None]
    judge = Judge(rows, MINUTE)
    found = judge.alerts(rules.default("baseline"))
    judge.close()
    return found


def test_a_change_within_a_window_is_told_by_the_next_one() -> None:
    drop = [Alert("a", 5 * MINUTE, "DROP")]
    # 15 clicks are halfway: no alert by themselves, and too near to 3 for one where they stand alone.
    assert _alerts(300, [30, 30, 30, 30, 15, 3]) == drop
    assert _alerts(300, [30, 30, 30, None, 15, 3]) == []
    assert _alerts(300, [30, 30, 30, 15, 15, 3]) == []
    assert _alerts(300, [30, 30, 30, 30, 18, 9]) == []
    # The factor is asked for against the window before, as ever.
    assert _alerts(1_000, [10, 10, 10, 10, 23, 44]) == []
    assert _alerts(1_000, [10, 10, 10, 10, 19, 42]) == [Alert("a", 5 * MINUTE, "SPIKE")]


def test_a_change_that_was_told_is_not_told_again() -> None:
    fall = [Alert("a", 4 * MINUTE, "DROP")]
    rows = [CtrRow("a", 0, 1_000, 100), CtrRow("a", 0, 1_000, 10), CtrRow("a", 0, 1_000, 1)]
    # By its z against the last two windows the next one is as far away as a change within a window.
    assert -3.5 < z(rows[2], 10, 1_000) < -2.75
    assert z(rows[2], 100, 1_000) < -3.5
    assert _alerts(1_000, [100, 100, 100, 100, 10, 1]) == fall


def test_the_baseline_rules_least_z_is_anscombes() -> None:
    """12 of 100 for four windows, then 30 of 100: the alert goes where its z, by the formula, is passed."""
    rows = [*(CtrRow("a", minute * MINUTE, 100, 12) for minute in range(4)), CtrRow("a", 4 * MINUTE, 100, 30)]
    least = z(rows[-1], 48, 400)
    # Against the previous window alone it is smaller, and by less than it may be.
    assert least - defaults.PREVIOUS_LESS < z(rows[-1], 12, 100) < least
    judge = Judge(rows, MINUTE)
    assert judge.alerts(Rule("baseline", min_z=least - 1e-9)) == [Alert("a", 4 * MINUTE, "SPIKE")]
    assert judge.alerts(Rule("baseline", min_z=least + 1e-9)) == []
    judge.close()
