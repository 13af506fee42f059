"""The picture that a page gets: windows on one axis, bands, movers, alerts, quality, and what is not there yet."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from adclick_cli import schema
from adclick_cli.dashboard import snapshot
from adclick_cli.dashboard.boards import SETTLING, Boards
from adclick_cli.dashboard.state import Dead, State
from adclick_cli.dashboard.view import View
from adclick_cli.results.board import AlertBoard, WindowBoard
from adclick_cli.results.wilson import interval
from tests.builders.dashboard import MINUTE, at, new_state, put, put_alert, put_declared
from tests.builders.spend import SPEND

NOW = at(5) + timedelta(seconds=30)


def picture(state: State, drawn: tuple[str, ...] = (), **wishes: Any) -> dict[str, Any]:
    found = snapshot.take(state, View(**wishes), NOW, drawn)
    # What is sent is JSON without NaN.
    return json.loads(json.dumps(found, allow_nan=False))  # type: ignore[no-any-return]


def shown(boards: Boards) -> State:
    state = new_state()
    state.show(boards)
    return state


@pytest.fixture
def boards() -> Boards:
    """Minutes 0 to 2 final, 3 and 4 live, 5 open; camp-b has no row in minute 1."""
    made = Boards(windows=120)
    for minute in range(6):
        final = minute < 3
        record = schema.CTR if final else schema.CTR_LIVE
        put(made, record, minute, "camp-a", 200, 20 + minute)
        if minute != 1:
            put(made, record, minute, "camp-b", 100, 10)
        put(made, schema.ENGAGEMENT if final else schema.ENGAGEMENT_LIVE, minute, "mobile", 180, 18)
        put(made, schema.ENGAGEMENT if final else schema.ENGAGEMENT_LIVE, minute, "desktop", 120, 13)
    return made


def test_nothing_yet() -> None:
    found = picture(new_state())
    assert found["axis"] == found["curves"] == found["campaigns"]["rows"] == found["alerts"]["rows"] == []
    assert found["movers"] == {"compared": 0, "up": [], "down": []}
    assert found["freshness"]["live"] == {"written": None, "window": None}
    assert found["quality"] == {"ledger": None, "dead": None, "unreadable": 0}
    assert found["verify"] is None


def test_curves_share_one_axis_and_gaps_stay_gaps(boards: Boards) -> None:
    found = picture(shown(boards))
    assert found["axis"] == [snapshot.ms(at(minute)) for minute in range(6)]
    curves = {curve["name"]: curve for curve in found["curves"]}
    assert list(curves) == ["camp-a", "camp-b"]
    assert curves["camp-b"]["ctr"] == [0.1, None, 0.1, 0.1, 0.1, 0.1]
    assert curves["camp-b"]["state"] == ["FINAL", None, "FINAL", "LIVE", "LIVE", "LIVE"]
    assert curves["camp-a"]["ctr"][3] == 23 / 200
    band = [curves["camp-a"]["low"][3], curves["camp-a"]["high"][3]]
    assert band == list(interval(23, 200) or ())
    assert curves["camp-b"]["low"][1] is None


def test_totals_are_sums_over_devices(boards: Boards) -> None:
    total = picture(shown(boards))["total"]
    assert total["impressions"] == [300] * 6
    assert total["clicks"] == [31] * 6
    assert total["state"] == ["FINAL"] * 3 + ["LIVE"] * 3
    put(boards, schema.ENGAGEMENT, 3, "mobile", 180, 18)
    assert picture(shown(boards))["total"]["state"][3] == "LIVE"
    put(boards, schema.ENGAGEMENT, 3, "desktop", 120, 13)
    assert picture(shown(boards))["total"]["state"][3] == "FINAL"


def test_a_window_without_any_row_is_a_gap_on_the_axis(boards: Boards) -> None:
    put(boards, schema.CTR, -3, "camp-a", 10, 1)
    found = picture(shown(boards))
    assert len(found["axis"]) == 9
    assert found["curves"][0]["ctr"][1:3] == [None, None]


def test_the_axis_is_as_long_as_asked_for(boards: Boards) -> None:
    assert picture(shown(boards), windows=2)["axis"] == [snapshot.ms(at(4)), snapshot.ms(at(5))]


def test_a_window_ahead_of_the_clock_is_not_compared(boards: Boards) -> None:
    put(boards, schema.CTR_LIVE, 40, "camp-a", 1, 1)
    found = picture(shown(boards))
    assert found["campaigns"]["start"] == snapshot.ms(at(4))
    assert found["axis"][-1] == snapshot.ms(at(5))
    # Nor does it make the newest one that has begun a whole one.
    assert snapshot.take(shown(boards), View(), at(7))["campaigns"]["start"] == snapshot.ms(at(4))
    ahead = Boards(windows=120)
    put(ahead, schema.CTR_LIVE, 40, "camp-a", 1, 1)
    assert snapshot.take(shown(ahead), View(), NOW)["campaigns"]["start"] is None


def test_a_window_is_compared_once_its_last_clicks_had_time_to_come(boards: Boards) -> None:
    put(boards, schema.CTR_LIVE, 6, "camp-a", 5, 0)
    state = shown(boards)
    just_ended = at(6) + SETTLING
    before = snapshot.take(state, View(), just_ended - timedelta(milliseconds=1))
    assert before["campaigns"]["start"] == snapshot.ms(at(4))
    assert snapshot.take(state, View(), just_ended)["campaigns"]["start"] == snapshot.ms(at(5))


def test_the_newest_live_window_may_be_half_read_and_a_final_one_is_not(boards: Boards) -> None:
    later = at(60)
    assert snapshot.take(shown(boards), View(), later)["campaigns"]["start"] == snapshot.ms(at(4))
    put(boards, schema.CTR, 5, "camp-a", 200, 25)
    assert snapshot.take(shown(boards), View(), later)["campaigns"]["start"] == snapshot.ms(at(5))


def test_the_very_first_window_is_shown_while_it_is_open() -> None:
    boards = Boards(windows=120)
    put(boards, schema.CTR_LIVE, 5, "camp-a", 3, 1)
    assert [row["name"] for row in picture(shown(boards))["campaigns"]["rows"]] == ["camp-a"]


def test_table_and_silent_campaigns(boards: Boards) -> None:
    put(boards, schema.CTR, 1, "camp-silent", 900, 90)
    rows = picture(shown(boards))["campaigns"]["rows"]
    assert [row["name"] for row in rows] == ["camp-a", "camp-b", "camp-silent"]
    first, _, silent = rows
    assert (first["impressions"], first["clicks"], first["state"], first["fresh"]) == (200, 24, "LIVE", True)
    assert first["change"] == pytest.approx(24 / 23)
    assert len(first["history"]) == 30
    assert first["history"][-1] == 24 / 200
    assert (silent["fresh"], silent["start"], silent["change"]) == (False, snapshot.ms(at(1)), None)


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("impressions", ["camp-a", "camp-b", "Big-CTR"]),
        ("ctr", ["Big-CTR", "camp-a", "camp-b"]),
        ("change", ["Big-CTR", "camp-a", "camp-b"]),
        ("name", ["Big-CTR", "camp-a", "camp-b"]),
    ],
)
def test_sorting(boards: Boards, sort: str, names: list[str]) -> None:
    for minute in (3, 4):
        put(boards, schema.CTR_LIVE, minute, "Big-CTR", 10, minute)
    assert [row["name"] for row in picture(shown(boards), sort=sort)["campaigns"]["rows"]] == names


def test_a_thousand_campaigns_top_and_search() -> None:
    boards = Boards(windows=120)
    for number in range(1000):
        for minute in (3, 4):
            put(boards, schema.CTR_LIVE, minute, f"Camp-{number}", 100 + number, 10)
    found = picture(shown(boards), top=25)["campaigns"]
    assert (found["known"], found["found"], len(found["rows"])) == (1000, 1000, 25)
    assert found["rows"][0]["name"] == "Camp-999"
    found = picture(shown(boards), find="camp-99", sort="name")["campaigns"]
    assert [row["name"] for row in found["rows"]] == ["Camp-99", *(f"Camp-{n}" for n in range(990, 1000))][:12]
    assert found["found"] == 11
    assert len(json.dumps(snapshot.take(shown(boards), View(), NOW))) < 40_000


def test_movers_are_ranked_by_significance_not_by_ratio() -> None:
    boards = Boards(windows=120)
    for minute, few, many in ((3, 2, 1000), (4, 4, 1500)):
        put(boards, schema.CTR_LIVE, minute, "few", 20, few)
        put(boards, schema.CTR_LIVE, minute, "many", 10_000, many)
        put(boards, schema.CTR_LIVE, minute, "same", 1000, 100)
        put(boards, schema.CTR_LIVE, minute, "fell", 1000, 200 - minute * 30)
    put(boards, schema.CTR_LIVE, 5, "few", 1, 1)
    movers = picture(shown(boards))["movers"]
    assert movers["compared"] == 4
    assert [one["name"] for one in movers["up"]] == ["many"]
    assert [one["name"] for one in movers["down"]] == ["fell"]
    assert movers["up"][0]["change"] == pytest.approx(1.5)


def test_alerts_choose_the_curves_and_mark_the_axis() -> None:
    boards = Boards(windows=120)
    for number in range(12):
        for minute in range(6):
            put(boards, schema.CTR_LIVE, minute, f"camp-{number}", 100 + number, 10)
    put_alert(boards, 3, "camp-0", "DROP")
    put_alert(boards, -100, "camp-1")
    found = picture(shown(boards))
    assert [curve["name"] for curve in found["curves"]] == ["camp-0", "camp-8", "camp-9", "camp-10", "camp-11"]
    assert found["alerts"]["marks"] == [{"start": snapshot.ms(at(3)), "name": "camp-0", "type": "DROP"}]
    assert [row["name"] for row in found["alerts"]["rows"]] == ["camp-0", "camp-1"]
    assert found["alerts"]["total"] == 2
    # What a page draws already stays, as long as no alert needs its place.
    drawn = picture(shown(boards), drawn=("camp-2", "camp-3", "camp-4", "camp-5", "camp-6"))["curves"]
    assert [curve["name"] for curve in drawn] == ["camp-0", "camp-2", "camp-3", "camp-4", "camp-5"]


def test_an_alert_tells_which_lane_raised_it_and_one_withdrawn_marks_nothing(boards: Boards) -> None:
    put(boards, schema.CTR_LIVE, 3, "camp-0", 100, 10)
    for name in ("camp-0", "camp-1", "camp-2"):
        put_alert(boards, 3, name, record=schema.EARLY_ALERT)
    final = {"final_ctr": 0.1, "final_impressions": 100, "final_clicks": 10}
    for name, verdict in (("camp-1", "CONFIRMED"), ("camp-2", "WITHDRAWN")):
        put_alert(boards, 3, name, record=schema.EARLY_VERDICT, more=final | {"verdict": verdict})
    put_alert(boards, 3, "camp-3")
    found = picture(shown(boards))["alerts"]
    assert {row["name"]: row["state"] for row in found["rows"]} == {
        "camp-0": "EARLY",
        "camp-1": "CONFIRMED",
        "camp-2": "WITHDRAWN",
        "camp-3": "FINAL",
    }
    assert [mark["name"] for mark in found["marks"]] == ["camp-0", "camp-1", "camp-3"]


def test_picked_curves_are_drawn_even_before_they_have_rows(boards: Boards) -> None:
    found = picture(shown(boards), picks=("camp-b", "unknown"))
    assert [curve["name"] for curve in found["curves"]] == ["camp-b", "unknown"]
    assert set(found["curves"][1]["ctr"]) == {None}
    assert found["auto"] is False


def test_devices_and_freshness(boards: Boards) -> None:
    found = picture(shown(boards))
    assert [(one["name"], one["impressions"]) for one in found["devices"]["rows"]] == [
        ("desktop", 120),
        ("mobile", 180),
    ]
    # The window that still waits for clicks would draw a fall at the end.
    assert found["devices"]["rows"][1]["history"] == [0.1] * 5
    assert found["freshness"]["live"] == {"written": snapshot.ms(at(6)), "window": snapshot.ms(at(5))}
    assert found["freshness"]["final"] == {"written": snapshot.ms(at(3)), "window": snapshot.ms(at(2))}


def test_quality_and_verdict(boards: Boards) -> None:
    state = shown(boards)
    boards.refuse("ctr_results")
    state.set_dead(Dead(7, False, {"not JSON": 7}))
    counts = {"compared": 5, "missing": 1, "unexpected": 0, "different": 2, "pending": 3, "indeterminate": 0}
    ledger = {"impressions": {"raw": 9, "counted": 8, "duplicate": 1}}
    state.set_verdict({"at_ms": 1, "ok": False, "ledger": ledger, "results": {"ctr": counts | {"differences": ["x"]}}})
    found = picture(state)
    assert found["quality"]["dead"] == {"total": 7, "at_least": False, "reasons": {"not JSON": 7}}
    assert found["quality"]["unreadable"] == 1
    assert found["quality"]["ledger"] == ledger
    assert found["verify"] == {"at": 1, "ok": False, "wrong": 3, "results": {"ctr": counts}}


def test_memory_is_bounded_by_windows_and_alerts() -> None:
    boards = Boards(windows=20)
    for minute in range(500):
        put(boards, schema.CTR, minute, "camp-a", 100, 10)
        put_alert(boards, minute, "camp-a")
    assert len(boards.ctr.rows()) == 20
    assert len(boards._windows) <= 80
    assert boards.axis(at(500), 1000)[-1] == (at(499), at(499) + MINUTE)
    assert len(boards.alerts.rows()) <= 1000


def test_the_page_says_that_names_or_alerts_were_dropped() -> None:
    boards = Boards(windows=20)
    boards.ctr, boards.alerts = WindowBoard(windows=20, names=20), AlertBoard(alerts=3)
    for number in range(20):
        put(boards, schema.CTR, 0, f"camp-{number}", 100, 10)
    found = picture(shown(boards))
    assert found["campaigns"]["limit"] is None
    assert found["alerts"]["at_least"] is False
    put(boards, schema.CTR, 1, "camp-20", 100, 10)
    for minute in range(4):
        put_alert(boards, minute, "camp-1")
    found = picture(shown(boards))
    assert found["campaigns"]["limit"] == 20
    assert found["alerts"]["at_least"] is True


def test_every_change_is_told_and_nothing_else() -> None:
    state = new_state()
    seen = state.version
    state.set_dead(None)
    state.set_verdict(None)
    state.set_source(at(1), state="connected")
    assert state.version == seen
    state.set_source(at(2), state="gone", why="it died")
    assert (state.version, state.source.since) == (seen + 1, at(2))
    state.set_source(at(3), state="gone", why="it is still dead")
    assert state.source.since == at(2)


def test_declared_results_are_shown_with_all_their_digits(boards: Boards) -> None:
    row = {"window_start": "2026-01-01T12:00:00Z", "window_end": "2026-01-01T12:01:00Z", "device_type": "m"}
    for minute, country, count in ((0, "CH", 9), (1, "CH", 5), (0, "FR", 7)):
        times = {
            name: value.replace(f":0{at}:", f":0{at + minute}:")
            for at, (name, value) in enumerate(list(row.items())[:2])
        }
        plain = {
            **row,
            **times,
            "country": country,
            "impression_count": count,
            "click_count": 1,
            "cpc": 0.25,
            "ecpm": None,
        }
        text = json.dumps(plain | {"spend": "SPEND"}).replace('"SPEND"', "12345678901234567890.123456")
        put_declared(boards, SPEND, "spend", text)
    (found,) = picture(shown(boards))["declared"]
    assert (found["name"], found["by"], found["groups"]) == ("spend", ["country", "device_type"], 2)
    assert found["metrics"] == ["impression_count", "click_count", "spend", "cpc", "ecpm"]
    assert [(one["name"], one["values"][0], one["state"]) for one in found["rows"]] == [
        ("FR · m", "7", "FINAL"),
        ("CH · m", "5", "FINAL"),
    ]
    assert found["rows"][0]["values"][2:] == ["12,345,678,901,234,567,890.123456", "0.2500", None]
    assert picture(new_state())["declared"] == []
