"""Each boundary of the attribution function's rules, to the millisecond, in its core alone."""

from __future__ import annotations

import pytest

from tests.functions.driver import Driver, Step
from tests.functions.model import Click, Impression, Plain, Rules

pytestmark = pytest.mark.process
MINUTE = 60_000
TEN = Rules(window=MINUTE, attribution=10 * MINUTE)


def final(driver: Driver, rules: Rules, *steps: Step, buckets: int = 1) -> Plain:
    rows = driver.run(rules, steps, buckets)
    assert rows.errors == []
    return rows.cells("final")


def shown(time: int, name: str = "i", group: str = "a", **more: object) -> Impression:
    return Impression(time, name, (group,), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("after", "skew", "clicks"),
    [(0, 0, 1), (-1, 0, 0), (600_000, 0, 1), (600_001, 0, 0), (-2_000, 2_000, 1), (-2_001, 2_000, 0)],
)
@pytest.mark.parametrize("clicks_first", [False, True])
@pytest.mark.parametrize("at", [0, 1, 59_999])
def test_both_ends_of_attribution_and_skew_are_included(
    driver: Driver, after: int, skew: int, clicks: int, clicks_first: bool, at: int
) -> None:
    rules = Rules(window=MINUTE, attribution=10 * MINUTE, skew=skew)
    start = 10 * MINUTE
    events = [shown(start + at), Click(start + at + after, "c", "i")]
    assert final(driver, rules, *(reversed(events) if clicks_first else events)) == {
        (start, ("a",)): (1, clicks, clicks, ())
    }


def test_a_window_ends_before_the_next_one_begins(driver: Driver) -> None:
    assert final(driver, TEN, shown(59_999, "i1"), shown(60_000, "i2")) == {
        (0, ("a",)): (1, 0, 0, ()),
        (MINUTE, ("a",)): (1, 0, 0, ()),
    }


def test_what_comes_again_counts_once(driver: Driver) -> None:
    click = Click(5, "c", "i")
    assert final(driver, TEN, shown(1), click, shown(1), click, Click(6, "c", "i")) == {(0, ("a",)): (1, 1, 1, ())}


def test_the_same_id_with_other_contents_counts_for_each_of_them(driver: Driver) -> None:
    steps: list[Step] = [
        shown(1, group="a"),
        shown(1, group="b"),
        shown(2, group="a"),
        shown(MINUTE, group="a"),
        Click(3, "c", "i"),
    ]
    assert final(driver, TEN, *steps) == {
        (0, ("a",)): (1, 1, 1, ()),
        (0, ("b",)): (1, 1, 1, ()),
        (MINUTE, ("a",)): (1, 0, 0, ()),
    }


def test_one_click_of_two_impressions_counts_once_in_whatever_buckets_they_are(driver: Driver) -> None:
    steps: list[Step] = [shown(1, f"i{number}") for number in range(20)]
    steps += [Click(2, "c", f"i{number}") for number in range(20)]
    for buckets in (1, 7):
        assert final(driver, TEN, *steps, buckets=buckets) == {(0, ("a",)): (20, 1, 1, ())}


def test_of_one_impression_in_one_cell_the_earliest_measures_count_then_the_smallest(driver: Driver) -> None:
    rules = Rules(window=MINUTE, attribution=MINUTE, measures=2)
    steps = [
        shown(2, measures=(1, 1)),
        shown(1, measures=(5, 9)),
        shown(1, measures=(5, 7)),
        shown(1, measures=(6, 0)),
        shown(1, "other", measures=(-10, 2**63 - 1)),
        shown(1, "third", measures=(-(2**63), 2**63 - 1)),
    ]
    for order in (steps, steps[::-1]):
        assert final(driver, rules, *order) == {(0, ("a",)): (3, 0, 0, (-5 - 2**63, 5 + 2 * 2**63))}


def test_null_is_a_dimension_of_its_own(driver: Driver) -> None:
    rules = Rules(window=MINUTE, dimensions=2)
    texts: list[tuple[str | None, str | None]] = [(None, None), ("", None), (None, ""), ("", ""), ("é", "日本")]
    steps = [Impression(1, f"i{number}", one) for number, one in enumerate(texts)]
    assert final(driver, rules, *steps) == {(0, one): (1, 0, 0, ()) for one in texts}


