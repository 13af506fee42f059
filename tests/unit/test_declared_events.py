"""Events in a declared shape as adclick writes them: heartbeats, made-up ones, those of a log; and what reads them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import TIME_UNITS, Catalog, EventField, EventSource, FieldType, TimeUnit
from adclick_cli.doctor import judge
from adclick_cli.events import generator, heartbeat, malformed, reading, replay, shape
from adclick_cli.events.generator import Kind, Plan, Shares
from adclick_cli.events.reading import Field, Schema, Unit
from adclick_cli.events.time_unit import other_unit
from adclick_cli.pipeline import Pipeline
from adclick_cli.schema import HEARTBEAT_ID, STAMP
from adclick_cli.verify import ledger, oracle
from tests import event_corpus
from tests.builders.outcomes import told
from tests.builders.pictures import partition, picture
from tests.builders.verify import PIPELINE, T0, click, impression, messages

TOML = """
[events.impressions]
id = "event.id"
time = "event.at"
time_unit = "{unit}"
[events.impressions.fields]
campaign_id = "campaign.id"
device_type = {{ path = "device.type", default = "unknown" }}
country = {{ path = "geo.country" }}
city = {{ path = "geo.city", default = "??" }}
seconds = {{ path = "view.s", type = "integer" }}
seen = {{ path = "view.seen", type = "boolean" }}
cost = {{ path = "bid.price", type = "decimal" }}
tax = {{ path = "bid.tax", type = "decimal", precision = 4, scale = 4 }}
[events.clicks]
id = "click.id"
parent = "click.view"
time = "click.at"
time_unit = "{unit}"
[events.clicks.fields]
page = "page"
[metrics]
spend = "sum(cost)"
time = "sum(seconds)"
taxes = "sum(tax)"
[results.spend]
by = ["country", "seen", "city"]
metrics = ["impressions", "clicks", "spend", "time", "taxes"]
"""


def _catalog(folder: Path, unit: TimeUnit) -> Catalog:
    path = folder / "adclick.toml"
    path.write_text(TOML.format(unit=unit))
    return load(path)


@pytest.fixture(params=TIME_UNITS)
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Catalog:
    return _catalog(tmp_path, request.param)


def _whole_schema(source: EventSource) -> Schema:
    """All that is declared, also what no result needs."""
    return reading.declared(source, (*source.ids, *source.fields))


def _cut(at_ms: int, unit: TimeUnit) -> int:
    return at_ms // 1000 * 1000 if unit == "s" else at_ms


def test_a_schema_says_what_is_declared(tmp_path: Path) -> None:
    found = _catalog(tmp_path, "us")
    pipeline = Pipeline(catalog=found)
    assert reading.declared(found.clicks, pipeline.event_columns("clicks")) == Schema(
        (
            Field("click_id", path=("click", "id")),
            Field("impression_id", path=("click", "view")),
            Field(STAMP, reading.Kind.TIME, ("click", "at")),
        ),
        Unit.US,
    )
    fields = {
        one.name: one for one in reading.declared(found.impressions, pipeline.event_columns("impressions")).fields
    }
    assert list(fields)[:1] == ["impression_id"]
    assert fields["device_type"] == Field("device_type", path=("device", "type"), required=False, default="unknown")
    assert fields["seconds"] == Field("seconds", reading.Kind.INTEGER, ("view", "s"))
    assert fields["seen"].kind is reading.Kind.BOOLEAN
    assert fields["tax"] == Field("tax", reading.Kind.DECIMAL, ("bid", "tax"), precision=4, scale=4)
    cost = Field("cost", reading.Kind.DECIMAL, ("bid", "price"), required=False, precision=18, scale=6)
    assert fields["cost"] == cost
    assert list(fields)[-1] == STAMP


def test_a_default_has_the_digits_of_its_column() -> None:
    price = EventField("price", ("price",), "decimal", default=Decimal("0.5"), precision=12, scale=3)
    schema = reading.declared(CATALOG.clicks, (*CATALOG.clicks.ids, price))
    [row] = reading.read(b'{"click_id": "c", "impression_id": "i", "event_timestamp": 5}', schema)
    assert row.values is not None
    assert str(row.values["price"]) == "0.500"


_RICH = EventSource(
    "impressions",
    id=("id",),
    time=("meta", "at"),
    time_unit="s",
    fields=(
        EventField("device", ("device", "type"), default="unknown"),
        EventField("user", ("user", "id"), optional=True),
        EventField("views", ("views",), "integer", optional=True),
        EventField("cost", ("cost",), "decimal", optional=True, precision=10, scale=4),
        EventField("big", ("money", "big"), "decimal", optional=True, precision=30, scale=2),
        EventField("paid", ("paid",), "boolean", optional=True),
    ),
)


def test_a_declaration_reads_the_corpus_as_the_corpus_says() -> None:
    schema = _whole_schema(_RICH)
    wrong = {}
    cases = [case for case in event_corpus.cases() if case.schema is event_corpus.RICH]
    assert len(cases) > 40
    for case in cases:
        rows = [
            {"impression_id": row["id"], STAMP: row["at"]} | {k: v for k, v in row.items() if k not in ("id", "at")}
            if isinstance(row, dict)
            else row
            for row in case.rows
        ]
        named = replace(case, schema=schema, rows=tuple(rows))
        if found := told(named, reading.read(case.value, schema)):
            wrong[case.name] = found
    assert wrong == {}


@given(at_ms=st.integers(1_000, 4_102_444_800_000), unit=st.sampled_from(TIME_UNITS))
def test_a_heartbeat_is_read_as_one_whatever_the_shape(at_ms: int, unit: TimeUnit) -> None:
    both = (replace(_RICH, time_unit=unit), replace(CATALOG.impressions, time_unit=unit))
    for source in (*both, replace(CATALOG.clicks, time_unit=unit, parent=("a", "b", "c"), id=("a", "b", "d"))):
        of = heartbeat.Events(source, _whole_schema(source))
        value = heartbeat.message(source, at_ms)
        assert heartbeat.event_time(of, value, at_ms, 0) == (_cut(at_ms, unit), True)


def test_a_heartbeat_has_all_that_an_event_needs(catalog: Catalog) -> None:
    for source in (catalog.impressions, catalog.clicks):
        [row] = reading.read(heartbeat.message(source, T0), _whole_schema(source))
        assert row.values is not None, row.reason
        assert {row.values[one.name] for one in source.ids} == {HEARTBEAT_ID}
        assert row.values[STAMP] == T0
    for of in heartbeat.topics(Pipeline(catalog=catalog)).values():
        assert heartbeat.event_time(of, heartbeat.message(of.source, T0), T0, 0) == (T0, True)


def test_a_heartbeat_suits_columns_that_read_the_same_place() -> None:
    number = EventField("campaign_number", ("campaign_id",), "integer")
    source = replace(CATALOG.impressions, fields=(number, *CATALOG.impressions.fields))
    [row] = reading.read(heartbeat.message(source, T0), _whole_schema(source))
    assert row.values is not None, row.reason
    assert (row.values["impression_id"], row.values["campaign_number"]) == (HEARTBEAT_ID, 0)


def test_a_heartbeat_of_the_built_in_events_is_what_it_was() -> None:
    found = [heartbeat.message(of.source, 5).decode() for of in heartbeat.topics(Pipeline()).values()]
    beat, stamp = f'"{HEARTBEAT_ID}"', '"event_timestamp": 5'
    assert found == [
        f'{{"impression_id": {beat}, "campaign_id": {beat}, "device_type": {beat}, {stamp}}}',
        f'{{"click_id": {beat}, "impression_id": {beat}, {stamp}}}',
    ]


_PLAIN = {
    "impression_id": "i1",
    "user_id": "u",
    "campaign_id": "c",
    "ad_id": "a",
    "device_type": "m",
    "browser": "b",
    "cost": 0.25,
}


@given(at_ms=st.integers(1_000, 4_102_444_800_000), unit=st.sampled_from(TIME_UNITS), name=st.text("ab1é", min_size=1))
def test_a_shaped_event_gives_the_same_values_back(
    tmp_path_factory: pytest.TempPathFactory, at_ms: int, unit: TimeUnit, name: str
) -> None:
    found = _catalog(tmp_path_factory.getbasetemp(), unit)
    plain = _PLAIN | {"impression_id": name, STAMP: at_ms, "extra": [1]}
    made = shape.shaped(found.impressions, plain)
    assert made["extra"] == [1]
    [row] = reading.read(json.dumps(made).encode(), _whole_schema(found.impressions))
    assert row.values is not None, row.reason
    wanted = plain | {STAMP: _cut(at_ms, unit), "cost": Decimal("0.25")}
    assert {key: row.values[key] for key in _PLAIN | {STAMP: 0}} == {key: wanted[key] for key in _PLAIN | {STAMP: 0}}
    assert made == shape.shaped(found.impressions, plain)


def test_without_a_declaration_an_event_stays_what_it_is() -> None:
    plain = _PLAIN | {STAMP: 5}
    assert json.dumps(shape.shaped(replace(CATALOG.impressions, topic="other"), plain)) == json.dumps(plain)
    assert shape.shaper(CATALOG.clicks)(plain) is plain


def test_what_a_log_has_no_value_for_is_made_up_where_it_is_needed(tmp_path: Path) -> None:
    found = _catalog(tmp_path, "ms")
    made = shape.shaped(found.impressions, _PLAIN | {"campaign_id": None, "user_id": None, STAMP: 5})
    assert made["campaign"]["id"].startswith("campaign_id-")
    assert made["user_id"] is None


def test_columns_that_read_one_place_have_one_value_for_all() -> None:
    copy = EventField("copy", ("campaign_id",))
    number = EventField("number", ("browser",), "integer")
    source = replace(CATALOG.impressions, fields=(number, *CATALOG.impressions.fields, copy))
    made = shape.shaped(source, {name: value for name, value in _PLAIN.items() if name != "browser"} | {STAMP: 5})
    assert made["campaign_id"] == "c"
    [row] = reading.read(json.dumps(made).encode(), _whole_schema(source))
    assert row.reason is None


PLAN = Plan(seed=7, start_ms=T0, rate=50, count=400, phase="normal", campaign="camp-1")


def test_generated_events_are_events_of_the_declared_shape(catalog: Catalog) -> None:
    sources = (catalog.impressions, catalog.clicks)
    schemas = [_whole_schema(source) for source in sources]
    seen: dict[str, set[Any]] = {}
    made = list(generator.events(replace(PLAN, shares=Shares(late=0.1, orphans=0.5)), catalog))
    plain = list(generator.events(replace(PLAN, shares=Shares(late=0.1, orphans=0.5))))
    assert [(one.at_ms, one.kind, one.key) for one in made] == [(one.at_ms, one.kind, one.key) for one in plain]
    for event, before in zip(made, plain, strict=True):
        [row] = reading.read(event.value, schemas[event.kind])
        assert row.values is not None, row.reason
        old = json.loads(before.value or b"")
        assert row.values[STAMP] == _cut(old[STAMP], sources[event.kind].time_unit)
        assert all(row.values[name] == value for name, value in old.items() if name not in (STAMP, "cost"))
        for name, value in row.values.items():
            seen.setdefault(name, set()).add(value)
    assert seen["country"] == {"country-1", "country-2", "country-3"}
    assert seen["city"] == {"city-1", "city-2", "city-3", "??"}
    assert seen["seen"] == {True, False}
    assert 50 < len(seen["seconds"]) <= 100
    assert {one for event in made if event.kind is Kind.CLICK for one in json.loads(event.value or b"")} >= {"page"}


def test_values_of_another_type_than_declared_are_made_anew() -> None:
    types: dict[str, FieldType] = {"browser": "integer", "cost": "boolean"}
    fields = tuple(replace(one, type=types.get(one.name, one.type)) for one in CATALOG.impressions.fields)
    source = replace(CATALOG.impressions, fields=fields)
    for event in generator.events(PLAN, replace(CATALOG, impressions=source)):
        if event.kind is Kind.IMPRESSION:
            [row] = reading.read(event.value, _whole_schema(source))
            assert row.values is not None, row.reason


@pytest.mark.parametrize("kind", malformed.KINDS)
def test_malformed_events_are_none_whatever_the_shape(kind: str, catalog: Catalog) -> None:
    latest = T0 + Pipeline().max_ahead.ms
    for event in generator.events(replace(PLAN, count=40), catalog):
        source = catalog.impressions if event.kind is Kind.IMPRESSION else catalog.clicks
        bad = malformed.KINDS[kind](json.loads(event.value or b""), source)
        assert reading.events(event.value, _whole_schema(source), latest) != []
        assert reading.events(bad, _whole_schema(source), latest) == []


def test_a_log_is_replayed_in_the_declared_shape(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "campaign_id,event_timestamp,clicked,cost\nx,2026-01-01T00:00:01Z,1,0.5\ny,2026-01-01T00:00:02Z,0,\n"
    )
    shown, clicked, other = replay.read(replay.Request(path), catalog)
    [one], [two], [three] = (
        reading.read(event.value, _whole_schema(catalog.clicks if event.kind is Kind.CLICK else catalog.impressions))
        for event in (shown, clicked, other)
    )
    assert one.values is not None
    assert (one.values["campaign_id"], one.values["cost"], one.values[STAMP]) == ("x", Decimal("0.5"), T0 + 1_000)
    assert two.values is not None
    assert two.values["impression_id"] == one.values["impression_id"]
    assert two.values[STAMP] == T0 + 2_000
    assert three.values is not None


def test_a_number_of_time_in_the_declared_unit_is_no_warning() -> None:
    numbers: dict[TimeUnit, int] = {"s": T0 // 1000, "ms": T0, "us": T0 * 1000, "ns": T0 * 1_000_000}
    for unit in TIME_UNITS:
        source = replace(CATALOG.impressions, time=("event", "at"), time_unit=unit)
        for other, number in numbers.items():
            told_as = other_unit(number, unit)
            assert (told_as is None) == (other == unit or unit == "iso8601")
            value = json.dumps({"event": {"at": number}}).encode()
            assert heartbeat.stamp(source, value) == number
    found = picture(partitions=(partition("ad-impressions", 1, odd=T0),))
    source = replace(CATALOG.impressions, time=("event", "at"), time_unit="s")
    seconds = replace(found, pipeline=replace(found.pipeline, catalog=replace(CATALOG, impressions=source)))
    [finding] = judge.event_times(seconds)
    assert "event.at in partition 1 of ad-impressions is" in finding.what
    assert "likely milliseconds. adclick reads seconds; taken for seconds it is too far ahead" in finding.what
    assert judge.event_times(found) == []
    finer = replace(CATALOG, impressions=replace(CATALOG.impressions, time_unit="ns"))
    [finding] = judge.event_times(replace(found, pipeline=replace(found.pipeline, catalog=finer)))
    assert "likely milliseconds. adclick reads nanoseconds; taken for nanoseconds it is 1970-01-01T" in finding.what


def test_the_oracle_counts_events_of_a_declared_shape(catalog: Catalog) -> None:
    pipeline = replace(PIPELINE, portable=False, catalog=catalog, unique_ids=PIPELINE.window)
    shown = [impression(number, number * 1_000, "a" if number % 2 else "b") for number in range(8)]
    clicked = [click(number, number, number * 1_000 + 1_000) for number in range(3)]
    nested = [shape.shaped(catalog.impressions, one) for one in shown]
    rows: list[Any] = [*nested, nested[0], b"nonsense", shape.placed([(("view", "s"), "x")], nested[0])]
    db = oracle.connect()
    clicks = messages([shape.shaped(catalog.clicks, one) for one in clicked])
    oracle.compute(db, messages([*rows, heartbeat.message(catalog.impressions, T0 + 90_000)]), clicks, pipeline)
    found = db.execute("SELECT key, impressions_high, clicks_high FROM expected_ctr ORDER BY key").fetchall()
    assert found == [("a", 4, 1), ("b", 4, 2)]
    assert db.execute("SELECT count(*) FILTER (beat), count(*) FILTER (NOT good) FROM impressions").fetchall() == [
        (1, 2)
    ]
    ts = {row[0] for row in db.execute("SELECT ts FROM impressions WHERE good AND NOT beat").fetchall()}
    assert ts == {one[STAMP] for one in shown}
    countries = {row[0] for row in db.execute("SELECT country FROM impressions WHERE good AND NOT beat").fetchall()}
    assert countries <= {"country-1", "country-2", "country-3"}
    assert [one.differs for one in ledger.conflicts(db, 9)] == []
