"""What `adclick replay` reads: pipes, compressed files, every ending and encoding; and what it refuses whole, before
anything is sent.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adclick_cli.errors import AdclickError, InputFileError
from adclick_cli.events import log_file, replay
from tests.unit.recorded_logs import MAP, campaigns, sent

CSV = "item,at,click\nc1,2024-06-01 12:00:00,1\nc2,2024-06-01 12:00:01,0\n"
JSON = '{"item":"c1","at":"2024-06-01 12:00:00","click":1}\n{"item":"c2","at":"2024-06-01 12:00:01","click":0}\n'
TABS = CSV.replace(",", "\t")


@pytest.fixture(autouse=True)
def private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies go; a test's end sees that none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _parquet(path: Path) -> bytes:
    pq.write_table(pa.table({"item": ["c1", "c2"], "at": ["2024-06-01", "2024-06-02"], "click": [1, 0]}), path)
    return path.read_bytes()


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def _stdin(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def _refusal(path: Path, **more: object) -> str:
    with pytest.raises(AdclickError) as caught:
        replay.read(replay.Request(path, **({"columns": MAP} | more)))  # type: ignore[arg-type]
    return str(caught.value)


def _written(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log.csv", CSV),
        ("log.tsv", TABS),
        ("log.jsonl", JSON),
        ("log.json", JSON),
        ("log.ndjson", JSON),
        ("log.json", "[" + JSON.replace("\n{", ",\n{") + "]"),
        ("log.json", JSON.replace('{"', '{\n  "').replace("}", "\n}")),
        ("LOG.CSV", CSV),
        ("log", CSV),
        ("log.txt", TABS),
        ("log.log", JSON),
    ],
)
def test_every_ending_is_read_without_a_format(tmp_path: Path, name: str, data: str) -> None:
    assert campaigns(_written(tmp_path, name, data)) == ["c1", "c2"]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_that_of_the_header(tmp_path: Path, delimiter: str) -> None:
    data = CSV.replace(",", delimiter).replace("c1", '"1,5"')
    assert campaigns(_written(tmp_path, "log.csv", data)) == ["1,5", "c2"]


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("zst", _zstd), ("bz2", bz2.compress), ("xz", lzma.compress)],
)
def test_a_compressed_log_is_read(
    tmp_path: Path, ending: str, pack: Callable[[bytes], bytes], private_folder: Path
) -> None:
    for name, data in (("log.csv", CSV), ("log.jsonl", JSON)):
        path = _written(tmp_path, f"{name}.{ending}", pack(data.encode()))
        (_, _, first), *_ = sent(path)
        assert (first["campaign_id"], first["impression_id"]) == ("c1", "log-1")
    assert not list(private_folder.iterdir())


def test_a_compressed_log_is_known_by_its_content(tmp_path: Path) -> None:
    assert campaigns(_written(tmp_path, "log.csv", gzip.compress(CSV.encode(), mtime=0))) == ["c1", "c2"]
    assert campaigns(_written(tmp_path, "plain.csv.gz", CSV)) == ["c1", "c2"]
    two = gzip.compress(CSV.encode(), mtime=0) + gzip.compress(b"c3,2024-06-02,0\n", mtime=0)
    assert campaigns(_written(tmp_path, "two.csv.gz", two)) == ["c1", "c2", "c3"]


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("log.csv.gz", gzip.compress(CSV.encode() * 50, mtime=0)[:-20]),
        ("log.csv.gz", gzip.compress(CSV.encode(), mtime=0)[:-5] + b"12345"),
        ("log.csv.gz", gzip.compress(CSV.encode(), mtime=0) + b"garbage"),
        ("log.csv.zst", _zstd(CSV.encode() * 50)[:-10]),
        ("log.csv.bz2", bz2.compress(CSV.encode() * 50)[:-10]),
        ("log.csv.xz", lzma.compress(CSV.encode() * 50)[:-10]),
    ],
)
def test_a_compressed_log_that_is_cut_off_or_damaged_is_refused(
    tmp_path: Path, name: str, packed: bytes, private_folder: Path
) -> None:
    message = _refusal(_written(tmp_path, name, packed))
    assert f"{name} cannot be read\n" in message
    assert "Nothing was sent. See whether the file is whole." in message
    assert not list(private_folder.iterdir())


@pytest.mark.parametrize("form", [None, "csv"])
def test_a_log_from_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch, form: str | None, private_folder: Path
) -> None:
    _stdin(CSV.encode(), monkeypatch)
    (_, _, first), *_ = sent(Path("-"), form=form)
    assert first["campaign_id"] == "c1"
    assert not list(private_folder.iterdir())


def test_every_form_is_known_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (
        JSON.encode(),
        TABS.encode(),
        gzip.compress(CSV.encode(), mtime=0),
        _parquet(tmp_path / "log.parquet"),
    ):
        _stdin(data, monkeypatch)
        assert campaigns(Path("-")) == ["c1", "c2"]


def test_ids_of_a_pipe_go_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for data in (CSV, CSV, CSV.replace("c1", "c3")):
        _stdin(data.encode(), monkeypatch)
        ids.append(sent(Path("-"))[0][2]["impression_id"])
    assert ids[0].startswith("stdin-")
    assert ids[0] == ids[1] != ids[2]


def test_standard_input_is_checked_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin((CSV + "c3,soon,0\n").encode(), monkeypatch)
    assert "standard input, row 3: 'soon' in column at is no time" in _refusal(Path("-"))


def test_a_process_substitution_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "63"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(CSV,))
    writer.start()
    assert campaigns(pipe) == ["c1", "c2"]
    writer.join()


def test_standard_input_that_is_a_terminal_or_closed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert "standard input is a terminal\nSend the log through a pipe" in _refusal(Path("-"))
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in _refusal(Path("-"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_is_said_with_the_setting_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(CSV.encode(), monkeypatch)
    original = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r": original(*((Path("/dev/full"), "wb") if mode == "xb" else (path, mode)))
    )
    message = _refusal(Path("-"))
    assert "standard input cannot be copied to" in message
    assert "No space left on device" in message
    assert "set TMPDIR" in message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize(("name", "data"), [("log.csv", CSV), ("log.jsonl", JSON)])
def test_a_byte_order_mark_names_the_encoding(tmp_path: Path, encoding: str, name: str, data: str) -> None:
    path = _written(tmp_path, name, data.replace("c1", "ü").encode(encoding))
    assert campaigns(path) == ["ü", "c2"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("item,at,click\nü,2024-06-01,0\n".encode("latin-1"), "line 2"),
        ("größe,item,at,click\n1,c,2024-06-01,0\n".encode("latin-1"), "is not in UTF-8"),
        (CSV.encode("utf-16-le"), "is not text"),
        (b"PK\x03\x04more", "is a ZIP archive"),
        (b"PAR1more", "is Parquet, not csv"),
    ],
)
def test_what_is_not_text_in_utf_8_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    message = _refusal(_written(tmp_path, "log.csv", data))
    assert said in message
    assert "log.csv" in message


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.csv", b""), ("a.csv", b"\n \n"), ("a.jsonl", b""), ("a.json.gz", gzip.compress(b"", mtime=0))],
)
def test_an_empty_log_is_refused(tmp_path: Path, name: str, data: bytes) -> None:
    assert f"{name} is empty\nIt has neither a header nor a row" in _refusal(_written(tmp_path, name, data))


def test_an_empty_parquet_file_is_refused_by_its_form(tmp_path: Path) -> None:
    assert "is not Parquet" in _refusal(_written(tmp_path, "log.parquet", CSV))
    assert "cannot be read as parquet" in _refusal(_written(tmp_path, "cut.parquet", b"PAR1more"))


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_log_without_rows_sends_nothing(tmp_path: Path, end: str) -> None:
    assert sent(_written(tmp_path, "log.csv", "item,at,click" + end)) == []


def test_what_is_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"{tmp_path} is a folder\nName one file" in _refusal(tmp_path)
    assert "there is no file" in _refusal(tmp_path / "none.csv")
    assert "there is no file" in _refusal(tmp_path / "*.csv")
    assert "/dev/null is a device" in _refusal(Path("/dev/null"))
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    assert "loop.csv cannot be read\nToo many levels" in _refusal(loop)
    # Root may read everything, so that the refusal of the system is played here.
    path = _written(tmp_path, "log.csv", CSV)
    monkeypatch.setattr(Path, "open", _denied)
    assert "log.csv cannot be read\nPermission denied" in _refusal(path)


def _denied(path: Path, *_: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_name_with_wildcards_or_a_partition_is_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "item=9"
    folder.mkdir()
    _written(folder, "log1.csv", CSV.replace("c1", "another"))
    assert campaigns(_written(folder, "log[1].csv", CSV)) == ["c1", "c2"]
    assert campaigns(_written(folder, "log*.csv", CSV)) == ["c1", "c2"]
    assert campaigns(_written(folder, "it's.jsonl", JSON)) == ["c1", "c2"]


def test_a_relative_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, "log.csv", CSV)
    monkeypatch.chdir(tmp_path)
    assert campaigns(Path("log.csv")) == ["c1", "c2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "temporary"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("a,2024-06-01,0\nb,2024-06-01\nc,2024-06-01\n", "line 3: 'b,2024-06-01' is no row of this table"),
        ("a,2024-06-01,0\nb,2024-06-01,0,1\n", "line 3: 'b,2024-06-01,0,1' is no row of this table"),
        ('a,2024-06-01,0\n"b,2024-06-01,0\nc,2024-06-01,0\n', "line 3"),
        ('a,2024-06-01,0\n"b"x,2024-06-01,0\n', "line 3"),
        ("a,2024-06-01,0\r\nb,2024-06-01,0\n", "CR LF"),
    ],
)
def test_a_ragged_row_is_refused_with_its_line(tmp_path: Path, rows: str, said: str) -> None:
    message = _refusal(_written(tmp_path, "log.csv", "item,at,click\n" + rows))
    assert said in message
    assert "Nothing was sent" in message
    assert ("2 lines cannot be read" in message) == rows.endswith("c,2024-06-01\n")


def test_a_header_that_is_repeated_in_the_middle_is_named(tmp_path: Path) -> None:
    message = _refusal(_written(tmp_path, "log.csv", CSV + CSV))
    assert "row 3: 'at' in column at is no time" in message
    assert "the header stands in the log again" in message
    assert "2 rows" not in message


def test_a_column_that_is_there_twice_is_refused_if_it_is_used(tmp_path: Path) -> None:
    path = _written(tmp_path, "log.csv", "item,at,click,x,item,x\na,2024-06-01,0,1,b,2\n")
    assert "has 2 columns 'item'\nWhich of them is campaign_id cannot be known" in _refusal(path)
    path = _written(tmp_path, "log.csv", "item,at,click,x,ITEM,x\na,2024-06-01,0,1,b,2\n")
    assert campaigns(path) == ["a"]
    assert campaigns(path, columns=MAP | {"campaign_id": "ITEM"}) == ["b"]


def test_a_quoted_line_break_belongs_to_its_value(tmp_path: Path) -> None:
    data = '"item","at","more\nnames",click\r\n"a\nb",2024-06-01,"x,""y""",0\r\nc,2024-06-01,,0\r\n'
    for end in ("\r\n", "\n"):
        assert campaigns(_written(tmp_path, "log.csv", data.replace("\r\n", end))) == ["a\nb", "c"]
    data = data.replace("\n", "\r\n").replace("\r\r", "").replace("0\r\n", "0\n").replace("click\r\n", "click\n")
    assert campaigns(_written(tmp_path, "log.csv", data)) == ["a\r\nb", "c"]


