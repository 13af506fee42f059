"""Peculiar messages as the oracle reads them, against the corpus."""

from __future__ import annotations

import json

import pytest

from adclick_cli import schema
from adclick_cli.events.lenient import elements
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify import oracle
from tests import corpus
from tests.builders.peculiar import EVENTS, FIELDS, TEXT
from tests.builders.verify import T0, messages


def _good(name: str, values: list[bytes | None]) -> list[tuple[bool, int]]:
    """Whether each message holds an event, and how many, as the oracle's tables say of plain SQL."""
    tables = {"impressions": messages([]), "clicks": messages([])} | {name: messages(values)}
    db = oracle.connect()
    oracle.compute(db, tables["impressions"], tables["clicks"], Pipeline(bounded=True, portable=True))
    return db.execute(f'SELECT bool_or(good), count(*) FROM {name} GROUP BY "offset" ORDER BY "offset"').fetchall()


@pytest.mark.parametrize("name", EVENTS)
def test_every_bad_message_counts_nowhere(name: str) -> None:
    kinds = corpus.bad(EVENTS[name], TEXT[name])
    assert len(kinds) >= 40
    found = _good(name, [value for value, _ in kinds.values()])
    assert {kind for kind, (good, _) in zip(kinds, found, strict=True) if good} == set()


@pytest.mark.parametrize("name", EVENTS)
def test_every_peculiar_message_is_an_event(name: str) -> None:
    kinds = corpus.peculiar(EVENTS[name], TEXT[name])
    found = _good(name, list(kinds.values()))
    assert {kind for kind, (good, _) in zip(kinds, found, strict=True) if not good} == set()


@pytest.mark.parametrize("name", EVENTS)
def test_a_plain_message_is_the_same_by_either_reader(name: str) -> None:
    (found,) = elements(json.dumps(EVENTS[name]).encode(), FIELDS[name], schema.STAMP)
    assert found == {key: EVENTS[name][key] for key in (*FIELDS[name], schema.STAMP)}
    assert found[schema.STAMP] == T0


def test_each_object_of_an_array_is_an_event() -> None:
    array = json.dumps([1, EVENTS["impressions"], {}, EVENTS["impressions"]]).encode()
    assert _good("impressions", [array]) == [(True, 3)]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("12345678.9", "1.23456789E7"),
        ("-12345678.0", "-1.2345678E7"),
        ("9999999.5", "9999999.5"),
        ("10000000.0", "1.0E7"),
        ("1e2", "100.0"),
        ("0.001", "0.001"),
        ("0.0009", "9.0E-4"),
        ("-0.0", "-0.0"),
        ("1E400", "Infinity"),
        ("-1E400", "-Infinity"),
        ("1" * 200, "1" * 200),
    ],
)
def test_a_number_for_a_text_reads_as_in_java(number: str, text: str) -> None:
    message = b'{"click_id": %s, "impression_id": "i", "event_timestamp": 5}' % number.encode()
    (found,) = elements(message, FIELDS["clicks"], schema.STAMP)
    assert found == {"click_id": text, "impression_id": "i", schema.STAMP: 5}
    # Through the whole reader, too.
    db = oracle.connect()
    event = json.dumps(EVENTS["clicks"]).encode().replace(b'"click-of-one"', number.encode())
    oracle.compute(db, messages([]), messages([event]), Pipeline(bounded=True, portable=True))
    assert db.execute("SELECT click_id, good FROM clicks").fetchall() == [(text, True)]


@pytest.mark.parametrize("written", [f"{T0}\n", f"\t{T0} ", f"+{T0}", f"\uff11{T0 % 10**12:012}"])
def test_a_time_as_a_text_reads_as_in_java(written: str) -> None:
    message = EVENTS["clicks"] | {schema.STAMP: written}
    db = oracle.connect()
    oracle.compute(db, messages([]), messages([json.dumps(message).encode()]), Pipeline(bounded=True, portable=True))
    assert db.execute("SELECT ts, good FROM clicks").fetchall() == [(T0, True)]


@pytest.mark.parametrize("written", ["1\u00a0", "\U0001d7cf", "1_0", "--1", "", "1" * 200])
def test_a_text_that_java_takes_for_no_number_is_no_time(written: str) -> None:
    (found,) = elements(json.dumps({schema.STAMP: written}).encode(), (), schema.STAMP)
    assert found == {}
