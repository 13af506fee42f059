"""The attribution function against a model of its rules: thousands of small cases in one process.

Times are small numbers, so that every boundary is met often, and ids are few, so that all of them meet.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.driver import Driver, Step, arrive
from tests.functions.model import Click, Impression, Model, Rules

pytestmark = pytest.mark.process

_TEXTS = st.sampled_from(["a", "b", "aa", "é", "", None])
_KEYS = st.sampled_from(["u", "v", "", None])
_MEASURES = st.sampled_from([0, 1, -3, 2**63 - 1, -(2**63)])


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Parameters; every extra is often off."""
    dedup = draw(st.sampled_from([0, 0, 1, 4, 25]))
    attribution = draw(st.sampled_from([0, 3, 10, 30, 200]))
    return Rules(
        window=draw(st.sampled_from([1, 5, 10, 100])),
        attribution=attribution,
        skew=draw(st.sampled_from([0, 0, 2, 12])),
        dedup=dedup,
        unique=draw(st.sampled_from([0, 0, 3, 20])),
        early=draw(st.sampled_from([early for early in (0, 2, 10) if early <= attribution])),
        dimensions=draw(st.integers(0, 2)),
        measures=draw(st.integers(0, 2)),
        keys=draw(st.sampled_from([0, 2])) if dedup else 0,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rules, list[Step]]:
    """Parameters and what happens, in the order of arrival."""
    chosen = draw(rules())
    times = st.integers(1000, 1000 + draw(st.sampled_from([15, 40, 300])))
    ids = st.sampled_from(["i", "j", "k"])
    impressions = st.builds(
        Impression,
        times,
        ids,
        st.tuples(*[_TEXTS] * chosen.dimensions),
        st.tuples(*[_KEYS] * chosen.keys),
        st.tuples(*[_MEASURES] * chosen.measures),
    )
    clicks = st.builds(Click, times, st.sampled_from(["c", "d", "dd", "e"]), ids)
    watermarks = st.builds("w {}".format, st.integers(990, 1700))
    events = draw(st.lists(st.one_of(impressions, clicks), max_size=14))
    if events:
        events += draw(st.lists(st.sampled_from(events), max_size=4))
    others = draw(st.lists(st.one_of(watermarks, st.sampled_from(["f", "s", "k"])), max_size=5))
    return chosen, draw(st.permutations([*events, *others]))


def rising(steps: list[Step]) -> list[Step]:
    """The same without watermarks that would fall."""
    kept: list[Step] = []
    highest = -1
    for step in steps:
        if isinstance(step, str) and step.startswith("w "):
            if int(step[2:]) <= highest:
                continue
            highest = int(step[2:])
        kept.append(step)
    return kept


@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_the_function_says_what_the_rules_say(driver: Driver, case: tuple[Rules, list[Step]]) -> None:
    chosen, drawn = case
    steps = rising(drawn)
    found = driver.run(chosen, steps)
    model = Model(chosen, arrive(steps))
    assert found.errors == []
    assert found.cells("final") == model.final()
    assert found.cells("live") == model.live()
    assert sorted(found.late("i")) == sorted(model.late.elements())
    if chosen.early:
        assert found.cells("early") == model.early()


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), buckets=st.integers(2, 5), order=st.randoms(use_true_random=False))
def test_neither_order_nor_buckets_change_a_final_row(
    driver: Driver, case: tuple[Rules, list[Step]], buckets: int, order: object
) -> None:
    chosen, drawn = case
    steps = [step for step in drawn if not isinstance(step, str)]
    spread = chosen.unique == 0 and chosen.keys == 0
    shuffled = list(steps)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = driver.run(chosen, shuffled, buckets if spread else 1)
    assert found.errors == []
    assert found.cells("final") == driver.run(chosen, steps).cells("final")
