"""The process that writes heartbeats: looks at the ends of the topics, and beats where nothing comes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from adclick_cli.broker.newest import Newest
from adclick_cli.broker.producer import EventProducer, open_producer
from adclick_cli.errors import BrokerError
from adclick_cli.events import heartbeat
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.service import Report
from adclick_cli.schema import HEARTBEAT_ID
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

LONGEST_PAUSE_S = 2.0
RETRY_S = 1.0


def after(settings: Settings) -> Duration:
    """A partition without an event for so long is silent.

    Raises:
        ParameterError: the setting is no length of time.
    """
    return Duration.parse(settings.heartbeat_after, "heartbeat-after")


def beat(settings: Settings, pipeline: Pipeline, report: Report, looks: Iterable[object]) -> None:
    """Write heartbeats for one pipeline; a broker that goes away is waited for.

    Args:
        settings: the broker, and how long silence lasts.
        pipeline: its topics, and how long its windows stay open.
        report: told when the broker goes and comes, when heartbeats begin and end.
        looks: how often to look; endless in real life.
    """
    after_s = after(settings).seconds
    silence = heartbeat.Silence(after_s, heartbeat.going_on_s(pipeline, after_s))
    heart, beating, away = _Heart(settings.servers, pipeline), False, False
    try:
        for _ in looks:
            try:
                due = heart.look(silence)
                if due is not None:
                    heart.send(due)
                if away:
                    report("The broker is there again.")
                if beating != (due is not None):
                    report(
                        f"Silent: {_told(due.places)}." if due else "No partition is silent, or every window is closed."
                    )
                beating, away = due is not None, False
                time.sleep(min(LONGEST_PAUSE_S, after_s / heartbeat.BEATS_PER_SILENCE))
            except BrokerError as error:
                if not away:
                    report(str(error))
                away = True
                heart.forget()
                silence.nobody_looked(time.monotonic())
                time.sleep(RETRY_S)
    finally:
        heart.forget()


def _told(places: Iterable[heartbeat.Place]) -> str:
    return ", ".join(f"{topic}/{number}" for topic, number in places)


class _Heart:
    """Reads and writes; connects when it is needed, and again after a failure."""

    def __init__(self, servers: Servers, pipeline: Pipeline) -> None:
        self._servers = servers
        self._pipeline = pipeline
        self._events = heartbeat.topics(pipeline)
        self._newest: Newest | None = None
        self._producer: EventProducer | None = None
        self._sent_to: frozenset[heartbeat.Place] = frozenset()

    def look(self, silence: heartbeat.Silence) -> heartbeat.Beat | None:
        if self._newest is None:
            self._newest = Newest(self._servers, tuple(self._events))
        found = self._newest.look()
        now = time.monotonic()
        silence.there(self._newest.places, now)
        ahead = self._pipeline.max_ahead.ms
        for one in found:
            read = heartbeat.event_time(self._events[one.topic], one.value, one.timestamp_ms, ahead)
            if read is not None:
                silence.saw((one.topic, one.partition), read[0], now, beat=read[1])
        return silence.due(now)

    def send(self, due: heartbeat.Beat) -> None:
        if self._producer is None or not self._sent_to.issuperset(due.places):
            # A client knows the partitions of a topic that it has met for minutes, and refuses one that was added.
            self._close_producer()
            self._producer = open_producer(self._servers)
            self._sent_to = frozenset(self._newest.places if self._newest else due.places)
        for topic, number in due.places:
            value = heartbeat.message(self._events[topic].source, due.at_ms)
            self._producer.send(topic, HEARTBEAT_ID.encode(), value, partition=number)
        self._producer.flush()

    def _close_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()

    def forget(self) -> None:
        newest, self._newest = self._newest, None
        if newest is not None:
            newest.close()
        # An idempotent producer that has given up is of no use any more; what it still holds is old by now.
        self._producer = None
