"""Declared results in the check: against a model in plain Python, and each wrong value found."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.parameters import Duration
from adclick_cli.verify.check import Verdict, check
from adclick_cli.verify.compare import utc
from adclick_cli.verify.raw import empty
from tests.builders.spend import SPEND
from tests.builders.verify import PIPELINE, T0, messages

DECLARED = replace(PIPELINE, catalog=SPEND)
Event = dict[str, Any]
Group = tuple[int, str, str]


def _shown(number: int, at_ms: int, country: str | None, price: str | float | None) -> Event:
    geo = {} if country is None else {"geo": {"country": country}}
    event = {"event": {"id": f"i{number}", "at": (T0 + at_ms) * 1000}, "campaign": {"id": "c"}, "device": {"type": "m"}}
    return event | geo | ({} if price is None else {"price": price})


def _clicked(number: int, of: int, at_ms: int) -> Event:
    return {"click_id": f"c{number}", "view_id": f"i{of}", "event_timestamp": T0 + at_ms}


def _model(shown: list[Event], clicked: list[Event]) -> list[Event]:
    """The rows of result spend, by the rules: each id once, each sum over impressions."""
    by_id = {one["event"]["id"]: one for one in shown}
    clicks: dict[str, set[str]] = defaultdict(set)
    for one in clicked:
        impression = by_id.get(one["view_id"])
        if impression and 0 <= one["event_timestamp"] - impression["event"]["at"] // 1000 <= DECLARED.attribution.ms:
            clicks[one["view_id"]].add(one["click_id"])
    groups: dict[Group, list[Event]] = defaultdict(list)
    for one in by_id.values():
        at = one["event"]["at"] // 1000
        groups[at - at % DECLARED.window.ms, one.get("geo", {}).get("country", "??"), "m"].append(one)
    rows = []
    for (start, country, device), found in groups.items():
        prices = [Decimal(str(one["price"])) for one in found if "price" in one]
        spend = sum(prices, Decimal(0)) if prices else None
        number = sum(len(clicks[one["event"]["id"]]) for one in found)
        rows.append(
            {
                "window_start": utc(start),
                "window_end": utc(start + DECLARED.window.ms),
                "country": country,
                "device_type": device,
                "impression_count": len(found),
                "click_count": number,
                "spend": None if spend is None else f"{spend:f}",
                "cpc": float(spend) / number if spend is not None and number else None,
                "ecpm": float(1000 * spend) / len(found) if spend is not None else None,
            }
        )
    return rows


def _check(shown: list[Event], clicked: list[Event], rows: list[Event], **parameters: Any) -> Verdict:
    tables = {name: empty() for name in ("ctr", "engagement", "alerts")}
    pipeline = replace(DECLARED, **parameters)
    return check(
        {"impressions": messages(shown), "clicks": messages(clicked), "spend": messages(rows), **tables}, pipeline
    )


PRICES = st.one_of(
    st.none(),
    st.decimals("-50", "999999999999", places=6).map(str),
    st.sampled_from([0.1, 0.2, 7, "0.000001", "999999999999.999999"]),
)
COUNTRIES = st.sampled_from([None, "CH", "FR", "a \"quoted\" 'name'"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 150_000), COUNTRIES, PRICES), min_size=1, max_size=25),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 250_000)), max_size=40),
    st.lists(st.integers(0, 24), max_size=10),
)
def test_rows_of_the_model_are_right(
    impressions: list[tuple[int, str | None, Any]], clicks: list[tuple[int, int]], again: list[int]
) -> None:
    shown = [_shown(number, *one) for number, one in enumerate(impressions)]
    clicked = [_clicked(number, of, at) for number, (of, at) in enumerate(clicks)]
    rows = _model(shown, clicked)
    repeated = [shown[number] for number in again if number < len(shown)]
    found = _check([*shown, *repeated], [*clicked, *clicked[:5]], rows).results["spend"]
    assert found.differences == []
    assert (found.compared, found.indeterminate) == (len(rows), 0)


SHOWN = [_shown(1, 0, "CH", 0.25), _shown(2, 10, "CH", "0.5"), _shown(3, 20, None, None), _shown(4, 70_000, "CH", 1)]
CLICKED = [_clicked(1, 1, 500), _clicked(2, 3, 900)]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("spend", "0.750001", "spend is 0.750001, expected 0.750000"),
        ("spend", None, "spend is None, expected 0.750000"),
        ("click_count", 2, "click_count is 2, expected 1"),
        ("impression_count", 3, "impression_count is 3, expected 2"),
        ("cpc", 0.7500001, "cpc is 0.7500001, expected 0.75"),
        ("cpc", None, "cpc is None"),
        ("ecpm", 0.375, "ecpm is 0.375, expected 375.0"),
        ("country", "FR", 'spend: ["FR","m"] 2026-01-01T00:00:00Z is unexpected'),
        ("country", "FR", 'spend: ["CH","m"] 2026-01-01T00:00:00Z is missing'),
        ("country", None, "cannot be read"),
        ("window_end", "2026-01-01T00:05:00Z", "is unexpected"),
    ],
)
def test_each_wrong_value_is_found(name: str, value: object, said: str) -> None:
    rows = _model(SHOWN, CLICKED)
    assert _check(SHOWN, CLICKED, rows).results["spend"].ok
    at = next(n for n, row in enumerate(rows) if row["country"] == "CH" and row["click_count"])
    verdict = _check(SHOWN, CLICKED, [*rows[:at], rows[at] | {name: value}, *rows[at + 1 :]])
    assert not verdict.ok
    assert said in "\n".join(verdict.results["spend"].differences)


def test_a_sum_of_nothing_is_null_and_no_zero() -> None:
    rows = _model(SHOWN, CLICKED)
    (nothing,) = [row for row in rows if row["country"] == "??"]
    assert (nothing["spend"], nothing["cpc"], nothing["click_count"]) == (None, None, 1)
    wrong = [row | {"spend": "0"} if row is nothing else row for row in rows]
    assert "spend is 0.000000, expected None" in "\n".join(_check(SHOWN, CLICKED, wrong).results["spend"].differences)


def test_a_row_that_is_there_twice_or_missing_is_said() -> None:
    rows = _model(SHOWN, CLICKED)
    assert _check(SHOWN, CLICKED, [*rows, rows[0]]).results["spend"].repeated == 1
    assert _check(SHOWN, CLICKED, rows[1:]).results["spend"].missing == 1


@pytest.mark.parametrize(("price", "ok"), [(0.5, True), (0.6, True), (0.75, True), (0.49, False), (0.76, False)])
def test_what_late_events_leave_open_is_held_within_bounds(price: float, ok: bool) -> None:
    """The last impression is far behind the watermark of its partition: it may have counted or not."""
    shown = [_shown(1, 0, "CH", 0.5), _shown(9, 600_000, "CH", 1), _shown(2, 10, "CH", 0.25)]
    open_row = {"impression_count": 1, "spend": str(price), "ecpm": 5.0}
    rows = [row | (open_row if row["window_start"] == utc(T0) else {}) for row in _model(shown, [])]
    found = _check(shown, [], rows, watermark_delay=Duration(1_000)).results["spend"]
    assert (found.ok, found.indeterminate) == (ok, int(ok))


def test_the_topics_bytes_are_read_as_they_stand() -> None:
    """More digits than a double has."""
    shown = [_shown(1, 0, "CH", "999999999999.999999"), _shown(2, 1, "CH", "0.000001")]
    (row,) = _model(shown, [])
    text = json.dumps(row).replace('"1000000000000.000000"', "1000000000000.000000")
    found = check(
        {
            "impressions": messages(shown),
            "clicks": messages([]),
            "spend": messages([text.encode()]),
            **{name: empty() for name in ("ctr", "engagement", "alerts")},
        },
        DECLARED,
    ).results["spend"]
    assert found.differences == []
    assert found.compared == 1
