"""The format `adclick-events` on Flink's own classes: against the corpus, and against the reader in Python."""

from __future__ import annotations

import json
import random
import time

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.events.reading import Schema, Unit, read
from tests import event_corpus
from tests.builders import spoilt
from tests.builders.outcomes import told
from tests.formats.conftest import Format, Formats, as_rows, plain

pytestmark = pytest.mark.process


def test_every_message_of_the_corpus_is_what_the_corpus_says(formats: Formats) -> None:
    by_schema: dict[Schema, list[event_corpus.Case]] = {}
    for case in event_corpus.cases():
        by_schema.setdefault(case.schema, []).append(case)
    wrong: dict[str, str] = {}
    for schema, cases in by_schema.items():
        found = formats.events(schema).rows(case.value for case in cases)
        for case, rows in zip(cases, found, strict=True):
            wrong[case.name] = told(case, as_rows(schema, rows))
    assert {name: why for name, why in wrong.items() if why} == {}


ISO = Schema(event_corpus.SMALL.fields, Unit.ISO8601)


@pytest.fixture(scope="module")
def iso(formats: Formats) -> Format:
    return formats.events(ISO)


@pytest.fixture(scope="module")
def small(formats: Formats) -> Format:
    return formats.events(spoilt.SCHEMA)


def _agree(table: Format, messages: list[bytes], schema: Schema = spoilt.SCHEMA) -> None:
    """Both readers give the same rows, and at least one a message."""
    for message, found in zip(messages, table.rows(messages), strict=True):
        rows = as_rows(schema, found)
        assert rows, message
        assert rows == plain(read(message, schema)), message


@hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_spoilt_events_are_the_same_to_both_readers(small: Format, seed: int) -> None:
    chance = random.Random(seed)
    _agree(small, [spoilt.message(chance) for _ in range(200)])


@hypothesis.settings(max_examples=20, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_times_of_iso_8601_are_the_same_to_both_readers(iso: Format, seed: int) -> None:
    chance = random.Random(seed)
    _agree(iso, [spoilt.iso_message(chance) for _ in range(200)], ISO)


@hypothesis.settings(max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(st.lists(st.lists(st.sampled_from(spoilt.TOKENS), max_size=14).map(b"".join), min_size=1, max_size=20))
def test_any_tokens_are_the_same_to_both_readers(small: Format, messages: list[bytes]) -> None:
    _agree(small, messages)


@hypothesis.settings(max_examples=100, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=20))
def test_any_bytes_are_the_same_to_both_readers(small: Format, messages: list[bytes]) -> None:
    _agree(small, messages)


def test_a_table_with_no_column_of_a_field_is_still_judged_by_it(formats: Formats) -> None:
    """A connector that reads some of the columns only must not make an event of what is none."""
    columns = ["id STRING", "user STRING", "at TIMESTAMP_LTZ(3)"]
    table = formats.table(columns, {"format": "adclick-events"}, ("reason",), ("at",))
    assert table.rows([b'{"id": "a", "user": "u", "at": 5}', b'{"id": "a", "at": 5}']) == [
        [[5, None]],
        [[0, "user is missing or null"]],
    ]


def test_columns_may_take_what_a_connector_does_not_hand_on(formats: Formats) -> None:
    columns = ["why STRING", "id STRING", "nr INT", "at TIMESTAMP_LTZ(3)", "bytes BYTES"]
    options = {"reason-column": "why", "record-column": "nr", "raw-column": "bytes"}
    table = formats.table(
        columns, {"format": "adclick-events"} | {f"adclick-events.{k}": v for k, v in options.items()}, ()
    )
    assert table.rows([b'{"id": "a", "at": 5}\n{}']) == [
        [[None, "a", 0, 5, "eyJpZCI6ICJhIiwgImF0IjogNX0="], ["id is missing or null", None, 1, 0, "e30="]]
    ]


def test_metadata_and_a_column_of_the_same_name_are_two_things(formats: Formats) -> None:
    table = formats.table(["reason STRING", "at TIMESTAMP_LTZ(3)"], {"format": "adclick-events"}, ("reason", "record"))
    assert table.rows([b'{"reason": "a", "at": 5}', b"{}"]) == [
        [["a", 5, None, 0]],
        [[None, 0, "reason is missing or null", 0]],
    ]


def test_more_fields_than_a_word_has_bits(formats: Formats) -> None:
    names = [f"f{number}" for number in range(70)]
    table = formats.table([f"{name} STRING" for name in names], {"format": "adclick-events"}, ("reason",))
    event = {name: name for name in names}
    without = {name: name for name in names[:64]}
    assert table.rows([json.dumps(event).encode(), json.dumps(without).encode()]) == [
        [[*names, None]],
        [[*([None] * 70), "f64 is missing or null"]],
    ]


def test_a_message_that_was_made_to_be_slow_is_read_in_time(formats: Formats) -> None:
    """A megabyte each: what seems to begin an object on each line, levels, broken records and names by the thousand."""
    table = formats.events(event_corpus.SMALL)
    size = 1_000_000
    made = [
        (b'{"a":\n' * (size // 6)),
        (b"{x\n" * (size // 3)),
        (b'{"' + b'":"\n{",' * (size // 8)),
        (b"[" * size),
        (b"\x1e" * size),
        (b"{}" * (size // 20)),
        (b'{"id": %s}' % (b"1" * size)),
        (b'{"id": "%s"}' % (b"\\" * size)),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(100_000)) + b"}"),
    ]
    begin = time.monotonic()
    assert all(table.rows(made))
    assert time.monotonic() - begin < 20


REFUSED = {
    "a column that is no time of milliseconds": (["at TIMESTAMP_LTZ(6)"], {}, "TIMESTAMP_LTZ(6)"),
    "a column of a type that no event has": (["cost DOUBLE"], {}, "is of type DOUBLE"),
    "a column that may not be NULL": (["id STRING NOT NULL"], {}, "is NOT NULL"),
    "a path of no column": (["id STRING"], {"fields.ID": "x"}, "names 'ID'"),
    "a default of no column": (["id STRING"], {"default.x": "y"}, "names 'x'"),
    "an optional column that is none": (["id STRING"], {"optional": "id;x"}, "names 'x'"),
    "a default that does not fit": (["views BIGINT"], {"default.views": "many"}, "views is no whole number"),
    "a path with an empty name": (["id STRING"], {"fields.id": "a..b"}, "empty name"),
    "two columns with one path": (["id STRING", "x STRING"], {"fields.x": "id"}, "the path of another column"),
    "a path within another": (["id STRING", "x STRING"], {"fields.x": "id.x"}, "the path of another column"),
    "an unknown unit": (["id STRING"], {"time-unit": "h"}, "time-unit"),
    "an unknown option": (["id STRING"], {"tiem-unit": "s"}, "Unsupported options"),
    "a column for reasons that is none": (["id STRING"], {"reason-column": "why"}, "names 'why'"),
    "a column for reasons of another type": (["id STRING", "why INT"], {"reason-column": "why"}, "must be STRING"),
    "a column for two things": (["id STRING"], {"reason-column": "id", "raw-column": "id"}, "two kinds of metadata"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_when_it_is_made(formats: Formats, name: str) -> None:
    columns, options, words = REFUSED[name]
    named = {"format": "adclick-events"} | {f"adclick-events.{key}": value for key, value in options.items()}
    with pytest.raises(Exception, match="ValidationException") as refused:
        formats.table(columns, named)
    assert words in str(refused.value)