@pytest.mark.parametrize(
    "data",
    [
        CSV.replace("\n", "\r\n"),
        CSV.replace("\n", "\r"),
        CSV.replace("\n", "\n\n"),
        CSV.rstrip("\n"),
        "\n\n" + CSV,
        "\r\n" + CSV.replace("\n", "\r\n"),
    ],
)
def test_line_ends_and_blank_lines_do_not_matter(tmp_path: Path, data: str) -> None:
    assert campaigns(_written(tmp_path, "log.csv", data)) == ["c1", "c2"]


def test_spaces_around_the_names_of_the_header_do_not_matter(tmp_path: Path) -> None:
    assert campaigns(_written(tmp_path, "log.csv", CSV.replace("item,at,click", "item , at, click"))) == ["c1", "c2"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (JSON + '{"item":"c3"\n' + JSON, "row 3: it is no JSON"),
        (JSON + "1\n[]\n", "row 3: it is no JSON object\n2 rows are like this: 3, 4."),
        ("[" + JSON, "cannot be read as json"),
        ('{"item":', "cannot be read as json"),
        (JSON + '{"item":"\\ud800","at":"2024-06-01","click":0}\n', "row 3: it is no JSON"),
    ],
)
def test_broken_json_is_refused(tmp_path: Path, data: str, said: str) -> None:
    message = _refusal(_written(tmp_path, "log.jsonl", data))
    assert said in message
    assert "Nothing was sent" in message


