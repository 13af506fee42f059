"""The compact lines of a case: `impression i1 camp-1 mobile at +3s`, `click c1 of i1 at +5s`.

`format_step` writes what `parse_line` reads.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from adclick_cli.casebook.model import TOPICS, Beat, Click, Impression, Step, Topic
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration

FORMS = (
    "Write `impression ID CAMPAIGN DEVICE at +TIME`, `click ID of IMPRESSION at +TIME`, or"
    " `heartbeat impressions|clicks at +TIME`; `partition=N`, `user=…` and `ad=…` may follow."
)
_TIME = re.compile(r"([+-])(.+)")
_RANGE = re.compile(r"(.*?)(\d{1,6})\.\.(.*?)(\d{1,6})")
MOST = 10_000


def parse_offset(text: str, field: str) -> int:
    """A time after the start: `+3s`, `+1m30s`, `-200ms`; in ms.

    Raises:
        ParameterError: it is no such text.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ParameterError(field, text, "It is no time after the start.", "Write a sign first, as in +3s or -200ms.")
    ms = Duration.parse(match.group(2), field, allow_zero=True).ms
    return -ms if match.group(1) == "-" else ms


def format_offset(ms: int) -> str:
    """What `parse_offset` reads."""
    return f"{'-' if ms < 0 else '+'}{Duration(abs(ms))}"


def parse_line(text: str) -> list[Step]:
    """The events of one line: several where ids are a range, as in `impression a1..a100 camp-1 mobile at +0s`.

    Raises:
        ParameterError: it is no such line.
    """
    words = text.split()
    plain = [word for word in words if "=" not in word]
    more = _options([word for word in words if "=" in word])
    match plain:
        case ["impression", name, campaign, device, "at", time]:
            at = parse_offset(time, "at")
            partition, user, ad = _partition(more), more.pop("user", None), more.pop("ad", None)
            made: list[Step] = [Impression(one, campaign, device, at, partition, user, ad) for one in _ids(name)]
        case ["click", name, "of", of, "at", time]:
            at = parse_offset(time, "at")
            partition, user = _partition(more), more.pop("user", None)
            names, impressions = _ids(name), _ids(of)
            if len(impressions) == 1:
                impressions *= len(names)
            if len(names) != len(impressions):
                raise ParameterError("click", text, "The two ranges differ in length.", "Give as many ids to each.")
            made = [Click(one, shown, at, partition, user) for one, shown in zip(names, impressions, strict=True)]
        case ["heartbeat", topic, "at", time]:
            made = [Beat(topic_named(topic), parse_offset(time, "at"), _partition(more))]
        case _:
            raise ParameterError("given", text, "It is no event line.", FORMS)
    if more:
        raise ParameterError(next(iter(more)), text, "An event of this kind has no such field.", FORMS)
    return made


def topic_named(text: str) -> Topic:
    """`impressions` or `clicks`.

    Raises:
        ParameterError: it is neither.
    """
    for topic in TOPICS:
        if text == topic:
            return topic
    raise ParameterError("topic", text, "There is no such topic.", "Use impressions or clicks.")


def format_step(step: Impression | Click | Beat) -> str:
    """The line of one event."""
    more = f" partition={step.partition}" if step.partition else ""
    if isinstance(step, Beat):
        return f"heartbeat {step.topic} at {format_offset(step.at_ms)}{more}"
    more += f" user={step.user}" if step.user is not None else ""
    if isinstance(step, Click):
        return f"click {step.id} of {step.of} at {format_offset(step.at_ms)}{more}"
    more += f" ad={step.ad}" if step.ad is not None else ""
    return f"impression {step.id} {step.campaign} {step.device} at {format_offset(step.at_ms)}{more}"


def _options(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name in found:
            raise ParameterError(name, word, "It stands twice.", "Give it once.")
        found[name] = value
    return found


def _partition(more: dict[str, str]) -> int:
    text = more.pop("partition", "0")
    if not re.fullmatch(r"\d{1,3}", text, re.ASCII):
        raise ParameterError("partition", text, "It is no partition.", "Give a whole number from 0 to 999.")
    return int(text)


def _ids(text: str) -> list[str]:
    match = _RANGE.fullmatch(text)
    if match is None or match.group(1) != match.group(3):
        return [text]
    first, last = int(match.group(2)), int(match.group(4))
    if not 0 <= last - first < MOST:
        raise ParameterError("id", text, f"A range has 1 to {MOST} ids.", "Write it as in a1..a100.")
    return [f"{match.group(1)}{number}" for number in range(first, last + 1)]


def shown(values: Mapping[str, object]) -> str:
    """A compact row on one line."""
    return ", ".join(f"{name}: {value}" for name, value in values.items())
