"""Names and texts that could drive a terminal, in every table that shows a user's text."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from rich.console import Console

from adclick_cli.errors import AdclickError
from adclick_cli.flink.rest import Job
from adclick_cli.results.board import AlertBoard, WindowBoard
from adclick_cli.results.rows import AlertRow, WindowRow
from adclick_cli.views import clean, console
from adclick_cli.views import watch as view
from adclick_cli.views.grid import Grid

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NASTY = "evil\x1b[31m\x1b]0;owned\x07\nnext\tend"
LONG = "x" * 1000
WIDTHS = [80, 105, 140]


def _window(name: str) -> WindowRow:
    return WindowRow(START, START + timedelta(minutes=1), name, 1000, 77, "FINAL", {}, START)


def _alert(name: str) -> AlertRow:
    return AlertRow(START, name, "SPIKE", 0.4, 0.1, 1234, 5.0, "baseline", {}, START)


def _lines(what: object, width: int) -> list[str]:
    """What a terminal of this width is sent, line by line."""
    terminal = io.StringIO()
    Console(file=terminal, width=width, color_system=None, force_terminal=True).print(what)
    return terminal.getvalue().splitlines()


def _once(names: list[str], width: int) -> list[str]:
    board = WindowBoard()
    for name in names:
        board.update(_window(name))
    return _lines(view.board_table(board, "ctr", width), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_name_of_1000_characters_leaves_the_other_columns_of_watch_once(width: int) -> None:
    lines = _once([LONG, "camp-1"], width)
    text = "\n".join(lines)
    assert all(len(line) <= width for line in lines)
    assert "…" in text
    for cell in ("1,000", "0.0770", "FINAL"):
        assert text.count(cell) == 2, text
    assert "camp-1" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_name_with_esc_newline_and_tab_is_cleaned_in_watch_once(width: int) -> None:
    lines = _once([NASTY, "camp-1"], width)
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\t" not in text
    assert len(lines) == len(_once(["evil", "camp-1"], width)), "one line a name"


def test_an_alert_of_a_nasty_or_long_name_keeps_its_line() -> None:
    board = AlertBoard()
    for name in (NASTY, LONG):
        board.update(_alert(name))
    board.update(replace(_alert("camp-1"), rule="[red]\x1b[5m"))
    lines = _lines(view.board_table(board, "alerts", 120), 120)
    text = "\n".join(lines)
    assert "\x1b" not in text
    assert "\t" not in text
    assert text.count("SPIKE") == 3
    assert text.count("1,234") == 3
    assert text.count("+5.0") == 3
    assert "[red]" in text, "a rule is no markup"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_live_table_cuts_the_name_and_keeps_the_other_columns(width: int) -> None:
    board, grid, alerts = WindowBoard(), Grid(), Grid()
    board.update(_window(LONG))
    view.fill_lines(grid, board.lines(20), "ctr", width)
    view.fill_alerts(alerts, [_alert(LONG), _alert(NASTY)])
    drawn = "\n".join(_lines(grid, width))
    assert "…" in drawn
    assert "FINAL" in drawn
    assert "\x1b" not in drawn
    if width > 80:
        assert "baseline" in "\n".join(_lines(alerts, width))


def test_the_history_of_a_nasty_name_has_a_clean_title() -> None:
    text = "\n".join(_lines(view.history_table(NASTY + LONG, [_window("a")], 0, 10, 100), 100))
    assert "\x1b" not in text
    assert "1,000" in text
    assert text.splitlines()[0].rstrip().endswith("█"), "the sparkline is there"


def test_jobs_reasons_and_every_plain_table_are_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    console.write_jobs([Job("0" * 32, "adclick-ctr", "RESTARTING", f"IOException: {NASTY}")], "table")
    assert "\x1b" not in capsys.readouterr().out


def test_messages_and_errors_are_cleaned_and_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console.say(f"Waiting for {NASTY}")
    console.next_step(f"adclick watch --campaign {NASTY}")
    console.report(AdclickError(f"no {NASTY}", "line 1\nline 2 \x1b[2J", f"Use {NASTY}."))
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "line 1\nline 2 " in told


def test_json_and_csv_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    console.write_rows([{"campaign_id": NASTY}], ("campaign_id",), "json")
    assert json.loads(capsys.readouterr().out) == {"campaign_id": NASTY}
    console.write_rows([{"campaign_id": NASTY}], ("campaign_id",), "csv")
    assert capsys.readouterr().out == f'campaign_id\n"{NASTY}"\n'


def test_a_plain_name_is_the_same_object() -> None:
    assert clean.name("camp-1 ä 日本") == "camp-1 ä 日本"
    assert len(clean.name(LONG)) == clean.LONGEST
