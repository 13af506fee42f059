"""The format `adclick-events` on Flink's own classes: against the corpus, and against the reader in Python."""

from __future__ import annotations

import random

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.events.reading import Schema, read
from tests import event_corpus
from tests.builders import spoilt
from tests.builders.outcomes import told
from tests.functions.conftest import Format, Formats, as_rows, plain

pytestmark = pytest.mark.process


def test_every_message_of_the_corpus_is_what_the_corpus_says(formats: Formats) -> None:
    by_schema: dict[Schema, list[event_corpus.Case]] = {}
    for case in event_corpus.cases():
        by_schema.setdefault(case.schema, []).append(case)
    wrong = {}
    for schema, cases in by_schema.items():
        found = formats.events(schema).rows(case.value for case in cases)
        for case, rows in zip(cases, found, strict=True):
            wrong |= {case.name: why for why in [told(case, as_rows(schema, rows))] if why}
    assert wrong == {}


@pytest.fixture(scope="module")
def small(formats: Formats) -> Format:
    return formats.events(spoilt.SCHEMA)


def _agree(table: Format, messages: list[bytes]) -> None:
    """Both readers give the same rows, and at least one a message."""
    for message, found in zip(messages, table.rows(messages), strict=True):
        rows = as_rows(spoilt.SCHEMA, found)
        assert rows, message
        assert rows == plain(read(message, spoilt.SCHEMA)), message


@hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_spoilt_events_are_the_same_to_both_readers(small: Format, seed: int) -> None:
    chance = random.Random(seed)
    _agree(small, [spoilt.message(chance) for _ in range(200)])


@hypothesis.settings(max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(st.lists(st.lists(st.sampled_from(spoilt.TOKENS), max_size=14).map(b"".join), min_size=1, max_size=20))
def test_any_tokens_are_the_same_to_both_readers(small: Format, messages: list[bytes]) -> None:
    _agree(small, messages)


@hypothesis.settings(max_examples=100, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(st.lists(st.binary(max_size=60), min_size=1, max_size=20))
def test_any_bytes_are_the_same_to_both_readers(small: Format, messages: list[bytes]) -> None:
    _agree(small, messages)
