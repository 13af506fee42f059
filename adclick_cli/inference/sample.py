"""Messages of a topic or rows of a log, taken apart, and what form they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from adclick_cli.events import reading
from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.flatten import Flat, flatten
from adclick_cli.schema import HEARTBEAT_ID

MOST_OBJECTS = 50_000
"""Objects of a sample that are looked at: one message may hold any number."""


@dataclass(frozen=True)
class Sample:
    """Objects and where they come from.

    Attributes:
        name: the topic, or the file in messages.
        objects: in the order in which they were read.
        evidence: what form they have, one line each.
        total: how many messages the topic holds; 0 where that is not known.
        complete: whether the sample is all that there is.
    """

    name: str
    objects: tuple[Flat, ...]
    evidence: tuple[str, ...]
    total: int = 0
    complete: bool = True


def of_messages(name: str, values: Sequence[bytes | None], total: int | None = None) -> Sample:
    """The objects in messages.

    Args:
        name: their topic.
        values: the messages' values.
        total: how many messages the topic holds.

    Raises:
        InferenceError: there is no message, or none with a JSON object.
    """
    if not values:
        raise InferenceError(
            f"the topic {name} holds no message", "There is nothing to look at.", "Send some events, then try again."
        )
    frames = [value for value in values if value is not None and value[:1] == b"\0" and len(value) >= reading.FRAME]
    avro = [one for one in frames if one[reading.FRAME :].lstrip()[:1] not in (b"{", b"[")]
    if 2 * len(avro) > len(values):
        raise InferenceError(
            f"the topic {name} holds Avro or another binary form, not JSON",
            f"{share(len(avro), len(values))} of {len(values):,} messages begin with Confluent's magic byte and the"
            f" schema {_schemas(avro)}, and what follows is no JSON. adclick does not read Avro yet.",
            "Name a topic of JSON, or write the events as JSON.",
        )
    found = _Objects()
    for value in values:
        found.add(value)
    objects = found.objects[:MOST_OBJECTS]
    if not objects:
        reason, count = found.reasons.most_common(1)[0]
        raise InferenceError(
            f"no message of the topic {name} holds a JSON object",
            f"{count:,} of {len(values):,} messages: {reason}.",
            "Name a topic of JSON objects.",
        )
    evidence = [f"{len(values):,} of the newest messages were looked at: {_form(found, len(values))}."]
    if frames:
        evidence.append(f"Confluent's magic byte and the schema {_schemas(frames)} stand before the JSON: left out.")
    known = len(values) if total is None else total
    return Sample(name, tuple(objects), tuple(evidence), known, known <= len(values))


def of_rows(name: str, rows: Iterable[Any], form: str) -> Sample:
    """The objects of a log.

    Args:
        name: the log in messages.
        rows: objects of values.
        form: what the log is.

    Raises:
        InferenceError: there is none.
    """
    objects = tuple(flatten(row) for row in rows)
    if not objects:
        raise InferenceError(f"{name} holds no event", "There is no row or object in it.", "Name another log.")
    return Sample(name, objects, (f"The first {len(objects):,} rows were looked at: {form}.",), len(objects))


def share(part: int | float, whole: int | float = 1) -> str:
    """A share in percent; never 100 % or 0 % where that is not all or nothing."""
    found = 100 * part / whole if whole else 0.0
    if 99.5 <= found < 100:
        return f"{min(found, 99.99):.2f} %"
    return "less than 1 %" if 0 < found < 0.5 else f"{found:.0f} %"


HEARTBEAT = "of adclick's own heartbeats"
"""What is no event of whoever fills the topic."""


class _Objects:
    """Objects of messages, and how they stand in them."""

    def __init__(self) -> None:
        self.objects: list[Flat] = []
        self.reasons: Counter[str] = Counter()
        self.several = 0

    def add(self, value: bytes | None) -> None:
        """Take a message apart."""
        count = 0
        for reason, record in reading.objects(value):
            flat = flatten(record) if reason is None else {}
            if HEARTBEAT_ID in flat.values():
                self.reasons[HEARTBEAT] += 1
            elif reason is None:
                self.objects.append(flat)
                count += 1
            else:
                self.reasons[reason] += 1
        self.several += count > 1


def _form(found: _Objects, messages: int) -> str:
    parts = [f"JSON, {len(found.objects):,} objects"]
    if any(len(path) > 1 for one in found.objects for path in one):
        parts.append("nested")
    if found.several:
        parts.append(f"several in {found.several:,} of the messages")
    parts += [
        f"{count:,} record{' is' if count == 1 else 's are'} {reason}" for reason, count in found.reasons.most_common(3)
    ]
    return ", ".join(parts)


def _schemas(frames: Sequence[bytes]) -> str:
    numbers = sorted({int.from_bytes(one[1 : reading.FRAME], "big") for one in frames})
    more = ", …" if len(numbers) > 3 else ""
    return ", ".join(str(one) for one in numbers[:3]) + more
