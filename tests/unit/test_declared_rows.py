"""Rows of declared results: read, put in order, chosen and printed with all digits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from adclick_cli.catalog import records
from adclick_cli.errors import AdclickError
from adclick_cli.results import items
from adclick_cli.results.board import WindowBoard
from adclick_cli.results.conditions import Wish
from adclick_cli.results.rows import Deletion, WindowRow, read
from adclick_cli.views import console, watch
from tests.builders.spend import SPEND

LIVE, FINAL = records.lanes(SPEND, "spend")
EXACT = "12345678901234567890.123456"


@dataclass
class Message:
    """What a broker hands over."""

    value: bytes | None
    key: bytes | None = None
    topic: str = "spend_results"
    partition: int = 0
    offset: int = 0
    timestamp_ms: int = 1_767_225_600_000


def _row(**more: Any) -> str:
    plain = {
        "window_start": "2026-01-01T00:00:00Z",
        "window_end": "2026-01-01T00:01:00Z",
        "country": "CH",
        "device_type": "mobile",
        "impression_count": 4,
        "click_count": 2,
        "spend": "SPEND",
        "cpc": 0.5,
        "ecpm": 250.0,
    }
    return json.dumps(plain | more).replace('"SPEND"', EXACT)


def _read(text: str) -> WindowRow:
    found = read(FINAL, Message(text.encode()))
    assert isinstance(found, WindowRow)
    return found


def test_money_keeps_all_its_digits_from_the_message_to_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    row = _read(_row())
    assert row.values["spend"] == Decimal(EXACT)
    assert row.values["cpc"] == 0.5
    assert type(row.values["cpc"]) is float
    console.write_json(row.to_json())
    printed = capsys.readouterr().out
    assert f'"spend": {EXACT},' in printed
    assert json.loads(printed, parse_float=Decimal)["spend"] == Decimal(EXACT)
    console.write_rows([row.to_json()], FINAL.field_names, "csv")
    assert EXACT in capsys.readouterr().out


def test_a_deletion_names_the_row_that_goes() -> None:
    board = WindowBoard()
    row = read(LIVE, Message(_row().encode()))
    assert isinstance(row, WindowRow)
    assert row.name == "CH · mobile"
    board.update(row)
    key = {name: row.values[name] for name in LIVE.key}
    gone = read(LIVE, Message(None, json.dumps(key).encode()))
    assert gone == Deletion(row.key)
    assert isinstance(gone, Deletion)
    assert board.update(gone)
    assert board.rows() == []


@pytest.mark.parametrize("name", ["spend", "cpc", "impression_count"])
def test_a_metric_may_be_null_and_a_breakdown_may_not(name: str) -> None:
    assert _read(_row(**{name: None})).values[name] is None
    for key in ("country", "window_end"):
        with pytest.raises(AdclickError, match=f"the field {key} holds None"):
            _read(_row(**{key: None}))


@pytest.mark.parametrize(("name", "value"), [("spend", "much"), ("spend", True), ("click_count", 1.5), ("country", 7)])
def test_what_does_not_fit_is_named(name: str, value: object) -> None:
    with pytest.raises(AdclickError, match=f"the field {name} holds"):
        _read(_row(**{name: value}))


def test_conditions_look_at_the_declared_fields() -> None:
    fields = items.fields("spend", FINAL)
    rows = [_read(_row()), _read(_row(country="FR", cpc=9.5))]
    wish = Wish.parse("cpc>1 and device_type=mobile", "-cpc", None, fields)
    assert [
        row.values["country"] for row in wish.choose(rows, lambda row: items.window_values("spend", row, None))
    ] == ["FR"]


def test_the_table_has_the_declared_columns() -> None:
    board = WindowBoard()
    board.update(_read(_row(ecpm=None)))
    table = watch.windows_table(board, "spend", 40, 140)
    assert [str(column.header) for column in table.columns] == [
        *("country · device_type", "window (UTC)", "impressions", "clicks", "spend", "cpc", "ecpm", "state")
    ]
    (line,) = zip(*(list(column.cells) for column in table.columns), strict=True)
    assert [str(cell) for cell in line][4:7] == ["12,345,678,901,234,567,890.123456", "0.5000", "-"]
