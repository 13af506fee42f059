"""The screen of a live watch as a value, the grammar of its conditions, its keys, and what a frame costs."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, Group
from rich.live import Live

from adclick_cli import schema
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import Topics
from adclick_cli.results import items
from adclick_cli.results.board import KEPT_NAMES, AlertBoard, WindowBoard
from adclick_cli.results.conditions import Condition, Sort, Wish, parse_sort, parse_where
from adclick_cli.results.feeding import Feed
from adclick_cli.results.reading import Batch
from adclick_cli.results.rows import AlertRow, Deletion, WindowRow
from adclick_cli.results.screen import Key, Rows, Screen, Tick, Windows, reduce
from adclick_cli.results.times import Span
from adclick_cli.results.watching import Watch, open_watch
from adclick_cli.security import Servers
from adclick_cli.settings import load
from adclick_cli.verify import quality
from adclick_cli.views import live
from adclick_cli.views import quality as quality_view
from adclick_cli.views import watch as tables
from adclick_cli.views.keys import decode

FIELDS = items.fields("ctr")
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NAMES = ["q", " ", "s", "/", "?", "a", ">", "enter", "esc", "backspace", "up", "down", "pageup", "pagedown", "end"]


def _row(name: str, minute: int, impressions: int, clicks: int) -> WindowRow:
    start = START + timedelta(minutes=minute)
    return WindowRow(start, start + timedelta(minutes=1), name, impressions, clicks, "FINAL", {}, start)


def _items(count: int) -> tuple[items.Item, ...]:
    board = WindowBoard()
    for number in range(count):
        board.update(_row(f"camp-{number}", 0, 1000 - number, number))
    return items.Items("ctr", board).now()


def _after(screen: Screen, *keys: str) -> Screen:
    for key in keys:
        screen = reduce(screen, Key(key))
    return screen


def _screen(count: int = 30, room: int = 10) -> Screen:
    return reduce(reduce(Screen(FIELDS), Tick(room)), Rows(_items(count)))


def test_a_paused_screen_stands_still_and_counts_what_came() -> None:
    screen = reduce(_after(_screen(3), " "), Rows(_items(5), 7))
    assert (len(screen.shown()), screen.missed) == (3, 7)
    screen = _after(screen, " ")
    assert (len(screen.shown()), screen.missed) == (5, 0)


def test_a_filter_is_typed_taken_and_taken_back() -> None:
    screen = _after(_screen(), "/", *"camp-1?", "enter")
    assert [item.name for item in screen.shown()] == [f"camp-{number}" for number in range(10, 20)]
    screen = _after(screen, "/", *["backspace"] * 7, *"clicks>=28", "enter")
    assert [item.name for item in screen.shown()] == ["camp-28", "camp-29"]
    wrong = _after(screen, "/", *">nonsense", "enter")
    assert "No condition" in wrong.wrong
    assert wrong.typed is not None
    assert len(_after(wrong, "esc", "esc").shown()) == 30


def test_orders_come_in_turn_and_the_cursor_stays_on_its_row() -> None:
    screen = _screen()
    while str(screen.wish.sort) != "-clicks":
        screen = _after(screen, "s")
    assert screen.shown()[0].name == "camp-29"
    screen = _after(screen, "down", "down")
    screen = reduce(screen, Rows(_items(31)))
    assert screen.shown()[screen.cursor].name == "camp-27"


def test_enter_opens_a_history_and_esc_closes_it() -> None:
    screen = _after(_screen(), "down", "enter")
    assert (screen.view, screen.opened) == ("history", "camp-1")
    rows = tuple(_row("camp-1", minute, 10, 1) for minute in range(30))
    screen = _after(reduce(screen, Windows("camp-1", rows)), "end")
    assert screen.scroll == 20
    assert _after(screen, "esc").view == "rows"
    assert _after(screen, "?").view == "keys"
    assert _after(screen, "q").done


@given(
    st.lists(
        st.one_of(
            st.sampled_from(NAMES).map(Key),
            st.integers(0, 40).map(lambda count: Rows(_items(count), count)),
            st.integers(-3, 50).map(Tick),
        ),
        max_size=40,
    )
)
def test_whatever_comes_the_cursor_is_on_a_row_that_is_shown(events: list[Key | Rows | Tick]) -> None:
    screen = Screen(FIELDS)
    for event in events:
        screen = reduce(screen, event)
        count = len(screen.shown())
        assert 0 <= screen.cursor < max(1, count)
        assert screen.first <= screen.cursor < screen.first + screen.room
        assert screen.paused or not screen.missed


@given(
    st.lists(
        st.one_of(
            st.builds(
                Condition,
                st.sampled_from([name for name, number in FIELDS.items() if number]),
                st.sampled_from([">", ">=", "<", "<=", "=", "!="]),
                st.floats(-1e9, 1e9),
            ),
            st.builds(
                Condition,
                st.just("campaign"),
                st.sampled_from(["=", "!=", "~"]),
                st.from_regex(r"[\w*? -]+", fullmatch=True),
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_conditions_written_down_are_read_again(conditions: list[Condition]) -> None:
    texts = [f'{one.field}{one.sign}"{one.value}"' for one in conditions]
    assert list(parse_where(" and ".join(texts), FIELDS)) == conditions


@given(st.text(max_size=40))
def test_any_text_is_conditions_or_a_clear_refusal(text: str) -> None:
    try:
        parse_where(text, FIELDS)
    except ParameterError as error:
        told = (error.field, bool(error.why), bool(error.mend))
    else:
        told = ("where", True, True)
    assert told == ("where", True, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cpr>1", "no field 'cpr'"),
        ("ctr>much", "'much' is none"),
        ("ctr~0*", "ctr is a number"),
        ("ctr>1 or ctr<0", "follows a condition"),
        ("ctr", "No condition"),
    ],
)
def test_a_wrong_condition_names_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ParameterError, match=r"where: .*cannot be used") as caught:
        parse_where(text, FIELDS)
    assert why in caught.value.why


def test_a_wish_chooses_orders_and_cuts() -> None:
    wish = Wish.parse("impressions>=990 and campaign~camp-*", "-clicks", 2, FIELDS)
    assert [one.name for one in wish.choose(_items(30), lambda item: item.values)] == ["camp-10", "camp-9"]
    assert parse_sort("-ctr", FIELDS) == Sort("ctr", True)
    with pytest.raises(ParameterError, match="top"):
        Wish.parse(None, None, 0, FIELDS)


def test_keys_are_read_from_what_a_terminal_sends() -> None:
    assert decode(b"q\x1b[A\x1b[6~\x1b\r\x7f\xc3\xa4\x1b[Z ") == [
        "q", "up", "pagedown", "esc", "enter", "backspace", "ä", " ",
    ]  # fmt: skip


def _watch(board: WindowBoard) -> Watch:
    return Watch("ctr", schema.CTR, board, Servers("127.0.0.1:1"), Topics(), frozenset(), Span(), False)


class _Terminal(io.StringIO):
    """What is written to a terminal, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)

    def isatty(self) -> bool:
        return True