def test_an_impression_counts_until_its_window_closes(driver: Driver) -> None:
    closes = MINUTE - 1 + 10 * MINUTE + 1
    rows = driver.run(TEN, [shown(1), f"w {closes - 1}", shown(2, "in-time"), f"w {closes}", shown(3, "late")])
    assert rows.cells("final") == {(0, ("a",)): (2, 0, 0, ())}
    assert rows.late("i") == ["late"]


def test_a_click_counts_until_the_watermark_has_passed_its_impression_and_attribution(driver: Driver) -> None:
    steps: list[Step] = [
        shown(7),
        "w 600007",
        Click(8, "in-time", "i"),
        "w 600008",
        Click(8, "late", "i"),
        Click(8, "late2", "i"),
    ]
    rows = driver.run(TEN, steps)
    assert rows.cells("final") == {(0, ("a",)): (1, 1, 1, ())}
    assert rows.late("c") == ["late", "late2"]


def test_a_click_whose_impression_never_comes_is_forgotten(driver: Driver) -> None:
    # The driver says so where any state is left at the end; and while nothing but clicks comes.
    steps: list[Step] = [Click(0, f"c{number}", f"i{number}") for number in range(1_000)]
    rows = driver.run(TEN, [*steps, "b", f"w {MINUTE + 10 * MINUTE}", "b"])
    before, after = (int(line[1]) for line in rows.lines if line[0] == "bytes")
    assert after < 500 < before
    assert rows.errors == []


def test_a_late_click_is_told_although_nothing_is_known_of_its_impression(driver: Driver) -> None:
    rows = driver.run(TEN, ["w 1200000", Click(599_999, "late", "i"), Click(600_000, "may-count", "i")])
    assert rows.late("c") == ["late"]


def test_a_click_too_close_to_another_one_of_its_impression_is_a_duplicate(driver: Driver) -> None:
    rules = Rules(window=MINUTE, attribution=10 * MINUTE, dedup=2_000)
    clicks = [
        *(Click(1_000, "10", "1"), Click(3_000, "11", "1")),
        *(Click(1_000, "20", "2"), Click(3_001, "21", "2")),
        *(Click(1_000, "30", "3"), Click(2_500, "31", "3"), Click(4_500, "32", "3")),
        *(Click(1_000, "40", "4"), Click(1_000, "41", "4")),
        *(Click(1_000, "50", "5"), Click(1_000, "50", "5")),
        *(Click(599_000, "60", "6"), Click(600_001, "61", "6")),
    ]
    steps = [shown(0, f"{number}") for number in range(1, 7)]
    assert final(driver, rules, *steps, *clicks) == {(0, ("a",)): (6, 7, 11, ())}
    assert final(driver, rules, *clicks[::-1], *steps) == {(0, ("a",)): (6, 7, 11, ())}


def test_clicks_of_one_user_on_one_ad_are_close_across_windows(driver: Driver) -> None:
    rules = Rules(window=MINUTE, attribution=10 * MINUTE, dedup=2_000, keys=2)
    keys = [("u", "a"), ("u", "a"), ("u", "b"), ("v", "a"), (None, "a"), (None, "a"), ("", "a"), ("", "a")]
    times = [59_000, *[60_500] * 7]
    steps: list[Step] = [
        shown(time, f"{number}", f"camp-{number}", keys=key)
        for number, (time, key) in enumerate(zip(times, keys, strict=True))
    ]
    steps += [Click(61_000, f"c{number}", f"{number}") for number in range(8)]
    found = final(driver, rules, *steps)
    assert {group[0]: counts[1:3] for (_, group), counts in found.items()} == {
        f"camp-{number}": (int(number != 1), 1) for number in range(8)
    }


def test_a_click_is_remembered_for_as_long_as_it_can_make_another_one_a_duplicate(driver: Driver) -> None:
    rules = Rules(window=10, attribution=3, dedup=25)
    steps: list[Step] = [shown(0), Click(0, "c1", "i"), shown(20), Click(20, "c2", "i")]
    assert final(driver, rules, *steps) == {(0, ("a",)): (1, 1, 1, ()), (20, ("a",)): (1, 0, 1, ())}


