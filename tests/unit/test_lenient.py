"""Peculiar messages as the oracle reads them, against the corpus."""

from __future__ import annotations

import json

import pytest

from adclick_cli import schema
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify import oracle
from adclick_cli.verify.lenient import elements
from tests import corpus
from tests.builders.peculiar import EVENTS, FIELDS, TEXT
from tests.builders.verify import T0, messages


def _good(name: str, values: list[bytes | None]) -> list[tuple[bool, int]]:
    """Whether each message is good, and whether it is a batch, as the oracle's tables say."""
    tables = {"impressions": messages([]), "clicks": messages([])} | {name: messages(values)}
    db = oracle.connect()
    oracle.compute(db, tables["impressions"], tables["clicks"], Pipeline(bounded=True))
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
    (found,), batch = elements(json.dumps(EVENTS[name]).encode(), FIELDS[name], schema.STAMP)
    assert not batch
    assert found == {key: EVENTS[name][key] for key in (*FIELDS[name], schema.STAMP)}
    assert found[schema.STAMP] == T0


def test_each_object_of_an_array_is_an_event() -> None:
    array = json.dumps([1, EVENTS["impressions"], {}, EVENTS["impressions"]]).encode()
    assert _good("impressions", [array]) == [(True, 3)]
