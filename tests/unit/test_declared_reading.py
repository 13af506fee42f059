"""Messages in a declared shape: DuckDB and the reader that knows all rules say the same of each."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.events import reading
from adclick_cli.events.reading import Field, Kind, Schema, Unit
from adclick_cli.verify import events, oracle, paths
from tests import event_corpus
from tests.builders import declared_events
from tests.builders.verify import messages


def _apart(values: list[bytes | None], schema: Schema) -> list[dict[str, Any]]:
    found = events.take_apart(oracle.connect(), messages(values), schema).to_pylist()
    return sorted(found, key=lambda row: (row["offset"], row["element"]))


def _read(values: list[bytes | None], schema: Schema) -> list[dict[str, Any]]:
    wanted: list[dict[str, Any]] = []
    for offset, value in enumerate(values):
        rows = reading.read(value, schema)
        for row in rows:
            names = {one.name: one.name for one in schema.fields[:-1]} | {"stamp": schema.fields[-1].name}
            found = {column: row.values and paths.text(row.values[name]) for column, name in names.items()}
            place = {"partition": 0, "offset": offset, "element": row.record}
            more = {"raw": row.raw if len(rows) > 1 else None, "stamp_type": None if row.values is None else "BIGINT"}
            wanted.append(place | found | more)
    return wanted


def _differences(values: list[bytes | None], schema: Schema) -> list[Any]:
    found, wanted = _apart(values, schema), _read(values, schema)
    for row in found:
        del row["arrived_ms"]
    assert len(found) == len(wanted)
    pairs = zip(found, wanted, strict=True)
    return [(values[one["offset"]], one, other) for one, other in pairs if one != other]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_both_readers_say_the_same_of_any_message(seed: int) -> None:
    chance = random.Random(seed)
    schema = declared_events.schema(chance)
    values = [declared_events.message(chance, schema) for _ in range(100)]
    if not events.is_flat(schema):
        assert _differences(values, schema) == []


@pytest.mark.parametrize("schema", {case.schema: None for case in event_corpus.cases()})
def test_the_corpus_is_read_alike(schema: Schema) -> None:
    values = [case.value for case in event_corpus.cases() if case.schema == schema]
    found = paths.take_apart(oracle.connect(), messages(values), schema).to_pylist()
    assert len(found) == len(_read(values, schema))
    if not events.is_flat(schema):
        assert _differences(values, schema) == []


def _wide(unit: Unit) -> Schema:
    return Schema(
        (
            Field("id", path=("event", "id")),
            Field("campaign_id", path=("campaign", "id")),
            Field("order", path=("geo", "country"), required=False, default="??"),
            Field("price", Kind.DECIMAL, ("bid", "price"), precision=18, scale=6),
            Field("tax", Kind.DECIMAL, ("bid", "tax"), required=False, precision=10, scale=3),
            Field("seconds", Kind.INTEGER, ("view", "s"), required=False, default=0),
            Field("seen", Kind.BOOLEAN, ("view", "seen"), required=False),
            Field("event_timestamp", Kind.TIME, ("event", "at")),
        ),
        unit,
    )


@pytest.mark.parametrize("unit", Unit)
def test_what_is_plain_is_read_by_duckdb_alone(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    schema, chance = _wide(unit), random.Random(unit.name)
    # An escape may stand for a letter of the name that a decimal stands behind.
    values = [one for _ in range(300) if b"\\u" not in (one := declared_events.plain(chance, schema))]
    assert _differences([*values], schema) == []
    with monkeypatch.context() as patched:
        patched.setattr(reading, "read", lambda *_: pytest.fail("read one by one"))
        _apart([*values], schema)


_ODD = (
    '{"other": {"price": 9.5}, %s, "bid": {"price": 1.25}}',
    '{"other": {"price": 9.5}, %s, "bid": {"pr\\u0069ce": 1.25}}',
    '{"bid": {"price": 1.250}, %s, "\\"price": 9.5}',
    '{%s, "bid": {"price": 1.25,}}',
    '{%s, "bid": {"price": 1.25}, "x": [1,]}',
    '{%s, "bid": {"price": -0.00000001}}',
    '{%s, "bid": {"price": -0.0, "tax": "-0"}}',
    '{%s, "bid": {"price": "1.2500"}, "view": {"s": ""}, "geo": {"country": ""}}',
    '{%s, "bid": {"price": ""}}',
    '{"z": {%s}, "bid": {"price": 1.25}, "event": {"id": "", "at": 1}, "campaign": {"id": "c"}}',
    '{"z": {%s}, "bid": {"price": 1.25}, "event": {"id": "[", "at": 1}, "campaign": {"id": "c"}}',
    '{%s, "bid": {"price": 1.25}, "view": {"s": 1, "s": 2}}',
)


@pytest.mark.parametrize("text", _ODD)
def test_what_can_be_read_in_two_ways_is_read_by_the_rules(text: str) -> None:
    value = (text % '"event": {"id": "i", "at": 1767225600}, "campaign": {"id": "c"}').encode()
    assert _differences([value], _wide(Unit.S)) == []


def test_zero_has_no_sign_as_in_sql() -> None:
    assert [paths.text(Decimal(one)) for one in ("-0.00", "0E-6", "-1.5", "1E+2")] == [
        "0.00",
        "0.000000",
        "-1.5",
        "100",
    ]


def test_a_decimal_of_nothing_but_a_fraction_has_its_zero() -> None:
    price = Field("price", Kind.DECIMAL, precision=38, scale=38)
    schema = Schema((Field("id"), price, replace(price, name="tax", precision=2, scale=2), Field("at", Kind.TIME)))
    assert _differences([b'{"id": "i", "price": 0.5, "tax": 0.5, "at": 5}'], schema) == []


def test_a_name_that_no_path_of_duckdb_takes_is_read_all_the_same() -> None:
    schema = Schema((Field("id", path=("it's", '"')), Field("at", Kind.TIME, ("ä*",))))
    value = '{"it\'s": {"\\"": "x"}, "ä*": 5}'.encode()
    assert _differences([value, b"{}"], schema) == []
    assert _apart([value], schema)[0]["id"] == "x"


@pytest.mark.parametrize("unit", [Unit.S, Unit.NS, Unit.ISO8601])
def test_flat_texts_with_another_unit_have_times_in_ms(unit: Unit) -> None:
    schema = Schema((Field("id"), Field("event_timestamp", Kind.TIME)), unit)
    at = {Unit.S: "1767225600", Unit.NS: "1767225600000000000", Unit.ISO8601: '"2026-01-01T00:00:00Z"'}[unit]
    [row] = _apart([f'{{"id": "i", "event_timestamp": {at}}}'.encode()], schema)
    assert (row["id"], row["stamp"], row["stamp_type"]) == ("i", "1767225600000", "BIGINT")


def test_an_empty_topic_has_the_columns() -> None:
    found = events.take_apart(oracle.connect(), messages([]), _wide(Unit.S))
    assert found.num_rows == 0
    assert {"id", "order", "price", "stamp", "stamp_type"} <= set(found.column_names)
