"""Which field is the id of an event, which is its time, and how clicks refer to impressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adclick_cli.catalog.model import TimeUnit
from adclick_cli.inference import times
from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.flatten import NEARLY_ALL, Column, text_of
from adclick_cli.inference.guess import Guess
from adclick_cli.inference.names import Path, declarable, words
from adclick_cli.inference.sample import Sample, share
from adclick_cli.inference.times import Times

IMPRESSION_WORDS = frozenset({"impression", "impressions", "imp", "imps", "view", "views", "show", "shows", "display"})
CLICK_WORDS = frozenset({"click", "clicks", "clk", "clicked", "tap", "taps"})
LEAST_UNIQUE = 0.5
"""Share of different values that an id has at least: duplicates are many where a producer repeats itself."""
LEAST_JOINED = 0.02
"""Share of clicks whose impression is in the sample, below which nothing joins them but chance."""
WELL_JOINED = 0.5
"""Share of clicks whose impression is in the sample, below which a larger one is looked at."""
FEW = 20
"""So few values say little about what repeats."""

_EVENT_WORDS = frozenset({"event", "request", "auction", "bid", "message", "record", "row"})
_OTHER_WORDS = frozenset(
    [
        *("user", "uid", "visitor", "customer", "account", "device", "cookie", "session", "profile", "person"),
        *("campaign", "cmp", "ad", "creative", "advertiser", "publisher", "placement", "site", "page", "item"),
        *("line", "order", "group", "geo", "country", "product", "partner", "browser", "ip", "schema", "trace"),
    ]
)
_TIME_WORDS = {
    **dict.fromkeys(("timestamp", "time", "ts", "datetime"), 3),
    **dict.fromkeys(("at", "occurred", "when", "stamp"), 2),
    **dict.fromkeys(("event", "date", "created"), 1),
}
_OTHER_TIMES = frozenset(
    {"received", "ingest", "ingested", "ingestion", "processed", "updated", "server", "kafka", "expires", "sent"}
)


@dataclass(frozen=True)
class Dated:
    """A field of times.

    Attributes:
        path: where they are.
        times: what most of the values are.
        others: what the first of the others is likely to be; empty where there is none.
    """

    path: Path
    times: Times
    others: str = ""


@dataclass(frozen=True)
class Join:
    """How clicks refer to impressions.

    Attributes:
        id, parent: the impressions' id, and the clicks' field that holds it.
        joined: the share of the looked-at clicks whose impression is in the sample.
        score: the better, the more likely.
    """

    id: Column
    parent: Column
    joined: float
    score: float


def find_time(sample: Sample, columns: Mapping[Path, Column], now_ms: int) -> Dated:
    """The field of the event time.

    Raises:
        InferenceError: no field holds times that can be meant.
    """
    found: list[tuple[float, Dated]] = []
    for column in columns.values():
        known = times.times(column.values, now_ms) if column.present >= 0.9 and declarable(column.path) else None
        if known is not None and known.share >= 0.5:
            dated = Dated(column.path, known, _others(column, known.unit, now_ms))
            found.append((known.share + column.present + _time_hint(column.path), dated))
    if found:
        return max(found, key=lambda one: one[0])[1]
    raise _no_time(sample, columns, now_ms)


def time_guess(dated: Dated) -> Guess:
    """The time with its evidence."""
    known = dated.times
    if known.share == 1:
        return Guess(dated.path, f"{known.range} in {times.CALLED[known.unit]}")
    told = f"{share(known.share)} are plausible in {times.CALLED[known.unit]}: {known.range}"
    return Guess(dated.path, f"{told}. One of the others: {dated.others}")


def _others(column: Column, unit: TimeUnit, now_ms: int) -> str:
    for value in column.values:
        ms = times.to_ms(value, unit)
        if ms is None or not times.plausible(ms, now_ms):
            return f"{str(text_of(value))[:40]!r}. {times.about(value, now_ms)}"
    return ""


def _time_hint(path: Path) -> float:
    found = words(*path)
    hint = sum(_TIME_WORDS.get(word, 0) for word in found) / 3
    return hint - 2 * bool(_OTHER_TIMES & set(found)) - 0.01 * len(path)


def _no_time(sample: Sample, columns: Mapping[Path, Column], now_ms: int) -> InferenceError:
    named = [one for one in columns.values() if _time_hint(one.path) > 0.3 and one.texts]
    why = "No field is a time between the year 2000 and tomorrow, as a number since 1970 or in ISO 8601."
    if named:
        column = max(named, key=lambda one: (_time_hint(one.path), one.present))
        value = next(one for one in column.values if text_of(one) is not None)
        shown = str(text_of(value))[:60]
        why += f" {'.'.join(column.path)!r} may be meant: {shown!r}. {times.about(value, now_ms)}"
    return InferenceError(
        f"{sample.name} has no event time",
        why,
        "Write the time of the event as ms since 1970, or declare its field in adclick.toml, as docs/catalog.md says.",
    )


def id_columns(columns: Mapping[Path, Column], events: frozenset[str], now_ms: int) -> list[tuple[float, Column]]:
    """Fields that may be the id of an event, the likeliest first, with how likely each is.

    Args:
        columns: all fields.
        events: words for the events.
        now_ms: the time now, ms since 1970.
    """
    found = []
    for column in columns.values():
        if not (declarable(column.path) and column.single and column.present >= NEARLY_ALL):
            continue
        if column.type not in ("text", "integer") or column.unique < LEAST_UNIQUE:
            continue
        hint = id_hint(column.path, events)
        # A time may be different in each event, too.
        if hint > 0 or times.times(column.values[:FEW], now_ms) is None:
            found.append((column.unique + hint - 0.01 * len(column.path), column))
    return sorted(found, key=lambda one: -one[0])


def id_hint(path: Path, events: frozenset[str]) -> float:
    """How much the names of a path are those of an event's id."""
    found = words(*path)
    joined = "".join(found)
    named = found[-1:] and (found[-1] in ("id", "uuid", "guid", "key") or joined.endswith("id"))
    about = set(found)
    own = bool(about & events) or any(len(word) > 4 and word in joined for word in events)
    hint = (1.0 if named else 0.0) + (0.6 if own else 0.3 if about & _EVENT_WORDS else 0.0)
    foreign = about & (_OTHER_WORDS | IMPRESSION_WORDS | CLICK_WORDS) - events
    return hint - (1.2 if foreign and not own else 0.0)


