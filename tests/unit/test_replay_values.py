"""What the texts of a recorded log mean: times, numbers, clicks and ids; and which of them are refused before anything
is sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adclick_cli.errors import AdclickError, InputFileError, ParameterError
from adclick_cli.events import replay
from adclick_cli.events.generator import Kind
from tests.unit.recorded_logs import MAP, campaigns, ms, sent

FORMS = ("csv", "jsonl", "parquet")
NOON = ms("2024-06-01 12:00:00")


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _log(folder: Path, form: str, rows: list[dict[str, str]]) -> Path:
    """A log with the same texts in each form."""
    path = folder / f"log.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [list(rows[0]), *(list(row.values()) for row in rows)]
        path.write_text("".join(",".join(f'"{text}"' for text in line) + "\n" for line in lines))
    return path


def _refusal(path: Path, **more: object) -> str:
    """The message of the refusal, which has to come before the first event."""
    with pytest.raises(AdclickError) as caught:
        replay.read(replay.Request(path, **({"columns": MAP} | more)))  # type: ignore[arg-type]
    return str(caught.value)


def _refused_time(folder: Path, text: str) -> str:
    path = folder / "log.csv"
    path.write_text(f'item,at,click\nc,"{text}",0\n')
    return _refusal(path)


TIMES = {
    "2024-06-01 12:00:00": NOON,
    "2024-06-01T12:00:00": NOON,
    "2024-06-01T12:00:00Z": NOON,
    "2024-06-01T12:00": NOON,
    "2024-06-01 14:00:00+02": NOON,
    "2024-06-01 14:00:00 +0200": NOON,
    "2024-06-01T08:00:00-04:00": NOON,
    "2024-06-01 14:00:00 Europe/Berlin": NOON,
    "2024-06-01 12:00:00,250": NOON + 250,
    "2024-06-01 12:00:00.123999": NOON + 123,
    " 2024-06-01 12:00:00 ": NOON,
    "2024-06-01": ms("2024-06-01"),
    "1970-01-01": 0,
    "2099-12-31T23:59:59.999Z": ms("2099-12-31T23:59:59.999"),
    str(NOON): NOON,
    f"{NOON}.0": NOON,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_time_without_a_zone_is_utc_on_a_host_in_new_york(tmp_path: Path, form: str, new_york: None) -> None:
    rows = [{"item": str(number), "at": text, "click": "0"} for number, text in enumerate(TIMES)]
    found = {int(fields["campaign_id"]): at for _, at, fields in sent(_log(tmp_path, form, rows))}
    assert [found[number] for number in range(len(TIMES))] == list(TIMES.values())


def test_typed_times_of_parquet_are_utc_on_a_host_in_new_york(tmp_path: Path, new_york: None) -> None:
    path = tmp_path / "log.parquet"
    times = {
        "naive_ms": pa.array([NOON], pa.timestamp("ms")),
        "naive_ns": pa.array([NOON * 1_000_000 + 999], pa.timestamp("ns")),
        "zoned": pa.array([NOON], pa.timestamp("ms", "Europe/Berlin")),
        "date": pa.array([ms("2024-06-01") // 86_400_000], pa.date32()),
        "integer": pa.array([NOON]),
        "double": pa.array([float(NOON)]),
    }
    pq.write_table(pa.table({"item": ["c"]} | times), path)
    found = {name: sent(path, columns={"campaign_id": "item", "event_timestamp": name})[0][1] for name in times}
    assert found == dict.fromkeys(times, NOON) | {"date": ms("2024-06-01")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{NOON // 1000}", "looks like seconds since 1970"),
        (f"{NOON * 1000}", "looks like microseconds since 1970"),
        ("14102100", "in the pattern yyMMddHH"),
        ("20240601120000123", "in the pattern yyyyMMddHHmmssSSS"),
        ("0", "looks like an offset from the beginning of the log"),
        ("", "It is empty"),
    ],
)
def test_a_time_that_is_not_in_milliseconds_is_refused_with_its_likely_unit(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f'item,at,click\nc,"{text}",0\n')
    message = _refusal(path)
    assert f"row 1: {text!r} in column at is no time" in message
    assert said in message
    assert "Nothing was sent" in message
    assert "--map event_timestamp=COLUMN" in message


NO_TIMES = (
    *(f"{NOON // 1000}", f"{NOON / 1000 + 0.25}", f"{NOON * 1000}", f"{NOON * 1_000_000}", "9" * 20, f"-{NOON}", "0"),
    *(
        "14102100",
        "2024060112",
        "20240601120000123",
        "20240601",
        "202406011200",
        "240601120000",
        "86399000",
        "-1",
        "1e12",
    ),
    *("1969-12-31T23:59:59.9999Z", "1969-07-20", "0044-03-15 (BC)", "2100-01-01", "9999-12-31", "99999-01-01"),
    *("12:00:00", "01/06/2024", "01/Jun/2024:12:00:00 +0000", "2024-13-01", "2024-02-30", "2024-06-01 25:00", "2024"),
    *("now", "today", "epoch", "infinity", "-infinity", "NaN", "null", "soon", "2024-06-01 12:00:00 Nowhere/City"),
)


@pytest.mark.parametrize("form", FORMS)
def test_every_text_that_is_no_time_from_1970_to_2099_is_refused(tmp_path: Path, form: str) -> None:
    rows = [{"item": "c", "at": text, "click": "0"} for text in ("2024-06-01", *NO_TIMES)]
    assert f"{len(NO_TIMES)} rows are like this: 2, 3, 4, …" in _refusal(_log(tmp_path, form, rows))


def test_a_constant_time_in_seconds_is_refused_by_its_flag(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("item\nc\n")
    constants = {"event_timestamp": str(NOON // 1000)}
    with pytest.raises(ParameterError, match=r"looks like seconds.*\n.*--set") as caught:
        replay.read(replay.Request(path, columns={"campaign_id": "item"}, constants=constants))
    assert caught.value.field == "set"


IDS = (
    "123e4567-e89b-12d3-a456-426614174000",
    "123E4567E89B12D3A456426614174000",
    "2024-06-01",
    "2024-06-01T12:00:00Z",
    "12:00",
    "12:00:00.000",
    "007",
    "1.10",
    "1e5",
    "12345678901234567890",
    "123456789012345678901234567890.5",
    "-0",
    "+1",
    "0x1F",
    "1_000",
    "true",
    "True",
    "null",
    "NULL",
    "NaN",
    "nan",
    "Infinity",
    "None",
    " spaced ",
    "ü {1: 2}",
    "[x]",
    "{",
    "\\N",
    "#1",
    "1,5",
    "it's",
)


@pytest.mark.parametrize("form", FORMS)
def test_ids_that_look_like_uuids_dates_times_or_numbers_stay_as_written(tmp_path: Path, form: str) -> None:
    rows = [{"item": text, "at": "2024-06-01", "click": "0", "user_id": text} for text in IDS]
    events = sent(_log(tmp_path, form, rows))
    assert [fields["campaign_id"] for _, _, fields in events] == list(IDS)
    assert [fields["user_id"] for _, _, fields in events] == list(IDS)


@pytest.mark.parametrize("form", FORMS)
def test_a_column_of_nothing_but_uuids_dates_or_times_stays_as_written(tmp_path: Path, form: str) -> None:
    texts = {
        "item": "123E4567-E89B-12D3-A456-426614174000",
        "user_id": "2024-06-01T12:00:00Z",
        "ad_id": "12:00",
        "device_type": "2024-6-1",
        "browser": "007",
    }
    events = sent(_log(tmp_path, form, [texts | {"at": "2024-06-01", "click": "0"}] * 2))
    assert [texts["item"]] * 2 == [fields["campaign_id"] for _, _, fields in events]
    for name in ("user_id", "ad_id", "device_type", "browser"):
        assert [fields[name] for _, _, fields in events] == [texts[name]] * 2


def test_ids_that_are_json_numbers_stay_as_written(tmp_path: Path) -> None:
    numbers = ["7", "1.10", "1e5", "1E+5", "-0", "-0.0", "12345678901234567890", "1.0", "1e400", "0.1000", "NaN"]
    path = tmp_path / "log.jsonl"
    # The same number elsewhere, in a text, in an object and behind an escaped quote, must not be taken for it.
    path.write_text(
        "".join(
            f'{{"other": "\\"item\\": 9.90, x", "in": {{"item": 8.80}}, "item" : {number} , "at": "2024-06-01",'
            f' "click": false, "list": [1.10, "a", -2]}}\n'
            for number in numbers
        )
    )
    assert campaigns(path) == numbers


def test_a_json_number_with_a_leading_zero_is_refused_not_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"item":7,"at":"2024-06-01","click":0}\n{"item":007,"at":"2024-06-01","click":0}\n')
    assert "row 2: it is no JSON" in _refusal(path)


def test_typed_ids_of_parquet_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    columns = {
        "item": pa.array([18_446_744_073_709_551_615], pa.uint64()),
        "at": pa.array([NOON], pa.timestamp("ms")),
        "click": pa.array([True]),
        # Old writers mark no text as text.
        "user_id": pa.array([b"u-1"], pa.binary()),
        "ad_id": pa.array(["x"]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    (_, _, event), _click = sent(path)
    assert (event["campaign_id"], event["user_id"], event["ad_id"]) == ("18446744073709551615", "u-1", "x")


NO_NUMBERS = ("null", "$0.25", "NaN", "Infinity", "-inf", "0,25", "1e400", "1_000", "0x1F", "free", "0.25 EUR", "--1")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", ["null", "$0.25", "NaN"])
def test_a_cost_that_is_no_number_is_refused_before_anything_is_sent(tmp_path: Path, form: str, text: str) -> None:
    prices = ("0.25", "1", text, "-1e-3", text)
    rows = [{"item": "c", "at": "2024-06-01", "click": "0", "price": price} for price in prices]
    message = _refusal(_log(tmp_path, form, rows), columns=MAP | {"cost": "price"})
    assert f"row 3: {text!r} in column price is no number" in message
    assert "It takes a number such as 0.25. 2 rows are like this: 3, 5." in message
    assert "--map cost=COLUMN" in message


@pytest.mark.parametrize("form", FORMS)
def test_every_text_that_is_no_number_is_refused(tmp_path: Path, form: str) -> None:
    rows = [{"item": "c", "at": "2024-06-01", "click": "0", "cost": text} for text in ("1", *NO_NUMBERS)]
    assert f"{len(NO_NUMBERS)} rows are like this: 2, 3, 4, …" in _refusal(_log(tmp_path, form, rows))


def test_costs_are_sent_as_numbers(tmp_path: Path) -> None:
    texts = {"0.25": 0.25, "": 0.0, " 7 ": 7.0, "-1.5": -1.5, "1e-3": 0.001, ".5": 0.5, "+2.": 2.0}
    rows = [{"item": "c", "at": "2024-06-01", "click": "0", "cost": text} for text in texts]
    assert [fields["cost"] for _, _, fields in sent(_log(tmp_path, "csv", rows))] == list(texts.values())


def test_a_json_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    values = ("NaN", "Infinity", "-Infinity", "1e400")
    path.write_text("".join(f'{{"item":"c","at":"2024-06-01","click":0,"cost":{value}}}\n' for value in values))
    message = _refusal(path)
    assert "row 1: 'NaN' in column cost is no number" in message
    assert "4 rows are like this" in message


def test_a_parquet_number_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"item": ["c"], "at": ["2024-06-01"], "click": [0], "cost": [float("nan")]}), path)
    assert "row 1: 'nan' in column cost is no number" in _refusal(path)


@pytest.mark.parametrize("form", FORMS)
def test_clicked_is_counted_in_every_usual_spelling(tmp_path: Path, form: str) -> None:
    yes = ["1", "1.0", "1.00", "true", "TRUE", "t", "yes", "Y", "y", "on", " 1 "]
    no = ["0", "0.0", "0.00", "false", "False", "f", "no", "N", "off", "", " "]
    rows = [{"item": text, "at": "2024-06-01", "click": text} for text in (*yes, *no)]
    kinds = [kind for kind, _, _ in sent(_log(tmp_path, form, rows))]
    assert kinds.count(Kind.IMPRESSION) == len(rows)
    assert kinds.count(Kind.CLICK) == len(yes)


@pytest.mark.parametrize("text", ["2", "2024-06-01 12:00:01"])
def test_clicked_that_is_neither_yes_nor_no_is_refused(tmp_path: Path, text: str) -> None:
    others = ("-1", "0.5", "maybe", "null", "NaN", "11", "1.01", str(NOON))
    rows = [{"item": "c", "at": "2024-06-01", "click": value} for value in ("1", text, *others)]
    message = _refusal(_log(tmp_path, "csv", rows))
    assert f"row 2: {text!r} in column click is neither yes nor no" in message
    assert "9 rows are like this: 2, 3, 4, …" in message
    assert ("time of a click is not read" in message) == (len(text) > 5)


def test_all_faults_are_counted_and_the_first_is_shown(tmp_path: Path) -> None:
    rows = [
        {"item": "c", "at": at, "click": click, "cost": cost}
        for at, click, cost in [("2024-06-01", "1", "x" * 100), *[("soon", "?", "1")] * 1200]
    ]
    message = _refusal(_log(tmp_path, "csv", rows))
    assert f"row 1: {'x' * 59 + '…'!r} in column cost" in message
    assert "Column at cannot be read in 1,200 rows, first in row 2." in message
    assert "Column click cannot be read in 1,200 rows, first in row 2." in message


def test_a_json_value_that_is_an_object_or_a_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    values = ('"c"', '{"id": 1}', "[1]", "[]", "{}")
    path.write_text("".join(f'{{"item":{value},"at":"2024-06-01","click":0}}\n' for value in values))
    message = _refusal(path)
    assert "row 2: its item is an object or a list\n4 rows are like this: 2, 3, 4, …" in message


def test_a_parquet_column_of_lists_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"item": [[1]], "at": ["2024-06-01"], "click": [0]}), path)
    with pytest.raises(InputFileError, match=r"column item of .* holds no single values"):
        replay.read(replay.Request(path, columns=MAP))
