"""What the generator injected, and when: the truth that alerts are judged by.

Each phase of a run is written twice: as planned before the first event, so that a run that goes on can be scored, and
as it was after the last one. Of the rows with the same campaign and beginning, the last counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_topic
from adclick_cli.errors import AdclickError
from adclick_cli.events import phases
from adclick_cli.events.generator import Plan
from adclick_cli.security import Servers


@dataclass(frozen=True)
class Interval:
    """A stretch of event time in which a campaign had one CTR; the fields are those of the schema's `TRUTH`.

    Attributes:
        campaign_id: the campaign.
        phase: normal, low or high.
        ctr: the probability of a click.
        from_ms, to_ms: ms since the epoch, the end excluded; `to_ms` None means that it goes on.
    """

    campaign_id: str
    phase: str
    ctr: float
    from_ms: int
    to_ms: int | None

    @property
    def empty(self) -> bool:
        """Whether no time lies in it: a phase that a run planned and did not reach."""
        return self.to_ms is not None and self.to_ms <= self.from_ms

    def to_json(self) -> dict[str, Any]:
        """The fields in the schema's order."""
        return dict(vars(self))


def planned(plan: Plan) -> list[Interval]:
    """The phases of a run that has no end yet, in order."""
    return [
        Interval(
            plan.campaign,
            phase.name,
            phases.ctr(phase.factor),
            plan.start_ms + phase.from_ms,
            None if phase.to_ms is None else plan.start_ms + phase.to_ms,
        )
        for phase in phases.timeline(plan.phase)
    ]


def ended(plan: Plan, last_ms: int | None) -> list[Interval]:
    """The phases of a run as far as it came; those that it did not reach are empty.

    Args:
        plan: the run.
        last_ms: time of its last event, ms since the epoch, or None where it sent none.
    """
    found = []
    for one in planned(plan):
        end = one.from_ms if last_ms is None else max(one.from_ms, last_ms)
        found.append(replace(one, to_ms=end if one.to_ms is None else min(end, one.to_ms)))
    return found


def write(servers: Servers, topic: str, intervals: Iterable[Interval]) -> None:
    """Append intervals to the truth's topic.

    Raises:
        BrokerError: they could not be delivered.
    """
    producer = open_producer(servers)
    for one in intervals:
        producer.send(topic, one.campaign_id.encode(), json.dumps(one.to_json()).encode())
    producer.close()


def read(servers: Servers, topic: str) -> list[Interval]:
    """What is known of every run, in order of time; a topic that is not there holds nothing.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: a message is no such row.
    """
    rows = []
    for batch in read_topic(servers, topic):
        for message in batch:
            where = f"{message.topic}, partition {message.partition}, offset {message.offset}"
            rows.append(parse(message.value, where))
    return newest(rows)


def parse(value: bytes | None, where: str) -> Interval:
    """The interval in a message.

    Args:
        value: the message.
        where: its place, for the error.

    Raises:
        AdclickError: it is no such row.
    """
    try:
        plain = json.loads(value or b"")
        campaign, phase, ctr, start, end = (plain[name] for name in Interval.__dataclass_fields__)
        return Interval(str(campaign), str(phase), float(ctr), int(start), None if end is None else int(end))
    except (ValueError, TypeError, KeyError) as error:
        raise AdclickError(
            f"{where}: not a row of the truth",
            f"{type(error).__name__}: {error}.",
            "Only `adclick generate` should write there: give the truth a topic of its own (ADCLICK_TOPIC_TRUTH).",
        ) from error


def newest(rows: Iterable[Interval]) -> list[Interval]:
    """Of the rows with the same campaign and beginning the last, in order of time; empty ones are left out."""
    found = {(one.campaign_id, one.from_ms): one for one in rows}
    return sorted((one for one in found.values() if not one.empty), key=lambda one: (one.from_ms, one.campaign_id))