def test_a_field_of_json_may_be_missing_in_some_rows_but_not_in_all(tmp_path: Path) -> None:
    path = _written(tmp_path, "log.jsonl", '{"item":"c","at":"2024-06-01"}\n' + JSON)
    assert sorted(campaigns(path)) == ["c", "c1", "c2"]
    path = _written(tmp_path, "log.jsonl", '{"item":"c","at":"2024-06-01","a/b~c d.e":"x"}\n')
    assert "has no column 'click' for clicked\nIts columns: a/b~c d.e, at, item." in _refusal(path)
    columns = {"campaign_id": "a/b~c d.e", "event_timestamp": "at"}
    assert campaigns(path, columns=columns) == ["x"]


def test_the_copy_of_a_pipe_is_its_owners_alone(private_folder: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert Path(folder).stat().st_mode & 0o77 == 0


def test_formats_in_the_message_are_those_that_are_read(tmp_path: Path) -> None:
    path = _written(tmp_path, "log.xml", "<a/>")
    assert ", ".join(log_file.FORMATS) in _refusal(path)
    assert "--format" in _refusal(_written(tmp_path, "log.csv", CSV), form="excel")
    with pytest.raises(InputFileError, match="Its columns: <a/>"):
        replay.read(replay.Request(path, form="csv", columns=MAP))