def id_evidence(column: Column) -> str:
    """What speaks for an id."""
    there = "" if column.always else f", in {share(column.present)} of them"
    return f"{share(column.unique)} of {len(column.values):,} values are different{there}"


def joins(impressions: Mapping[Path, Column], clicks: Mapping[Path, Column], now_ms: int) -> list[Join]:
    """How the events of one topic may refer to those of another, the likeliest first."""
    found = []
    for likely, own in id_columns(impressions, IMPRESSION_WORDS, now_ms)[:5]:
        known = set(own.distinct)
        for column in clicks.values():
            if not (declarable(column.path) and column.single and column.present >= 0.5):
                continue
            joined = sum(text in known for text in column.texts) / len(column.texts)
            repeats = len(column.texts) > FEW and column.unique < 0.1
            if joined and not repeats:
                score = likely + 2 * joined + 0.5 * id_hint(column.path, IMPRESSION_WORDS) + _same(own, column)
                found.append(Join(own, column, joined, score))
    return sorted(found, key=lambda one: -one.score)


def _same(own: Column, column: Column) -> float:
    return 0.3 if words(own.path[-1]) == words(column.path[-1]) and words(own.path[-1]) != ("id",) else 0.0


def joined_within(join: Join, impressions: tuple[Sample, Dated], clicks: tuple[Sample, Dated]) -> tuple[float, int]:
    """The share of clicks whose impression is in the sample, and how many clicks were looked at.

    Those that are dated within the impressions, where these are enough: others belong to impressions that are not in
    the sample.
    """
    known = set(join.id.distinct)
    sample, dated = clicks
    rows = [(text_of(one.get(join.parent.path)), one.get(dated.path)) for one in sample.objects]
    there = [(text, times.to_ms(stamp, dated.times.unit)) for text, stamp in rows if text is not None]
    span = impressions[1].times
    within = [text for text, ms in there if ms is not None and span.first_ms <= ms <= span.last_ms]
    looked_at: Sequence[str] = within if len(within) >= FEW else [text for text, _ in there]
    return (sum(text in known for text in looked_at) / len(looked_at) if looked_at else 0.0), len(looked_at)


def topic_hint(name: str, events: frozenset[str]) -> int:
    """Whether a topic's name has a word for the events in it."""
    found = words(name)
    return int(bool(set(found) & events) or any(len(word) > 4 and word in "".join(found) for word in events))
