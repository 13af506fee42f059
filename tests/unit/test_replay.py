"""Recorded logs: columns, times, ids and clicks, before any broker sees them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from adclick_cli.errors import InputFileError, ParameterError
from adclick_cli.events import replay
from adclick_cli.events.generator import Kind
from tests.unit.recorded_logs import MAP, ms, sent


def test_a_click_follows_its_impression_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "item,at,click\n1.10,2019-11-24 00:00:02+00:00,0\n12,2019-11-24 09:00:00.5+09:00,1\n13,2019-11-24T00:00:01Z,0\n"
    )
    events = sent(path)
    start = ms("2019-11-24 00:00:00")
    assert [(kind, at - start) for kind, at, _ in events] == [
        (Kind.IMPRESSION, 500),
        (Kind.IMPRESSION, 1000),
        (Kind.CLICK, 1500),
        (Kind.IMPRESSION, 2000),
    ]
    assert events[3][2]["campaign_id"] == "1.10"
    assert events[2][2]["impression_id"] == events[0][2]["impression_id"] == "log-2"
    assert events[2][2]["event_timestamp"] == start + 1500


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_the_other_formats_give_the_same_events(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"log.{form}"
    option = "FORMAT json" if form == "jsonl" else "FORMAT parquet"
    duckdb.execute(
        f"COPY (SELECT 'c' AS item, TIMESTAMP '2019-11-24 00:00:00.25' + to_seconds(i) AS at, i = 1 AS click"
        f" FROM range(3) AS r(i)) TO '{path}' ({option})"
    )
    events = sent(path)
    assert [at - ms("2019-11-24 00:00:00") for _, at, _ in events] == [250, 1250, 2250, 2250]
    assert [kind for kind, _, _ in events].count(Kind.CLICK) == 1


def test_milliseconds_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("item,at,click\nc,1574553600123,\n,1574553600124,true\n")
    (_, at, first), (_, _, second), _click = sent(path, constants={"device_type": "it's"})
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
    (tmp_path / "log.xml").write_text("")
    with pytest.raises(ParameterError, match="--format"):
        list(replay.read(replay.Request(tmp_path / "log.xml")))


def test_a_field_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"campaign_id is 'a' already\.\nGive --map once a field"):
        replay.pairs(["campaign_id=a", "campaign_id=b"], "map")
    request = replay.Request(tmp_path / "log.csv", columns={"ad_id": "ad"}, constants={"ad_id": "x"})
    with pytest.raises(ParameterError, match="--map names a column for ad_id"):
        replay.read(request)
    with pytest.raises(ParameterError, match="All rows would be one impression"):
        replay.read(replay.Request(tmp_path / "log.csv", constants={"impression_id": "x"}))


def test_two_fields_may_come_from_one_column(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("item,at,click\n7,2024-06-01,0\n")
    ((_, _, event),) = sent(path, columns=MAP | {"ad_id": "item"})
    assert (event["campaign_id"], event["ad_id"]) == ("7", "7")


def test_an_empty_value_counts_as_no_column(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"item":"c","at":"2024-06-01","click":1,"impression_id":null,"device_type":"","cost":null,"user_id":null}\n'
        '{"item":"c","at":"2024-06-01","click":null,"impression_id":"i","device_type":"tv","cost":" ","browser":"b"}\n'
    )
    (_, _, first), (_, _, second), (kind, _, click) = sent(path)
    assert first == {
        "impression_id": "log-1",
        "user_id": "",
        "campaign_id": "c",
        "ad_id": "",
        "device_type": "unknown",
        "browser": "unknown",
        "event_timestamp": ms("2024-06-01"),
        "cost": 0.0,
    }
    assert (second["impression_id"], second["device_type"], second["browser"], second["cost"]) == ("i", "tv", "b", 0)
    assert (kind, click["click_id"], click["impression_id"]) == (Kind.CLICK, "log-1-c", "log-1")


def test_rows_of_a_log_that_is_read_in_parts_keep_their_numbers(tmp_path: Path) -> None:
    # DuckDB reads 32 MB at once, and gives them to several threads.
    path, rows = tmp_path / "log.csv", 60
    with path.open("w") as file:
        file.write("item,at,click,more\n")
        file.writelines(f"c{number},2024-06-01,0,{'x' * 1_500_000}\n" for number in range(1, rows + 1))
    found = [(fields["impression_id"], fields["campaign_id"]) for _, _, fields in sent(path)]
    assert found == [(f"log-{number}", f"c{number}") for number in range(1, rows + 1)]
