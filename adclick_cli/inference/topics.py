"""Samples of a broker's topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from adclick_cli.broker import admin, sampling
from adclick_cli.catalog import records
from adclick_cli.errors import AdclickError, ParameterError
from adclick_cli.inference import ids, propose
from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.guess import Proposal
from adclick_cli.inference.sample import Sample, of_messages
from adclick_cli.parameters import parse_topic
from adclick_cli.pipeline import Topics
from adclick_cli.security import Servers
from adclick_cli.settings import Settings

MESSAGES = 2_000
"""Newest messages of a topic that are looked at."""
MORE_MESSAGES = 50_000
"""The same for impressions, where the newest clicks are on earlier ones."""
WITHIN_S = 10.0
MOST_TOPICS = 20
RAW = ("impressions", "clicks")


def of_broker(
    settings: Settings, impressions: str | None, clicks: str | None, now_ms: int, report: Callable[[str], None]
) -> Proposal:
    """What is proposed for topics of a broker.

    Args:
        settings: the broker and the log-in.
        impressions, clicks: their topics; None where it is to be found out.
        now_ms: the time now, ms since 1970.
        report: told in a line what is being done.

    Raises:
        BrokerError: the broker does not answer.
        ParameterError: a topic has no such name.
        InferenceError: the topics do not tell what a catalog needs.
    """
    servers = settings.servers
    named = {flag: name for flag, name in (("impressions", impressions), ("clicks", clicks)) if name is not None}
    for flag, name in named.items():
        parse_topic(name, flag)
    if impressions is not None and impressions == clicks:
        why = "It is the topic of the impressions, too, and adclick reads each kind from a topic of its own."
        raise ParameterError("clicks", clicks, why, "Name two topics.")
    there = [name for name in admin.list_topics(servers) if not name.startswith("_")]
    for name in named.values():
        if name not in there:
            listed = ", ".join(there[:MOST_TOPICS]) or "none"
            raise InferenceError(
                f"there is no topic {name} at {servers}", f"Its topics: {listed}.", "Name one of these."
            )
    found = _samples(servers, _candidates(settings, there, named), tuple(named.values()), report)
    if impressions is not None and clicks is not None:
        return _proposal(servers, found[impressions], found[clicks], now_ms, report)
    pairs = [
        (one, other)
        for one in found
        for other in found
        if one != other and impressions in (None, one) and clicks in (None, other)
    ]
    chosen = propose.pair([(found[one], found[other]) for one, other in pairs], now_ms)
    return _proposal(servers, chosen.impressions, chosen.clicks, now_ms, report)


def _candidates(settings: Settings, there: Sequence[str], named: dict[str, str]) -> list[str]:
    """The topics to look at: those that are named, and with one missing all that may be it."""
    if len(named) == len(RAW):
        return list(named.values())
    own = _own(settings)
    others = [name for name in there if name not in own and name not in named.values()]
    others.sort(key=lambda name: -max(ids.topic_hint(name, one) for one in (ids.IMPRESSION_WORDS, ids.CLICK_WORDS)))
    found = [*named.values(), *others][:MOST_TOPICS]
    if len(found) < len(RAW):
        raise InferenceError(
            f"there are no two topics of events at {settings.servers}",
            f"Beside adclick's own topics there is {', '.join(found) or 'none'}.",
            "Send some events, or name the topics with --impressions and --clicks. Without a broker's name,"
            " `adclick init` writes the built-in catalog.",
        )
    return found


def _own(settings: Settings) -> set[str]:
    """Topics that adclick writes."""
    own = {getattr(settings, f"topic_{name}") for name in Topics.__dataclass_fields__ if name not in RAW}
    try:
        catalog = settings.catalog
    except AdclickError:
        # A declaration that cannot work is what is to be replaced.
        return own
    return own | {one.default_topic for one in (*records.final(catalog), *records.live(catalog))}


def _samples(
    servers: Servers, topics: Sequence[str], named: Sequence[str], report: Callable[[str], None]
) -> dict[str, Sample]:
    """The samples by topic; a topic that is not named and holds no events is told, and left out."""
    totals = admin.message_counts(servers, topics)
    found: dict[str, Sample] = {}
    for topic in topics:
        report(f"Looking at the newest messages of {topic} …")
        try:
            found[topic] = of_messages(topic, sampling.newest(servers, topic, MESSAGES, WITHIN_S), totals[topic])
        except InferenceError as error:
            if topic in named:
                raise
            report(f"{error.what}: left out.")
    return found


def _proposal(
    servers: Servers, impressions: Sample, clicks: Sample, now_ms: int, report: Callable[[str], None]
) -> Proposal:
    try:
        found = propose.of_topics(impressions, clicks, now_ms)
        if found.joined >= ids.WELL_JOINED or impressions.complete:
            return found
    except InferenceError:
        if impressions.complete:
            raise
    report(f"The newest clicks are on earlier impressions: looking at {MORE_MESSAGES:,} of {impressions.name} …")
    values = sampling.newest(servers, impressions.name, MORE_MESSAGES, WITHIN_S)
    return propose.of_topics(of_messages(impressions.name, values, impressions.total), clicks, now_ms)
