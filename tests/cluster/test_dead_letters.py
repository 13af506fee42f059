"""Every kind of bad event among good ones: nothing fails, nothing good is lost, nothing bad goes unseen."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from adclick_cli import schema
from adclick_cli.broker import admin
from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_topic
from tests import corpus, event_corpus
from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

GOOD = 200
CLICKED_EVERY = 10
TEXTS = {schema.IMPRESSION.name: "campaign_id", schema.CLICK.name: "click_id"}


def _impression(name: str, at: int) -> dict[str, Any]:
    return {
        "impression_id": f"i-{name}",
        "user_id": "u",
        "campaign_id": "camp-among-bad-ones",
        "ad_id": "a",
        "device_type": "mobile",
        "browser": "chrome",
        "event_timestamp": at,
        "cost": 0.5,
    }


def _click(name: str, at: int, of: str) -> dict[str, Any]:
    return {"click_id": f"c-{name}", "impression_id": f"i-{of}", "user_id": "u", "event_timestamp": at}


Letters = dict[tuple[str, str, int], event_corpus.Bad]
"""By kind of event, key of the message and position in it: what is no event."""


def _letters(record: str, key: str) -> Letters:
    """What of a message is no event, as the corpus of the format says."""
    (case,) = [one for one in event_corpus.cases() if one.name == f"{record}s: {key}"]
    return {(record, key, number): row for number, row in enumerate(case.rows) if isinstance(row, event_corpus.Bad)}


def _messages(start: int) -> tuple[list[tuple[str, str, bytes | None]], Letters]:
    """Record, key and value in order of sending; and what of them is no event."""
    impressions = [
        ("impression", f"good-{n}", json.dumps(_impression(str(n), start + n)).encode()) for n in range(GOOD)
    ]
    clicks = [
        ("click", f"good-{n}", json.dumps(_click(str(n), start + n + 1_000, str(n))).encode())
        for n in range(0, GOOD, CLICKED_EVERY)
    ]
    odd: list[tuple[str, str, bytes | None]] = []
    letters: Letters = {}
    for record, text in TEXTS.items():

        def event(name: str, record: str = record) -> dict[str, Any]:
            made = _impression(f"odd {name}", start) if record == "impression" else _click(name, start + 1_000, "0")
            return made | {"event_timestamp": start + 500 + (record == "click") * 1_000}

        for name, (value, words) in corpus.bad(event("bad"), text).items():
            odd.append((record, name, value))
            # How far an event may be ahead of its arrival is not for the format to say.
            letters |= _letters(record, name) or {(record, name, 0): event_corpus.Bad(words)}
        for name in corpus.peculiar(event(""), text):
            odd.append((record, name, corpus.peculiar(event(name), text)[name]))
            letters |= _letters(record, name)
    # Good ones before, between and after.
    return [*impressions[:100], *odd[::2], *clicks[:10], *impressions[100:], *odd[1::2], *clicks[10:]], letters


def test_good_events_count_and_bad_ones_are_found(cluster: Cluster) -> None:
    env = cluster.own_topics("bad")
    topics = {"impression": env["ADCLICK_TOPIC_IMPRESSIONS"], "click": env["ADCLICK_TOPIC_CLICKS"]}
    start = (int(time.time()) - 1_800) * 1_000
    sent, letters = _messages(start)
    assert len(letters) >= 2 * 40
    assert any(number > 0 for _, _, number in letters)
    admin.ensure_topics(cluster.servers, {topics["impression"]: schema.IMPRESSION, topics["click"]: schema.CLICK})
    producer = open_producer(cluster.servers)
    for record, key, value in sent:
        producer.send(topics[record], key.encode(), value)
    producer.close()

    jobs = cluster.rows("submit", "--bounded", "--parallelism", "2", env=env)
    assert [job["state"] for job in jobs] == ["FINISHED", "FINISHED"]
    verdict = cluster.json("verify", env=env)
    assert verdict["ok"], verdict["results"]
    assert verdict["results"]["dead_letters"]["compared"] == len(letters)
    for record, ledger in (("impression", "impressions"), ("click", "clicks")):
        assert verdict["ledger"][ledger]["malformed"] == sum(name == record for name, _, _ in letters)

    odd = {record: len(corpus.peculiar({"event_timestamp": 1, text: "x"}, text)) for record, text in TEXTS.items()}
    rows = cluster.rows("watch", "engagement", "--once", "--from", "start", env=env)
    assert sum(row["impression_count"] for row in rows) == GOOD + odd["impression"]
    assert sum(row["click_count"] for row in rows) == GOOD // CLICKED_EVERY + odd["click"]
    _each_bad_one_is_there(cluster, env["ADCLICK_TOPIC_DEAD_LETTERS"], topics, letters)


def _each_bad_one_is_there(cluster: Cluster, topic: str, topics: dict[str, str], letters: Letters) -> None:
    raw = {
        (name, message.partition, message.offset): message
        for name in topics.values()
        for batch in read_topic(cluster.servers, name)
        for message in batch
    }
    records = {name: record for record, name in topics.items()}
    found = {}
    for batch in read_topic(cluster.servers, topic):
        for message in batch:
            letter = json.loads(message.value or b"")
            assert tuple(letter) == schema.DEAD_LETTER.field_names
            source = raw[letter["source_topic"], letter["source_partition"], letter["source_offset"]]
            line = None if letter["line"] is None else base64.b64decode(letter["line"])
            place = (records[source.topic], (source.key or b"").decode(), letter["source_record"])
            assert line == (source.value if letters[place].raw is None else letters[place].raw), place
            found[place] = letter["reason"]
    assert found.keys() == letters.keys()
    assert {place: reason for place, reason in found.items() if letters[place].reason not in reason} == {}