def test_an_impression_is_remembered_for_as_long_as_its_clicks_are(driver: Driver) -> None:
    rules = Rules(window=1, attribution=100, dedup=1, unique=1)
    steps: list[Step] = [shown(0), Click(100, "c1", "i"), shown(101), Click(101, "c2", "i")]
    assert final(driver, rules, *steps) == {(0, ("a",)): (1, 1, 1, ()), (101, ("a",)): (1, 0, 1, ())}


def test_of_one_id_with_other_contents_the_earliest_counts_then_the_smallest(driver: Driver) -> None:
    rules = Rules(window=MINUTE, attribution=10 * MINUTE, unique=120_000)
    steps: list[Step] = [
        *(shown(30_000, "1", "late-content"), shown(20_000, "1", "camp"), shown(90_000, "1", "camp")),
        *(shown(1_000, "2", "b"), shown(1_000, "2", "a"), shown(1_000, "2", "aa")),
        *(shown(0, "3", "c"), shown(120_001, "3", "c")),
        *(Click(40_000, "c1", "1"), Click(30_000, "c1", "2")),
    ]
    for order in (steps, steps[::-1]):
        assert final(driver, rules, *order) == {
            (0, ("camp",)): (1, 0, 0, ()),
            (0, ("a",)): (1, 1, 1, ()),
            (0, ("c",)): (1, 0, 0, ()),
            (2 * MINUTE, ("c",)): (1, 0, 0, ()),
        }


def test_what_is_left_out_as_a_repeat_stands_before_nothing(driver: Driver) -> None:
    rules = Rules(window=10, unique=3)
    steps: list[Step] = [shown(0, group="b"), shown(2, group="a"), shown(6, group="a")]
    assert final(driver, rules, *steps) == {(0, ("a",)): (1, 0, 0, ()), (0, ("b",)): (1, 0, 0, ())}


def test_the_early_answer_counts_the_first_clicks_and_comes_early(driver: Driver) -> None:
    rules = Rules(window=MINUTE, attribution=10 * MINUTE, early=5_000, measures=1)
    steps: list[Step] = [shown(1, measures=(3,)), Click(5_001, "c1", "i"), Click(5_002, "c2", "i")]
    rows = driver.run(
        rules, [*steps, f"w {MINUTE + 5_000 - 1}", "b", f"w {MINUTE + 5_000}", shown(9, "j", measures=(1,))]
    )
    assert rows.cells("early") == {(0, ("a",)): (1, 1, 1, (3,))}
    assert rows.cells("final") == {(0, ("a",)): (2, 2, 2, (4,))}
    kinds = [line[0] for line in rows.lines if line[0] != "live"]
    assert kinds[0] == "bytes"


def test_live_rows_tell_each_id_once_and_at_the_end_what_the_final_rows_tell(driver: Driver) -> None:
    steps: list[Step] = [
        shown(1),
        "f",
        "f",
        shown(1),
        Click(2, "c", "i"),
        "f",
        Click(2, "c", "i"),
        Click(2, "d", "i"),
        "f",
    ]
    rows = driver.run(TEN, steps)
    assert [line[1:4] for line in rows.lines if line[0] == "live"] == [
        ["0", "1", "0"],
        ["0", "0", "1"],
        ["0", "0", "1"],
    ]


def test_state_goes_on_with_the_early_answer_or_live_rows_switched_but_with_nothing_else(
    driver: Driver, tmp_path: object
) -> None:
    path = f"{tmp_path}/state"
    driver.run(TEN, [shown(1), Click(2, "c", "i"), f"out {path}"])
    early = Rules(window=MINUTE, attribution=10 * MINUTE, early=5_000)
    assert final(driver, early, f"in {path}") == {(0, ("a",)): (1, 1, 1, ())}
    for name in ("window", "attribution", "skew", "dedup", "unique", "dimensions", "measures"):
        other = Rules(**vars(TEN) | {name: getattr(TEN, name) + 1})
        errors = driver.run(other, [f"in {path}"]).errors
        assert "the savepoint was made with" in errors[0][1]
        assert {"measures": "sums"}.get(name, name) in errors[0][1]
