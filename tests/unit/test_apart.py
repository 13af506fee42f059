"""Messages taken apart: by one expression for those that are alike, by the other readers, in parts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.events.reading import Field, Kind, Schema
from adclick_cli.parameters import Duration
from adclick_cli.security import Servers
from adclick_cli.verify import apart, events, oracle
from adclick_cli.verify.raw import empty
from tests import corpus, event_corpus
from tests.builders.peculiar import EVENTS, FIELDS, TEXT
from tests.builders.verify import PIPELINE, impression, messages

TEXTS = FIELDS["impressions"]
OPTIONAL = ("user_id", "ad_id")


def _flat(texts: tuple[str, ...], optional: tuple[str, ...] = ()) -> Schema:
    fields = (*map(Field, texts), *(Field(name, required=False) for name in optional))
    return Schema((*fields, Field(corpus.STAMP, Kind.TIME)))


def _apart(values: list[Any], texts: tuple[str, ...] = TEXTS, optional: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    made = events.take_apart(oracle.connect(), messages(values), _flat(texts, optional), False).to_pylist()
    for row in made:
        # The two whole numbers of DuckDB: which one it is depends on the reader, and means nothing.
        row["stamp_type"] = (row["stamp_type"] or "").replace("UBIGINT", "BIGINT")
    return sorted(made, key=lambda row: (row["offset"], row["element"]))


def _both(
    monkeypatch: pytest.MonkeyPatch, values: list[Any], *columns: tuple[str, ...]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    assert events.form(messages(values), columns[0]) is not None
    quick = _apart(values, *columns)
    with monkeypatch.context() as patched:
        patched.setattr(events, "form", lambda *_: None)
        return quick, _apart(values, *columns)


@pytest.mark.parametrize("name", EVENTS)
def test_peculiar_messages_are_read_alike_whatever_reads_the_plain_ones(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [value for value, _ in corpus.bad(EVENTS[name], TEXT[name]).values()]
    peculiar = list(corpus.peculiar(EVENTS[name], TEXT[name]).values())
    quick, slow = _both(monkeypatch, [EVENTS[name], *bad, *peculiar], FIELDS[name])
    assert quick == slow
    assert quick[0]["stamp"] == str(EVENTS[name]["event_timestamp"])


def test_what_stands_behind_or_within_is_read_as_without_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    good = json.dumps(EVENTS["impressions"]).encode()
    behind = [good + more for more in (b"x", b" ", b"}", good, b"\n", b"\x00")]
    within = [good.replace(b"camp-of", bytes([raw])) for raw in (*range(32), 127)]
    quick, slow = _both(monkeypatch, [good, *behind, *within], TEXTS)
    assert quick == slow


_ODD = st.text(st.sampled_from('a\\"\x00\x1f\x7f\n,:{}[] é😀\u2028')) | st.text()
_VALUES = st.one_of(_ODD, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers(), max_size=2))


@given(st.data())
@settings(max_examples=15, deadline=None)
def test_the_readers_agree_on_any_values(data: st.DataObject) -> None:
    first = impression(1, 0) | {"cost": 0.5, "clicks": 3, "paid": True}
    rows = [first]
    for _ in range(data.draw(st.sampled_from([1, 2, 8, 24]))):
        names = data.draw(st.lists(st.sampled_from(sorted(first)), max_size=3))
        rows.append(first | {name: data.draw(_VALUES) for name in names})
    ascii_only, spaces = data.draw(st.booleans()), data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", ": ")]))
    written = [json.dumps(row, ensure_ascii=ascii_only, separators=spaces) for row in rows]
    doubled = data.draw(st.sampled_from(sorted(first)))
    written.append(written[-1][:-1] + f',"{doubled}":1}}')
    values = [text.encode("utf-8", "surrogatepass") for text in written]
    with pytest.MonkeyPatch.context() as patch:
        quick, slow = _both(patch, [json.dumps(first).encode(), *values], TEXTS, OPTIONAL)
    assert quick == slow


def test_a_form_reads_what_is_alike_and_nothing_else() -> None:
    found = events.form(messages([impression(1, 0) | {"cost": 1.5}]), TEXTS)
    assert found is not None
    pattern, groups = found
    assert groups == [*TEXTS, "stamp"]
    other = json.dumps(impression(22, 7, campaign="böse", device="tv") | {"cost": -2e-3}, ensure_ascii=False)
    match = re.fullmatch(pattern, other)
    assert match is not None
    assert match.groups()[:3] == ("i22", "böse", "tv")
    for spoilt in (other + " ", " " + other, other.replace("tv", 'tv\\"'), other.replace("-0.002", "01"), other * 2):
        assert re.fullmatch(pattern, spoilt) is None, spoilt


@pytest.mark.parametrize(
    "first",
    [b"", b"[]", b"nonsense", None, b'{"a":1}', json.dumps(impression(1, 0) | {"x": []}).encode()]
    + [json.dumps(impression(1, 0) | {"event_timestamp": value}).encode() for value in ("1", 1.5, -1, None)]
    + [json.dumps(impression(1, 0))[:-1].encode() + b',"ad_id":"twice"}'],
)
def test_what_is_no_plain_object_gives_no_form(first: bytes | None) -> None:
    assert events.form(messages([first]), TEXTS) is None


def test_a_topic_is_taken_apart_in_parts_and_each_message_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "PART", 3)
    taken: list[int] = []
    real = events.take_apart

    def counted(db: Any, given: pa.Table, *columns: Any) -> pa.Table:
        taken.append(given.num_rows)
        return real(db, given, *columns)

    monkeypatch.setattr(events, "take_apart", counted)
    every = messages([impression(number, number) if number % 4 else b"nonsense" for number in range(10)], 2)
    topic = apart.EventTable(Servers("127.0.0.1:1"), "events", (_flat(TEXTS), False))
    try:
        for begin in range(0, 8, 2):
            topic.add(every.slice(begin, 2))
        assert topic.fields().num_rows == 8
        topic.add(every.slice(8, 2))
        # What is no event comes behind those of its own part: each row tells its place.
        places = ("partition", "offset")
        found = sorted(topic.fields().to_pylist(), key=lambda row: tuple(row[name] for name in places))
        assert taken == [4, 4, 2]
        whole = sorted(
            real(oracle.connect(), every, _flat(TEXTS), False).to_pylist(),
            key=lambda row: tuple(row[n] for n in places),
        )
        assert [row | {"stamp_type": ""} for row in found] == [row | {"stamp_type": ""} for row in whole]
        assert topic.table() == every
    finally:
        topic.close()


def test_an_empty_topic_has_no_fields() -> None:
    topic = apart.EventTable(Servers("127.0.0.1:1"), "events", (_flat(TEXTS), False))
    try:
        assert topic.fields().num_rows == 0
        assert {*TEXTS, "stamp"} <= set(topic.fields().column_names)
    finally:
        topic.close()


@pytest.mark.parametrize("topic", ["impressions", "clicks"])
def test_by_the_own_format_each_record_of_a_message_is_what_the_corpus_says(topic: str) -> None:
    cases = [case for case in event_corpus.cases() if case.schema is event_corpus.TOPICS[topic]]
    given = messages([case.value for case in cases])
    tables = {"impressions": empty(), "clicks": empty()} | {topic: given}
    db = oracle.connect()
    oracle.compute(db, tables["impressions"], tables["clicks"], replace(PIPELINE, portable=False))
    texts = FIELDS[topic]
    query = f'SELECT "offset", element, good, ts, {", ".join(texts)} FROM {topic} ORDER BY ALL'
    found: dict[int, list[Any]] = {number: [] for number in range(len(cases))}
    for offset, _, good, ts, *values in db.execute(query).fetchall():
        found[offset].append(dict(zip((*texts, corpus.STAMP), (*values, ts), strict=True)) if good else None)
    latest = given["arrived_ms"][0].as_py() + PIPELINE.max_ahead.ms
    for number, case in enumerate(cases):
        wanted = [row if isinstance(row, dict) and row[corpus.STAMP] <= latest else None for row in case.rows]
        assert found[number] == wanted, case.name


@pytest.mark.parametrize(("user", "good"), [("[x", False), ("{", False), ("", True), (None, True), ("u", True)])
def test_a_field_that_may_be_missing_must_be_right_by_the_own_format(user: str | None, good: bool) -> None:
    pipeline = replace(PIPELINE, portable=False, dedup_window=Duration(5_000), dedup_key="user+ad")
    db = oracle.connect()
    oracle.compute(db, messages([impression(1, 0, user=user)]), empty(), pipeline)
    assert db.execute("SELECT good FROM impressions").fetchall() == [(good,)]
