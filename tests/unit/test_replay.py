"""Recorded logs: columns, times, ids and clicks, before any broker sees them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from adclick_cli.errors import InputFileError, ParameterError
from adclick_cli.events import replay
from adclick_cli.events.generator import Kind

MAP = {"campaign_id": "item", "event_timestamp": "at", "clicked": "click"}


def _sent(path: Path, **more: Any) -> list[tuple[Kind, int, dict[str, Any]]]:
    events = replay.read(replay.Request(path, columns=MAP, **more))
    return [(event.kind, event.at_ms, json.loads(event.value or b"")) for event in events]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def test_a_click_follows_its_impression_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "item,at,click\n1.10,2019-11-24 00:00:02+00:00,0\n12,2019-11-24 09:00:00.5+09:00,1\n13,2019-11-24T00:00:01Z,0\n"
    )
    sent = _sent(path)
    start = _ms("2019-11-24 00:00:00")
    assert [(kind, at - start) for kind, at, _ in sent] == [
        (Kind.IMPRESSION, 500),
        (Kind.IMPRESSION, 1000),
        (Kind.CLICK, 1500),
        (Kind.IMPRESSION, 2000),
    ]
    assert sent[3][2]["campaign_id"] == "1.10"
    assert sent[2][2]["impression_id"] == sent[0][2]["impression_id"] == "log-2"
    assert sent[2][2]["event_timestamp"] == start + 1500


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_the_other_formats_give_the_same_events(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"log.{form}"
    option = "FORMAT json" if form == "jsonl" else "FORMAT parquet"
    duckdb.execute(
        f"COPY (SELECT 'c' AS item, TIMESTAMP '2019-11-24 00:00:00.25' + to_seconds(i) AS at, i = 1 AS click"
        f" FROM range(3) AS r(i)) TO '{path}' ({option})"
    )
    sent = _sent(path)
    assert [at - _ms("2019-11-24 00:00:00") for _, at, _ in sent] == [250, 1250, 2250, 2250]
    assert [kind for kind, _, _ in sent].count(Kind.CLICK) == 1


def test_milliseconds_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("item,at,click\nc,1574553600123,\n,1574553600124,true\n")
    (_, at, first), (_, _, second), _click = _sent(path, constants={"device_type": "it's"})
    assert at == first["event_timestamp"] == 1_574_553_600_123
    assert first["device_type"] == "it's"
    assert second["campaign_id"] is None


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("item,at,click\nc,2019-11-24,0\nc,soon,0\n", MAP, "row 2: 'soon' in column at"),
        ("item,at\nc,1\n", MAP, "no column 'click' for clicked"),
        ("a,b\n1,2\n", {}, "no column 'campaign_id'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, columns: dict[str, str], said: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(InputFileError, match=said):
        list(replay.read(replay.Request(path, columns=columns)))


def test_flags_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="FIELD=VALUE"):
        replay.pairs(["campaign=x"], "map")
    with pytest.raises(InputFileError, match="no file"):
        list(replay.read(replay.Request(tmp_path / "none.csv")))
    (tmp_path / "log.xml").write_text("")
    with pytest.raises(ParameterError, match="--format"):
        list(replay.read(replay.Request(tmp_path / "log.xml")))
