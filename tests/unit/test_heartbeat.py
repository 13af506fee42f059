"""When a heartbeat is due and what time it carries, without a broker or a clock."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.events import beating, heartbeat
from adclick_cli.events.heartbeat import Beat, Silence
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.security import Servers
from tests.builders.verify import PIPELINE, T0, click, impression, model, results, verdict

AFTER_S, GOING_ON_S = 10.0, 100.0
A, B, C = ("shown", 0), ("shown", 1), ("clicked", 0)


def silence() -> Silence:
    made = Silence(AFTER_S, GOING_ON_S)
    made.there([A, B, C], 0.0)
    return made


def test_nothing_is_known_before_the_first_event() -> None:
    assert silence().due(1_000.0) is None


def test_a_silent_partition_gets_the_time_of_the_slowest_that_carries_traffic() -> None:
    one = silence()
    one.saw(A, 5_000, 9.0)
    one.saw(B, 7_000, 9.5)
    assert one.due(9.9) is None
    assert one.due(10.0) == Beat((C,), 5_000)


def test_a_partition_that_has_just_come_holds_no_time_back() -> None:
    one = silence()
    one.saw(A, 5_000, 9.0)
    one.there([A, B, C, ("shown", 2)], 9.0)
    assert one.due(10.0) == Beat((C, B), 5_000)


def test_when_all_is_silent_event_time_goes_on_like_the_clock_so_much_behind() -> None:
    one = silence()
    one.saw(A, 5_000, 1.0)
    one.saw(C, 4_000, 1.0)
    assert one.due(11.0) == Beat((C, A, B), 5_000)
    assert one.due(14.0) == Beat((C, A, B), 8_000)
    assert one.due(101.0) == Beat((C, A, B), 95_000)
    assert one.due(101.1) is None


def test_heartbeats_that_are_read_back_do_not_hasten_event_time() -> None:
    one = silence()
    one.saw(A, 5_000, 1.0)
    for now in range(11, 101, 2):
        beat = one.due(now)
        assert beat == Beat((C, A, B), 5_000 + (now - 11) * 1_000)
        for place in beat.places:
            one.saw(place, beat.at_ms, now + 0.5, beat=True)
    # A writer that is started anew finds an event and heartbeats: event time goes on from the newest of them.
    anew = Silence(AFTER_S, GOING_ON_S)
    anew.there([A], 200.0)
    for at_ms, is_beat in ((5_000, False), (50_000, True), (52_000, True)):
        anew.saw(A, at_ms, 200.0, beat=is_beat)
    assert anew.due(210.0) == Beat((A,), 52_000)
    anew.saw(A, 52_000, 210.5, beat=True)
    assert anew.due(212.0) == Beat((A,), 54_000)


def test_a_heartbeat_tells_the_time_but_is_no_traffic() -> None:
    one = silence()
    one.saw(A, 5_000, 5.0, beat=True)
    assert one.due(9.9) is None
    assert one.due(12.0) == Beat((C, A, B), 7_000)


def test_while_the_broker_is_away_nothing_falls_silent() -> None:
    one = silence()
    one.saw(A, 5_000, 1.0)
    one.nobody_looked(60.0)
    assert one.due(69.0) is None
    assert one.due(70.0) == Beat((C, A, B), 5_000)


def test_topics_that_are_made_anew_are_forgotten() -> None:
    one = silence()
    one.saw(A, 5_000, 1.0)
    one.there([], 2.0)
    one.there([A, B, C], 3.0)
    assert one.due(50.0) is None


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 300), st.integers(-2_000, 2_000)), min_size=1))
def test_live_traffic_is_never_behind_a_heartbeat(steps: list[tuple[int, int, int]]) -> None:
    """Event time is the clock, give or take two seconds: whatever pauses there are, no event is 4 s behind a beat."""
    one, now = silence(), 0.0
    for place, pause, jitter in steps:
        now += pause / 10
        due = one.due(now)
        at_ms = int(now * 1000) + 100_000 + jitter
        assert due is None or at_ms >= due.at_ms - 4_000
        one.saw((A, B, C)[place], at_ms, now)


IMPRESSIONS, CLICKS = heartbeat.topics(Pipeline()).values()


@pytest.mark.parametrize("of", [IMPRESSIONS, CLICKS])
def test_a_heartbeat_is_read_as_one(of: heartbeat.Events) -> None:
    assert heartbeat.event_time(of, heartbeat.message(of.source, T0), T0, 0) == (T0, True)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"7",
        json.dumps({"click_id": "c", "event_timestamp": 5}).encode(),
        json.dumps({"click_id": "c", "impression_id": "", "event_timestamp": 5}).encode(),
        json.dumps({"click_id": "c", "impression_id": "i", "event_timestamp": "soon"}).encode(),
        json.dumps({"click_id": "c", "impression_id": "i", "event_timestamp": 0}).encode(),
        json.dumps({"click_id": "c", "impression_id": "i", "event_timestamp": 1_002}).encode(),
        b'{"click_id": "c", "impression_id": "i", "event_timestamp": 1e999}',
        b'{"click_id": "c", "impression_id": {"a": 1}, "event_timestamp": 5}',
        b'{"click_id": "c", "impression_id": null, "event_timestamp": 5}',
        b'{"click_id": "c", "impression_id": "i", "event_timestamp": true}',
    ],
)
def test_what_is_no_event_is_no_traffic(value: bytes | None) -> None:
    assert heartbeat.event_time(CLICKS, value, 1_000, 1) is None


def test_an_event_is_traffic() -> None:
    value = json.dumps(impression(1, 5)).encode()
    assert heartbeat.event_time(IMPRESSIONS, value, T0 + 5, 0) == (T0 + 5, False)


@pytest.mark.parametrize(
    "value",
    [
        b'{"click_id": 17, "impression_id": 18, "event_timestamp": 5}',
        b'{"click_id": 17.5, "impression_id": true, "event_timestamp": "5"}',
        b'{"click_id": "c", "impression_id": "i", "event_timestamp": 5.9}',
        b'[{"click_id": 1, "impression_id": 2, "event_timestamp": 4}, '
        b'{"click_id": 1, "impression_id": 2, "event_timestamp": 5}]',
        b'{"click_id": "c\tc", "impression_id": "i", "event_timestamp": 5} and more',
        b'\xef\xbb\xbf{"click_id": "c", "impression_id": "i", "event_timestamp": 5}',
    ],
    ids=["ids as numbers", "time as a text", "time with a fraction", "an array", "text behind it", "byte order mark"],
)
def test_what_flink_takes_for_an_event_is_traffic(value: bytes) -> None:
    assert heartbeat.event_time(CLICKS, value, 1_000, 1) == (5, False)


def test_heartbeats_go_on_until_every_window_is_final() -> None:
    pipeline = Pipeline(window=Duration(60_000), attribution=Duration(600_000), watermark_delay=Duration(5_000))
    assert heartbeat.going_on_s(pipeline, 10) == 2 * 675


def _beat(of: heartbeat.Events, at: int) -> dict[str, object]:
    found: dict[str, object] = json.loads(heartbeat.message(of.source, T0 + at))
    return found


def test_verify_counts_a_heartbeat_as_one_and_nowhere_else() -> None:
    shown, clicked = [impression(1, 0), impression(2, 1_000)], [click(1, 1, 500)]
    right = results(model(shown, clicked, PIPELINE), PIPELINE)
    found = verdict(
        [*shown, _beat(IMPRESSIONS, 90_000)], [*clicked, _beat(CLICKS, 90_000), _beat(CLICKS, 91_000)], right
    )
    assert found.results["ctr"].compared == 1
    assert found.results["ctr"].ok
    assert found.ledger["impressions"]["heartbeat"] == 1
    assert found.ledger["clicks"]["heartbeat"] == 2
    for classes in found.ledger.values():
        assert classes["raw"] == sum(classes.values()) - classes["raw"]


def test_verify_knows_that_a_heartbeat_makes_later_events_late() -> None:
    streaming = replace(PIPELINE, bounded=False, watermark_delay=Duration(1_000))
    late = [_beat(IMPRESSIONS, 400_000), _beat(IMPRESSIONS, 400_000), _beat(IMPRESSIONS, 400_000), impression(1, 0)]
    assert verdict(late, [], [], streaming).ledger["impressions"]["late"] == 1
    assert verdict(late[3:], [], [], streaming).ledger["impressions"]["late"] == 0


class _Sent:
    """A producer that knows the partitions that were there when it was made, as Kafka's clients do for minutes."""

    def __init__(self, there: set[tuple[str, int]]) -> None:
        self.there = set(there)
        self.sent: list[tuple[str, int]] = []

    def send(self, topic: str, key: bytes, value: bytes, partition: int) -> None:
        assert (topic, partition) in self.there, "Unrecognized partition"
        self.sent.append((topic, partition))

    def flush(self) -> None: ...

    def close(self) -> None: ...


def test_heartbeats_reach_a_partition_that_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client would refuse the new partition for minutes; kafka-python does so with an AssertionError."""
    there = {("ad-clicks", 0)}
    made: list[_Sent] = []

    def opened(_: object) -> _Sent:
        made.append(_Sent(there))
        return made[-1]

    monkeypatch.setattr(beating, "open_producer", opened)
    heart = beating._Heart(Servers("127.0.0.1:9092"), Pipeline())
    heart.send(Beat((("ad-clicks", 0),), T0))
    heart.send(Beat((("ad-clicks", 0),), T0))
    there.add(("ad-clicks", 4))
    heart.send(Beat((("ad-clicks", 0), ("ad-clicks", 4)), T0))
    assert [one.sent for one in made] == [[("ad-clicks", 0)] * 2, [("ad-clicks", 0), ("ad-clicks", 4)]]
