"""A catalog from samples of impressions and clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from adclick_cli import defaults
from adclick_cli.catalog import builtin
from adclick_cli.inference import fields, ids
from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.flatten import Column, columns
from adclick_cli.inference.guess import Guess, Proposal, SourceGuess
from adclick_cli.inference.ids import CLICK_WORDS, IMPRESSION_WORDS, Dated, Join
from adclick_cli.inference.names import Path
from adclick_cli.inference.sample import Sample, share

OWN_TOPICS = {"impressions": defaults.TOPIC_IMPRESSIONS, "clicks": defaults.TOPIC_CLICKS}
_DO = "Name the topics with --impressions and --clicks, or declare events.clicks.parent in adclick.toml by hand."


@dataclass(frozen=True)
class Pair:
    """Two topics, and how the clicks of one refer to the impressions of the other."""

    impressions: Sample
    clicks: Sample
    join: Join
    score: float


def pair(samples: Sequence[tuple[Sample, Sample]], now_ms: int) -> Pair:
    """Which topic holds the impressions, and which one the clicks on them.

    Args:
        samples: the pairs that may be it, impressions first.
        now_ms: the time now, ms since 1970.

    Raises:
        InferenceError: in no pair the second refers to the first.
    """
    known = {one.name: columns(one.objects) for two in samples for one in two}
    found = []
    for impressions, clicks in samples:
        joins = ids.joins(known[impressions.name], known[clicks.name], now_ms)
        if joins:
            found.append(Pair(impressions, clicks, joins[0], joins[0].score + _hint(impressions, clicks)))
    if found:
        return max(found, key=lambda one: one.score)
    if len(known) < 2:
        why = f"Only {', '.join(known) or 'no topic'} was found to hold events."
    else:
        why = f"These were looked at: {', '.join(known)}. No field of one holds values of an id of another."
    raise InferenceError("no topic holds clicks on the impressions of another one", why, _DO)


def _hint(impressions: Sample, clicks: Sample) -> float:
    names = (
        ids.topic_hint(impressions.name, IMPRESSION_WORDS)
        + ids.topic_hint(clicks.name, CLICK_WORDS)
        - ids.topic_hint(impressions.name, CLICK_WORDS)
        - ids.topic_hint(clicks.name, IMPRESSION_WORDS)
    )
    return names + 0.5 * (clicks.total < impressions.total)


def of_topics(impressions: Sample, clicks: Sample, now_ms: int) -> Proposal:
    """What is proposed for two topics.

    Args:
        impressions, clicks: their newest messages.
        now_ms: the time now, ms since 1970.

    Raises:
        InferenceError: there is no id, no time, or no click refers to an impression.
    """
    shown, clicked = columns(impressions.objects), columns(clicks.objects)
    times = ids.find_time(impressions, shown, now_ms), ids.find_time(clicks, clicked, now_ms)
    if not ids.id_columns(shown, IMPRESSION_WORDS, now_ms):
        raise _no_id(impressions)
    known = [one for one in ids.joins(shown, clicked, now_ms) if times[1].path != one.parent.path]
    rate, looked_at = (
        ids.joined_within(known[0], (impressions, times[0]), (clicks, times[1]))
        if known
        else (0.0, len(clicks.objects))
    )
    if not known or rate < ids.LEAST_JOINED:
        raise _no_join(impressions, clicks, known[0] if known else None, rate)
    join = known[0]
    told = f"{share(rate)} of {looked_at:,} clicks have their impression among the {len(impressions.objects):,} that"
    parent = Guess(join.parent.path, f"{told} were looked at")
    first = _impressions(impressions, join.id, times[0], impressions.name)
    found = fields.impressions(shown, (join.id.path, times[0].path))
    own = _click_id(clicked, parent, times[1], now_ms)
    second = SourceGuess(
        _topic("clicks", clicks.name),
        clicks.evidence,
        own,
        ids.time_guess(times[1]),
        times[1].times.unit,
        parent,
        fields.clicks(clicked, (own.path, parent.path, times[1].path)),
    )
    return Proposal(_with(first, found), second, found.by, found.costs, rate)


def of_log(sample: Sample, now_ms: int) -> Proposal:
    """What is proposed for a log of impressions; its clicks stay as they are built in.

    Raises:
        InferenceError: there is no time.
    """
    found = columns(sample.objects)
    time = ids.find_time(sample, found, now_ms)
    likely = [one for one in ids.id_columns(found, IMPRESSION_WORDS, now_ms) if one[1].path != time.path]
    if likely:
        first = _impressions(sample, likely[0][1], time, None)
    else:
        evidence = "No field is an id: `adclick replay` gives each row one of this name."
        id_ = Guess(builtin.CATALOG.impressions.id, evidence)
        first = SourceGuess(None, sample.evidence, id_, ids.time_guess(time), time.times.unit)
    declared = fields.impressions(found, (first.id.path, time.path))
    return Proposal(_with(first, declared), None, declared.by, declared.costs)


def _impressions(sample: Sample, id_: Column, time: Dated, name: str | None) -> SourceGuess:
    topic = None if name is None else _topic("impressions", name)
    guess = Guess(id_.path, ids.id_evidence(id_))
    return SourceGuess(topic, sample.evidence, guess, ids.time_guess(time), time.times.unit)


def _with(source: SourceGuess, found: fields.Declared) -> SourceGuess:
    return replace(source, fields=found.fields, left_out=found.left_out)


def _topic(events: str, name: str) -> str | None:
    """A topic that the settings do not name already."""
    return None if OWN_TOPICS[events] == name else name


def _click_id(found: dict[Path, Column], parent: Guess, time: Dated, now_ms: int) -> Guess:
    likely = [one for _, one in ids.id_columns(found, CLICK_WORDS, now_ms) if one.path not in (parent.path, time.path)]
    if likely:
        return Guess(likely[0].path, ids.id_evidence(likely[0]))
    return Guess(parent.path, "No field is the click's own id: a second click on an impression counts as a repeat.")


def _no_id(sample: Sample) -> InferenceError:
    return InferenceError(
        f"{sample.name} has no id",
        "No field with a single value is in nearly all events and nearly always different.",
        "Write an id into each impression, or declare events.impressions.id in adclick.toml by hand.",
    )


def _no_join(impressions: Sample, clicks: Sample, join: Join | None, rate: float) -> InferenceError:
    why = f"{len(clicks.objects):,} clicks and {len(impressions.objects):,} impressions were looked at."
    if join is not None:
        best = ".".join(join.parent.path)
        why += f" The best field is {best!r}: {share(rate)} of its values are the id of one of these impressions."
    else:
        why += " No field of the clicks holds an id of one of these impressions."
    return InferenceError(
        f"the clicks of {clicks.name} do not refer to the impressions of {impressions.name}", why, _DO
    )