def test_a_refresh_of_a_thousand_campaigns_is_one_write_of_the_rows_that_fit() -> None:
    """Two writes, or an empty screen before the rows, would be seen as flicker."""
    board = WindowBoard()
    for number in range(1000):
        board.update(_row(f"camp-{number}", 0, 2000 - number, 100))
    feed, terminal = Feed(_watch(board)), _Terminal()
    screen = Console(file=terminal, width=140, height=40, force_terminal=True, legacy_windows=False)
    state = reduce(reduce(Screen(FIELDS), Tick(32)), Rows(feed.items()))
    with Live(console=screen, screen=True, auto_refresh=False) as shown:
        for _ in range(3):
            terminal.writes.clear()
            shown.update(live.picture(state, feed, screen, ""), refresh=True)
            assert len(terminal.writes) == 1
            drawn = terminal.writes[0]
            assert drawn.startswith("\x1b[H"), "from the upper left corner"
            assert "\x1b[2J" not in drawn, "never empty"
            assert drawn.count("\n") == 39
            assert drawn.count("camp-") == 32
            assert state.shown()[state.first].name in drawn
            state = reduce(state, Key("pagedown"))


def test_the_quality_view_has_the_keys_of_the_others_but_no_windows() -> None:
    rows = [
        {"minute": f"2026-01-01T00:{minute:02}:00Z", "topic": topic, "raw": minute, "valid": minute, "malformed": 1}
        for minute in range(30)
        for topic in ("ad-impressions", "ad-clicks")
    ]
    feed = quality.QualityFeed(_Looks([quality.Look(rows), quality.Look([], "gone"), quality.Look(rows[:2])]))
    feed.start()
    changed, end = 0, time.monotonic() + 5
    while changed < 62 and time.monotonic() < end:
        changed += feed.take(0.1)
    assert (changed, feed.fresh.away) == (62, "")
    screen = reduce(reduce(Screen(quality_view.FIELDS), Tick(10)), Rows(feed.items()))
    assert screen.shown()[0].key == "2026-01-01T00:29:00Z ad-impressions"
    screen = _after(screen, "/", *"raw<3 and topic~*clicks", "enter")
    assert [item.source["raw"] for item in screen.shown()] == [2, 1, 0]
    assert _after(screen, "enter").view == "rows"
    console = Console(width=100, height=20)
    drawn = "".join(one.text for line in console.render_lines(live.picture(screen, feed, console, "")) for one in line)
    assert "malformed" in drawn
    assert "orphan" not in drawn
    assert "Enter" not in drawn


