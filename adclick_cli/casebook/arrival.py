"""A case as messages: where each stands, how the watermarks rise while they arrive, and which of them come too late.

Which are too late is for `lateness` to say; nothing here knows the pipeline's SQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from adclick_cli import schema
from adclick_cli.casebook import contents, lateness
from adclick_cli.casebook.contents import Event
from adclick_cli.casebook.model import (
    TOPICS,
    Beat,
    Case,
    CaseFileError,
    Click,
    Impression,
    Raw,
    Step,
    Topic,
    Watermark,
)
from adclick_cli.events import heartbeat, shape


@dataclass(frozen=True)
class Message:
    """One message of a topic.

    Attributes:
        topic, partition, offset: where it stands.
        value: its bytes; None is a tombstone.
        events: what it holds, heartbeats among them.
        step: what it was made from.
    """

    topic: Topic
    partition: int
    offset: int
    value: bytes | None
    events: tuple[Event, ...]
    step: Step

    @property
    def stamp_ms(self) -> int | None:
        """The newest event time, ms since the epoch; None where it holds no event."""
        return max((event.at_ms for event in self.events), default=None)


@dataclass
class Arrival:
    """All messages of a case, in the order of arrival.

    Attributes:
        messages: the messages.
        arrived_ms: when each reached the broker, ms since the epoch.
        late: those that come too late to count.
        behind: whether any of them is older than the watermark of its own topic: else no order of the two topics
            changes a row.
        fed: the same messages in an order in which one partition a topic gives the same watermarks.
    """

    messages: list[Message]
    arrived_ms: int
    late: list[Message] = field(default_factory=list)
    behind: bool = False
    fed: list[Message] = field(default_factory=list)


def event_name(message: Message) -> str:
    """How `late` names an event."""
    step = message.step
    kind = "impression" if isinstance(step, Impression) else "click"
    return f"{kind} {step.id}" if isinstance(step, (Impression, Click)) else f"{message.topic} {message.offset}"


def arrive(case: Case) -> Arrival:
    """Let the events of a case arrive.

    Raises:
        CaseFileError: no rule says what a late event of it does.
    """
    found = _messages(case)
    judge(case, found)
    return found


def judge(case: Case, found: Arrival) -> None:
    """Find out which of the messages are late or behind, and in which order they are fed.

    Raises:
        CaseFileError: no rule says what a late event of it does.
    """
    _Clock(case, found).run()


def _messages(case: Case) -> Arrival:
    delay = case.pipeline.watermark_delay.ms
    times = [step.at_ms for step in case.given if isinstance(step, (Impression, Click, Beat))]
    times += [step.at_ms + delay for step in case.given if isinstance(step, Watermark)]
    arrived = case.start_ms + (max(times, default=0) if case.arrived_ms is None else case.arrived_ms)
    partitions = _partitions(case)
    offsets: dict[tuple[Topic, int], int] = {}
    messages: list[Message] = []

    def add(topic: Topic, partition: int, value: bytes | None, step: Step) -> None:
        offset = offsets.get((topic, partition), 0)
        offsets[topic, partition] = offset + 1
        events = contents.found(case.pipeline, topic, value, arrived)
        messages.append(Message(topic, partition, offset, value, tuple(events), step))

    for step in case.given:
        if isinstance(step, Watermark):
            for topic in TOPICS:
                value = _heartbeat(case, topic, step.at_ms + delay)
                for partition in partitions[topic]:
                    add(topic, partition, value, step)
        elif isinstance(step, Beat):
            add(step.topic, step.partition, _heartbeat(case, step.topic, step.at_ms), step)
        elif isinstance(step, Raw):
            add(step.topic, step.partition, step.value, step)
        else:
            source = case.pipeline.catalog.source(_topic(step))
            event = shape.shaped(source, shape.fitting(source)(_event(case, step)))
            add(_topic(step), step.partition, json.dumps(event).encode(), step)
    return Arrival(messages, arrived)


def _heartbeat(case: Case, topic: Topic, at_ms: int) -> bytes:
    return heartbeat.message(case.pipeline.catalog.source(topic), case.start_ms + at_ms)


def _topic(step: Step) -> Topic:
    if isinstance(step, (Beat, Raw)):
        return step.topic
    return "impressions" if isinstance(step, Impression) else "clicks"


def _partitions(case: Case) -> dict[Topic, list[int]]:
    found: dict[Topic, set[int]] = {topic: set() for topic in TOPICS}
    for step in case.given:
        if not isinstance(step, Watermark):
            found[_topic(step)].add(step.partition)
    return {topic: sorted(numbers or {0}) for topic, numbers in found.items()}


def _event(case: Case, step: Impression | Click) -> dict[str, object]:
    stamp = case.start_ms + step.at_ms
    if isinstance(step, Click):
        return {"click_id": step.id, "impression_id": step.of, "user_id": step.user or "u", schema.STAMP: stamp}
    return {
        "impression_id": step.id,
        "user_id": "u" if step.user is None else step.user,
        "campaign_id": step.campaign,
        "ad_id": "a" if step.ad is None else step.ad,
        "device_type": step.device,
        "browser": "chrome",
        schema.STAMP: stamp,
        "cost": 0.01,
    }


class _Clock:
    """The watermarks while the messages arrive: of a topic the least over its partitions, of the pipeline the lower."""

    def __init__(self, case: Case, found: Arrival) -> None:
        self._case, self._found = case, found
        self._newest: dict[Topic, dict[int, int | None]] = {
            topic: dict.fromkeys(numbers) for topic, numbers in _partitions(case).items()
        }
        self._held: dict[Topic, list[Message]] = {topic: [] for topic in TOPICS}
        self._reads: list[tuple[Message, lateness.Read]] = []

    def run(self) -> None:
        """Fill late, behind and fed.

        Raises:
            CaseFileError: no rule says what a late event does.
        """
        for message in self._found.messages:
            before = self._reached(message.topic)
            for event in message.events:
                self._read(message, event)
            self._feed(message, before)
        for topic in TOPICS:
            self._found.fed += sorted(self._held[topic], key=lambda one: one.stamp_ms or 0)
        late = lateness.late(self._case, [read for _, read in self._reads])
        self._found.late = [one for one in self._found.messages if self._is_late(one, late)]

    def _reached(self, topic: Topic) -> int | None:
        """The newest time that all partitions of a topic have seen, ms since the epoch."""
        newest = list(self._newest[topic].values())
        known = [one for one in newest if one is not None]
        return min(known) if known and len(known) == len(newest) else None

    def _watermark(self) -> int | None:
        both = [self._reached(topic) for topic in TOPICS]
        known = [one for one in both if one is not None]
        return min(known) - self._case.pipeline.watermark_delay.ms if len(known) == len(both) else None

    def _read(self, message: Message, event: Event) -> None:
        """Keep what was known when an event came; then the watermark of its partition rises."""
        own = self._reached(message.topic)
        if event.counts:
            if own is not None and event.at_ms < own - self._case.pipeline.watermark_delay.ms:
                self._found.behind = True
            self._reads.append((message, lateness.Read(event, self._watermark(), event_name(message))))
        newest = self._newest[message.topic][message.partition]
        self._newest[message.topic][message.partition] = event.at_ms if newest is None else max(newest, event.at_ms)

    def _is_late(self, message: Message, late: set[int]) -> bool:
        own = [number in late for number, (other, _) in enumerate(self._reads) if other is message]
        if any(own) and not all(own):
            raise CaseFileError(
                self._case.path,
                self._case.line,
                f"given of {self._case.name!r}",
                f"Some events of the message {event_name(message)} come too late, others do not.",
                "Give each a message of its own.",
            )
        return any(own)

    def _feed(self, message: Message, before: int | None) -> None:
        """One partition has the watermark of its newest event: what is ahead of the others waits for them.

        Args:
            message: what has come.
            before: the newest time that all partitions had seen until then.
        """
        topic, stamp = message.topic, message.stamp_ms
        if stamp is None:
            self._found.fed.append(message)
            return
        reached = self._reached(topic)
        waiting = [*self._held[topic], message]
        ready = [one for one in waiting if reached is not None and (one.stamp_ms or 0) <= reached]
        self._held[topic] = [one for one in waiting if one not in ready]
        # The one that has just come may be late: then it goes before those that raise the watermark. If it raises the
        # watermark itself, those that are older go before it.
        comes_first = before is not None and stamp <= before
        ready.sort(key=lambda one: (not (comes_first and one is message), one.stamp_ms or 0))
        self._found.fed += ready


def counted(found: Arrival) -> Sequence[Message]:
    """The messages without those that come too late."""
    return [message for message in found.messages if message not in found.late]
