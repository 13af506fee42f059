"""The command: the file, topics of a broker, logs, and what each refuses."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adclick_cli.broker import admin, consumer, sampling
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load, load_text
from adclick_cli.catalog.problems import CatalogError
from adclick_cli.commands.program import app
from adclick_cli.errors import AdclickError, BrokerError, InputFileError, ParameterError
from adclick_cli.inference import init, logs, propose, toml, topics
from adclick_cli.inference.errors import InferenceError
from adclick_cli.security import Servers
from adclick_cli.settings import load as load_settings
from tests.unit.inference.builders import CLICKS, NOW_MS, START_MS, VIEWS, click, view

SERVERS = Servers("kafka:9092")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("ADCLICK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADCLICK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return project


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["init", *arguments])


def _lines(records: Sequence[Any]) -> list[bytes | None]:
    return [json.dumps(one).encode() for one in records]


@dataclass
class Broker:
    """Topics with their messages, and how many of which were asked for."""

    messages: Mapping[str, Sequence[bytes | None]]
    asked: list[tuple[str, int]] = field(default_factory=list)

    def newest(self, _servers: Servers, topic: str, most: int, _within_s: float) -> list[bytes | None]:
        self.asked.append((topic, most))
        return list(self.messages[topic])[-most:]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    found = Broker({"shop.views": _lines(VIEWS), "shop.clicks": _lines(CLICKS), "ctr_results": [], "_schemas": []})
    monkeypatch.setattr(admin, "list_topics", lambda _: sorted(found.messages))
    monkeypatch.setattr(admin, "message_counts", lambda _, names: {one: len(found.messages[one]) for one in names})
    monkeypatch.setattr(sampling, "newest", found.newest)
    return found


def _text(impressions: str | None = None, clicks: str | None = None, **flags: Any) -> str:
    flags = {"bootstrap_servers": "kafka:9092"} | flags
    return init.text(load_settings(**flags), init.Request(impressions, clicks), lambda _: None)


def test_alone_it_writes_the_built_in_catalog(folder: Path) -> None:
    done = _run()
    assert done.exit_code == 0, done.output
    assert load(folder / "adclick.toml") == CATALOG
    assert "adclick.toml: 7 fields, 1 metric, 2 results, nothing wrong." in done.stderr
    assert "Next: adclick catalog, then adclick up and adclick submit" in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(folder: Path) -> None:
    path = folder / "adclick.toml"
    path.write_text('window = "5m"\n', encoding="utf-8")
    done = _run()
    assert isinstance(done.exception, InferenceError)
    assert done.exception.what == "there is a file adclick.toml already"
    assert "--force" in done.exception.mend
    assert path.read_text(encoding="utf-8") == 'window = "5m"\n'
    assert _run("--stdout").stdout == toml.of_default()
    assert path.read_text(encoding="utf-8") == 'window = "5m"\n'
    assert _run("--force").exit_code == 0
    assert path.read_text(encoding="utf-8") == toml.of_default()


def test_a_file_that_is_there_is_told_before_a_broker_is_asked(folder: Path) -> None:
    (folder / "adclick.toml").write_text("", encoding="utf-8")
    assert isinstance(_run("--bootstrap-servers", "127.0.0.1:9").exception, InferenceError)


def test_a_file_that_comes_meanwhile_is_not_replaced(folder: Path) -> None:
    (folder / "adclick.toml").write_text("", encoding="utf-8")
    with pytest.raises(InferenceError, match="already"):
        init.write("x = 1\n", force=False)
    assert (folder / "adclick.toml").read_text(encoding="utf-8") == ""


def test_a_folder_that_takes_no_file_is_told(folder: Path) -> None:
    (folder / "adclick.toml").mkdir()
    with pytest.raises(ParameterError) as caught:
        init.write("x = 1\n", force=True)
    assert caught.value.mend == "Use a folder that you may write."


def test_what_the_check_refuses_is_told_with_its_lines() -> None:
    with pytest.raises(CatalogError) as caught:
        init.check('[results.x]\nby = ["nothing"]\nmetrics = ["clicks"]\n')
    assert caught.value.what == "adclick.toml:2: results.x.by: 'nothing' cannot be used"


def test_the_pair_of_topics_is_found(broker: Broker) -> None:
    catalog = load_text(_text(), "adclick.toml")
    assert (catalog.impressions.topic, catalog.clicks.topic) == ("shop.views", "shop.clicks")
    # Neither what adclick writes nor what begins with an underscore.
    assert [topic for topic, _ in broker.asked] == ["shop.clicks", "shop.views"]
    assert {most for _, most in broker.asked} == {topics.MESSAGES}


@pytest.mark.parametrize("named", [("shop.views", None), (None, "shop.clicks"), ("shop.views", "shop.clicks")])
def test_topics_can_be_named(broker: Broker, named: tuple[str | None, str | None]) -> None:
    broker.messages = {**broker.messages, "a": _lines(VIEWS), "b": _lines(CLICKS)}
    catalog = load_text(_text(*named), "adclick.toml")
    for name, source in zip(named, (catalog.impressions, catalog.clicks), strict=True):
        assert name is None or source.topic == name


def test_the_broker_stands_in_the_file_unless_it_is_adclicks_own(broker: Broker) -> None:
    assert '\nbootstrap_servers = "kafka:9092"\n' in _text()
    assert "bootstrap_servers" not in _text(bootstrap_servers="127.0.0.1:9092")
    assert "bootstrap_servers" not in init.text(load_settings(), init.Request("shop.views"), lambda _: None)


def test_the_file_works_as_it_stands(broker: Broker, folder: Path) -> None:
    done = _run("--bootstrap-servers", "kafka:9092")
    assert done.exit_code == 0, done.output
    settings = load_settings()
    assert settings.bootstrap_servers == "kafka:9092"
    assert (settings.topics().impressions, settings.topics().clicks) == ("shop.views", "shop.clicks")
    assert settings.pipeline().catalog == load(folder / "adclick.toml")


def test_results_of_a_catalog_that_is_there_are_no_events(broker: Broker, folder: Path) -> None:
    (folder / "adclick.toml").write_text(_text(), encoding="utf-8")
    broker.messages = {**broker.messages, "by_country_device_type_results": [], "by_country_device_type_live": []}
    broker.asked.clear()
    _text()
    assert [topic for topic, _ in broker.asked] == ["shop.clicks", "shop.views"]
    (folder / "adclick.toml").write_text("[results.x]\n", encoding="utf-8")
    broker.messages = {"shop.views": _lines(VIEWS), "shop.clicks": _lines(CLICKS)}
    assert load_text(_text(), "adclick.toml").impressions.topic == "shop.views"


def test_clicks_on_earlier_impressions_make_it_look_at_more(broker: Broker) -> None:
    shown = [view(n) for n in range(6_000)]
    clicked = [click(n, event_timestamp=START_MS + 1_000 * (n + 4_500)) for n in range(0, 1_000, 10)]
    broker.messages = {"shop.views": _lines(shown), "shop.clicks": _lines(clicked)}
    text = _text("shop.views", "shop.clicks")
    assert "# 100 % of 100 clicks" in text
    assert broker.asked[-1] == ("shop.views", topics.MORE_MESSAGES)
    assert "6,000 of the newest messages were looked at" in text


def test_topics_that_hold_no_events_are_left_out_and_told(broker: Broker) -> None:
    broker.messages = {**broker.messages, "avro": [b"\0\0\0\0\1\2abc"], "empty": []}
    told: list[str] = []
    settings = load_settings(bootstrap_servers="kafka:9092")
    init.text(settings, init.Request(), told.append)
    assert "the topic avro holds Avro or another binary form, not JSON: left out." in told
    assert "the topic empty holds no message: left out." in told
    with pytest.raises(InferenceError, match="avro holds Avro"):
        _text("avro", "shop.clicks")


@pytest.mark.parametrize(
    ("messages", "named", "what"),
    [
        ({}, (None, None), "there are no two topics of events at kafka:9092"),
        ({"a": _lines(VIEWS), "ctr_results": []}, (None, None), "there are no two topics of events at kafka:9092"),
        ({"a": _lines(VIEWS)}, ("b", None), "there is no topic b at kafka:9092"),
        ({"a": [], "b": []}, (None, None), "no topic holds clicks on the impressions of another one"),
        ({"a": [], "b": []}, ("a", "b"), "the topic a holds no message"),
        ({"a": _lines(VIEWS), "b": _lines(VIEWS[:9])}, ("a", "a"), "clicks: 'a' cannot be used"),
    ],
)
def test_what_cannot_be_a_pair_is_told(
    broker: Broker, messages: dict[str, Any], named: tuple[str | None, str | None], what: str
) -> None:
    broker.messages = messages
    with pytest.raises(AdclickError) as caught:
        _text(*named)
    assert caught.value.what == what
    assert caught.value.why
    assert caught.value.mend


def test_an_impossible_name_of_a_topic_is_refused(broker: Broker) -> None:
    with pytest.raises(ParameterError, match="impressions: 'a b' cannot be used"):
        _text("a b")


def test_without_a_broker_it_says_so() -> None:
    with pytest.raises(BrokerError, match=r"no Kafka broker answers at 127\.0\.0\.1:9"):
        _text(bootstrap_servers="127.0.0.1:9")


def test_a_log_and_topics_are_not_looked_at_together(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="from-file"):
        init.text(load_settings(), init.Request("a", log=tmp_path / "log"), lambda _: None)


def _log(path: Path, content: str, *, packed: bool = False) -> Path:
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    return path


ROWS = [
    {"id": f"r-{n}", "ts": START_MS // 1_000 + n, "campaignId": f"c-{n % 3}", "Device": "tv", "price": f"0.{n % 9 + 1}"}
    for n in range(3_000)
]
HEADER = ",".join(ROWS[0])
CSV = "\n".join([HEADER, *(",".join(map(str, row.values())) for row in ROWS)])
JSON_LINES = "\n".join(json.dumps(row) for row in ROWS)


@pytest.mark.parametrize(
    ("name", "content", "packed", "form"),
    [
        ("log.jsonl", JSON_LINES, False, "JSON objects"),
        ("log.jsonl.gz", JSON_LINES, True, "JSON objects"),
        ("log.json", json.dumps(ROWS), False, "JSON objects"),
        ("log.csv", CSV, False, "CSV"),
        ("log.csv", f"\r\n{CSV}".replace("\n", "\r\n"), False, "CSV"),
        ("log.csv.gz", CSV, True, "CSV"),
        ("log.tsv", CSV.replace(",", "\t"), False, "TSV"),
        ("log", CSV.replace(",", ";"), False, "CSV"),
    ],
)
def test_a_log_of_any_form_gives_the_same(tmp_path: Path, name: str, content: str, packed: bool, form: str) -> None:
    path = _log(tmp_path / name, content, packed=packed)
    text = toml.of_proposal(propose.of_log(logs.of_file(path), NOW_MS))
    found = load_text(text, "adclick.toml").impressions
    assert (found.id, found.time, found.time_unit, found.topic) == (("id",), ("ts",), "s", None)
    assert {one.name: one.path for one in found.fields if one.name in ("campaign_id", "device_type", "cost")} == {
        "campaign_id": ("campaignId",),
        "device_type": ("Device",),
        "cost": ("price",),
    }
    assert f"# The first 2,000 rows were looked at: {form}." in text


def test_the_command_reads_a_log(tmp_path: Path, folder: Path) -> None:
    done = _run("--from-file", str(_log(tmp_path / "log.jsonl", JSON_LINES)))
    assert done.exit_code == 0, done.output
    assert load(folder / "adclick.toml").impressions.id == ("id",)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("log.csv", HEADER, InferenceError),
        ("log.csv", "", InputFileError),
        ("log.parquet", "PAR1 and more", InputFileError),
        ("log.jsonl", "[1, 2]", InferenceError),
        ("log.csv", 'id,ts\n"a' + "x" * 200_000 + '",1\n', InputFileError),
        ("log.doc", "id,ts", ParameterError),
    ],
)
def test_a_log_that_tells_nothing_is_refused(tmp_path: Path, name: str, content: str, kind: type[AdclickError]) -> None:
    with pytest.raises(kind) as caught:
        logs.of_file(_log(tmp_path / name, content))
    assert type(caught.value) is kind
    assert caught.value.mend


class Reader:
    """A client with two partitions of 100 messages, the first of which is empty below 40."""

    def __init__(self) -> None:
        self.places: dict[Any, int] = {}
        self.closed = False

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0, 1, 2}

    def beginning_offsets(self, there: Sequence[Any], **_: Any) -> dict[Any, int]:
        return {one: 40 if one.partition == 0 else 0 for one in there}

    def end_offsets(self, there: Sequence[Any], **_: Any) -> dict[Any, int]:
        return {one: 0 if one.partition == 2 else 100 for one in there}

    def assign(self, there: Sequence[Any]) -> None:
        self.places = dict.fromkeys(there, 0)

    def seek(self, one: Any, place: int) -> None:
        self.places[one] = place

    def position(self, one: Any) -> int:
        return self.places[one]

    def poll(self, **_: Any) -> dict[Any, list[Any]]:
        found = {}
        for one, place in self.places.items():
            # One message has come since the ends were asked for.
            offsets = range(place, min(place + 30, 101))
            found[one] = [SimpleNamespace(offset=n, value=f"{one.partition}-{n}".encode()) for n in offsets]
            self.places[one] = place + len(offsets)
        return found

    def close(self, **_: Any) -> None:
        self.closed = True


@pytest.mark.parametrize(("most", "first"), [(50, (75, 75)), (150, (40, 25)), (2_000, (40, 0))])
def test_a_sample_is_the_newest_messages_of_each_partition(
    monkeypatch: pytest.MonkeyPatch, most: int, first: tuple[int, int]
) -> None:
    reader = Reader()
    monkeypatch.setattr(consumer, "connect", lambda *_, **__: reader)
    found = sampling.newest(SERVERS, "t", most, 5)
    assert found == [f"{number}-{n}".encode() for number in (0, 1) for n in range(first[number], 100)]
    assert reader.closed


def test_a_sample_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    monkeypatch.setattr(consumer, "connect", lambda *_, **__: reader)
    monkeypatch.setattr(reader, "poll", lambda **_: {})
    assert sampling.newest(SERVERS, "t", 10, 0.01) == []
    assert reader.closed