class _Looks(quality.Quality):
    """Looks that were made before; the rest of it needs a broker."""

    def __init__(self, made: list[quality.Look]) -> None:
        self._made = made

    def looks(self) -> Iterator[quality.Look]:
        yield from self._made


def test_a_frame_of_a_thousand_campaigns_takes_less_than_30_ms_of_cpu() -> None:
    board = WindowBoard()
    for minute in range(20):
        for number in range(1000):
            board.update(_row(f"camp-{number}", minute, 1000 + number, 100))
    feed, screen = Feed(_watch(board)), Console(width=140, height=40)
    state = reduce(reduce(Screen(FIELDS), Tick(32)), Rows(feed.items()))
    live.picture(state, feed, screen, "")
    taken: list[float] = []
    for _ in range(7):
        board.update(_row("camp-1", 20, 5, len(taken)))
        begun = time.process_time()
        state = reduce(state, Rows(feed.items(), 1))
        screen.render_lines(live.picture(state, feed, screen, ""))
        taken.append(time.process_time() - begun)
    assert min(taken) < 0.030, taken


def test_no_row_is_said_only_of_what_has_been_read() -> None:
    screen, console = Screen(quality_view.FIELDS), Console(width=100, height=20)
    for looks, body in (
        ([], "Reading …"),
        ([quality.Look([], "gone")], "Reading …"),
        ([quality.Look([])], "Nothing."),
        ([quality.Look([]), quality.Look([], "gone")], "Nothing."),
    ):
        feed = quality.QualityFeed(_Looks(looks))
        feed.start()
        end = time.monotonic() + 1
        while time.monotonic() < end and not (feed.fresh.read or feed.fresh.away):
            feed.take(0.1)
        picture = live.picture(screen, feed, console, "Nothing.")
        drawn = "".join(one.text for line in console.render_lines(picture) for one in line)
        assert body in drawn


def test_data_of_once_are_whole_beyond_the_names_of_a_live_table(
    no_settings: None, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[WindowRow | Deletion] = [_row(f"camp-{number}", 0, 100, 1) for number in range(KEPT_NAMES + 500)]
    whole = open_watch(load(), "ctr", [], None, None, keep_all=True, once=True)
    whole.take(Batch(list(rows)))
    tables.show(whole, "csv", Wish.parse("state=FINAL", None, None, FIELDS))
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(rows)
    assert whole.board.limit is None
    table = open_watch(load(), "ctr", [], None, None, keep_all=False, once=True)
    assert len(table.take(Batch(list(rows)))) == len(rows)
    assert table.board.limit is None


def test_a_live_table_that_dropped_names_or_alerts_says_so() -> None:
    board, alerts = WindowBoard(names=20), AlertBoard(alerts=2)
    feed, state, screen = Feed(_watch(board)), Screen(FIELDS), Console(width=120, height=30)
    for number in range(20):
        board.update(_row(f"camp-{number}", 0, 100, 1))
    assert _first_line(live.picture(state, feed, screen, "")) == "adclick ctr · 0 of 0"
    board.update(_row("camp-20", 1, 100, 1))
    assert "(only the newest 20 names are kept)" in _first_line(live.picture(state, feed, screen, ""))
    board.clear()
    assert board.limit is None
    for minute in range(3):
        moment = START + timedelta(minutes=minute)
        alerts.update(AlertRow(moment, "a", "SPIKE", 0.4, 0.1, 9, None, "ratio", {}, moment))
    assert alerts.limit == 2


def _first_line(picture: Group) -> str:
    line = Console(width=120, height=30).render_lines(picture)[0]
    return "".join(one.text for one in line).rstrip()
