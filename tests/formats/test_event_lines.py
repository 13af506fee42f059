"""The format `adclick-event-lines`: what `adclick-events` says of a message, behind the message's place."""

from __future__ import annotations

import base64

import pytest

from adclick_cli.casebook.flink import event_line
from adclick_cli.events.reading import Schema
from tests import event_corpus
from tests.formats.conftest import Format, Formats, columns, options

pytestmark = pytest.mark.process

COLUMNS = ["arrived TIMESTAMP_LTZ(3)", "id STRING", "nr BIGINT", "at TIMESTAMP_LTZ(3)", "part BIGINT", "topic STRING"]
OPTIONS = {"arrival-column": "arrived", "offset-column": "nr", "partition-column": "part", "topic-column": "topic"}
RAW = {"raw-column": "bytes"}


def lines(formats: Formats, columns: list[str], options: dict[str, str], wanted: tuple[str, ...] = ()) -> Format:
    named = {f"adclick-event-lines.{key}": value for key, value in options.items()}
    return formats.table(columns, {"format": "adclick-event-lines"} | named, (), wanted)


def line(message: bytes | None, offset: int = 7) -> bytes:
    """A line as a file holds it, without its end."""
    return event_line("ad-x", 3, offset, 1_000, message).removesuffix(b"\n")


def test_a_place_stands_in_all_rows_of_its_message(formats: Formats) -> None:
    table = lines(formats, [*COLUMNS, "why STRING", "bytes BYTES"], OPTIONS | {"reason-column": "why"} | RAW)
    assert table.rows([line(b'{"id":"a","at":5}\n{"id":"b","at":6}\noops'), line(None, 8), line(b"\0\t\n", 9)]) == [
        [
            [1_000, "a", 7, 5, 3, "ad-x", None, base64.b64encode(b'{"id":"a","at":5}').decode()],
            [1_000, "b", 7, 6, 3, "ad-x", None, base64.b64encode(b'{"id":"b","at":6}').decode()],
            [1_000, None, 7, 0, 3, "ad-x", "not JSON", "b29wcw=="],
        ],
        [[1_000, None, 8, 0, 3, "ad-x", "no value", None]],
        [[1_000, None, 9, 0, 3, "ad-x", "not JSON", base64.b64encode(b"\0\t\n").decode()]],
    ]


def test_a_connector_may_want_some_of_the_columns(formats: Formats) -> None:
    assert lines(formats, COLUMNS, OPTIONS, ("part", "id")).rows([line(b'{"id":"a","at":5}{"id":"b"}')]) == [
        [["a", 3], [None, 3]]
    ]


def test_every_message_of_the_corpus_is_what_it_is_to_the_other_format(formats: Formats) -> None:
    by_schema: dict[Schema, list[bytes]] = {}
    for case in event_corpus.cases():
        if case.value is not None:
            by_schema.setdefault(case.schema, []).append(case.value)
    for schema, messages in by_schema.items():
        verdicts = {"reason-column": "x_why", "record-column": "x_nr", "raw-column": "x_raw"}
        more = ["x_why STRING", "x_nr INT", "x_raw BYTES"]
        named = {key.replace("adclick-events.", ""): value for key, value in options(schema).items() if key != "format"}
        table = lines(formats, [*columns(schema), *more], named | verdicts)
        assert table.rows(map(line, messages)) == formats.events(schema).rows(messages)


REFUSED = {
    "a column that is none": {"topic-column": "x"},
    "a column of another type": {"topic-column": "part"},
    "a column for two parts": {"partition-column": "nr", "offset-column": "nr"},
    "an unknown option": {"place-column": "id"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_cannot_be_read_is_refused_when_it_is_made(formats: Formats, name: str) -> None:
    with pytest.raises(Exception, match="ValidationException"):
        lines(formats, COLUMNS, REFUSED[name])


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (b"", "5 parts, not 1"),
        (b"a\t1\t2\t3", "5 parts, not 4"),
        (b"a\t1\t2\t3\tfQ==\t5", "5 parts, not 6"),
        (b"a\tx\t2\t3\tfQ==", "NumberFormatException"),
        (b"a\t1\t2\t3\t*", "IllegalArgumentException"),
    ],
)
def test_a_line_that_is_none_is_a_failure(formats: Formats, broken: bytes, words: str) -> None:
    table = lines(formats, COLUMNS, OPTIONS)
    with pytest.raises(Exception, match=words):
        table.rows([broken])
