"""What form messages have, and what is refused."""

from __future__ import annotations

import json

import pytest

from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.flatten import COMPOUND, MOST_PATHS, columns, flatten
from adclick_cli.inference.sample import of_messages, share
from adclick_cli.schema import HEARTBEAT_ID


def test_objects_are_found_in_every_form_of_message() -> None:
    values = [b'{"a": 1}', b'[{"a": 2}, {"a": 3}]', b'{"a": 4}\n{"a": 5}', b"nonsense", None, b'{"b": {"c": 1}}']
    found = of_messages("t", values, 100)
    assert [dict(one) for one in found.objects[:5]] == [{("a",): str(number)} for number in range(1, 6)]
    (told,) = found.evidence
    assert told.startswith(
        "6 of the newest messages were looked at: JSON, 6 objects, nested, several in 2 of the messages"
    )
    assert "1 record is not JSON" in told
    assert "1 record is no value" in told
    assert (found.total, found.complete) == (100, False)


def test_heartbeats_are_no_events_of_the_topic() -> None:
    beat = json.dumps({"event": {"id": HEARTBEAT_ID}, "campaign": HEARTBEAT_ID, "at": 1}).encode()
    found = of_messages("t", [b'{"event": {"id": "i1"}, "at": 2}', beat, beat])
    assert [dict(one)[("at",)] for one in found.objects] == ["2"]
    assert "2 records are of adclick's own heartbeats" in found.evidence[0]
    with pytest.raises(InferenceError, match="no message of the topic t holds a JSON object"):
        of_messages("t", [beat])


def test_json_behind_the_magic_byte_is_json() -> None:
    values = [b"\0\0\0\0\x07" + json.dumps({"a": number}).encode() for number in range(10)]
    found = of_messages("t", values)
    assert len(found.objects) == 10
    assert found.evidence[1] == "Confluent's magic byte and the schema 7 stand before the JSON: left out."


def test_avro_behind_the_magic_byte_is_refused_with_its_schema() -> None:
    with pytest.raises(InferenceError) as caught:
        of_messages("t", [b"\0\0\0\x01\x02\x06abc\x02"] * 9 + [b'{"a": 1}'])
    assert caught.value.what == "the topic t holds Avro or another binary form, not JSON"
    assert "90 % of 10 messages begin with Confluent's magic byte and the schema 258" in caught.value.why
    assert "adclick does not read Avro yet" in caught.value.why


@pytest.mark.parametrize(
    ("values", "what", "why"),
    [
        ([], "the topic t holds no message", "There is nothing to look at."),
        ([b"a,b", b"1,2", None], "no message of the topic t holds a JSON object", "2 of 3 messages: not JSON."),
        ([b"1"], "no message of the topic t holds a JSON object", "1 of 1 messages: not a JSON object."),
    ],
)
def test_topics_without_an_object_are_refused(values: list[bytes | None], what: str, why: str) -> None:
    with pytest.raises(InferenceError) as caught:
        of_messages("t", values)
    assert (caught.value.what, caught.value.why) == (what, why)


def test_an_object_is_its_values_by_path_and_what_is_null_or_empty_is_missing() -> None:
    record = {"a": {"b": {"c": "x"}, "d": [1], "e": {}}, "f": None, "g": "", "h": False}
    assert flatten(record) == {
        ("a",): COMPOUND,
        ("a", "b"): COMPOUND,
        ("a", "b", "c"): "x",
        ("a", "d"): COMPOUND,
        ("a", "e"): COMPOUND,
        ("h",): False,
    }


def test_an_object_with_ids_as_names_has_no_path_for_each_of_them() -> None:
    found = columns([{(f"id-{number}",): "x"} for number in range(MOST_PATHS + 100)])
    assert len(found) == MOST_PATHS


def test_deep_objects_are_looked_at() -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    assert ("a",) * 900 in of_messages("t", [deep]).objects[0]


@pytest.mark.parametrize(
    ("part", "told"),
    [(1.0, "100 %"), (0.99999, "99.99 %"), (0.999, "99.90 %"), (0.5, "50 %"), (0.001, "less than 1 %"), (0.0, "0 %")],
)
def test_a_share_is_all_or_nothing_only_where_it_is(part: float, told: str) -> None:
    assert share(part) == told
