"""What a page may ask for: everything within bounds, whatever stands in its address."""

from __future__ import annotations

import pytest

from adclick_cli.dashboard.campaigns import natural
from adclick_cli.dashboard.view import MAX_CURVES, MAX_TEXT, View


def test_defaults() -> None:
    assert View.parse({}, kept=120) == View(windows=60, top=12, sort="impressions", find="", picks=None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"windows": ["30"], "top": ["50"], "sort": ["ctr"], "find": [" Camp "]}, View(30, 50, "ctr", "Camp")),
        ({"windows": ["999999"], "top": ["100000"]}, View(windows=120, top=200)),
        ({"windows": ["0"], "top": ["0"]}, View(windows=5, top=1)),
        ({"windows": ["-1"], "top": ["٣"], "sort": ["__class__"]}, View()),
        ({"windows": ["9" * 5000]}, View()),
        ({"pick": ["a", "b", "a", ""]}, View(picks=("a", "b"))),
        ({"pick": [""]}, View(picks=())),
    ],
)
def test_a_query(query: dict[str, list[str]], expected: View) -> None:
    assert View.parse(query, kept=120) == expected


def test_long_texts_and_many_picks_are_cut() -> None:
    found = View.parse({"find": ["x" * 100_000], "pick": [str(number) for number in range(1000)]}, kept=120)
    assert len(found.find) == MAX_TEXT
    assert found.picks is not None
    assert len(found.picks) == MAX_CURVES


def test_names_sort_as_people_count() -> None:
    names = ["camp-10", "camp-2", "Camp-1", "9" * 40, "10", "", "²", "x" + "1" * 5000]
    assert sorted(names, key=natural)[:1] == [""]
    assert sorted(names[:3], key=natural) == ["Camp-1", "camp-2", "camp-10"]
