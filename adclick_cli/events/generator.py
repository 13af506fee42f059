"""Made-up impressions and clicks, the same for the same plan.

The shape is the reference system's: 10 campaigns, 100 ads, three devices, four browsers, 10,000 users, a click 0.5 to
10 s after its impression with the probability that the phase says. Nothing here reads a clock or shared randomness.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog, EventSource
from adclick_cli.defaults import CAMPAIGNS
from adclick_cli.errors import ParameterError
from adclick_cli.events import malformed, phases, shape
from adclick_cli.parameters import parse_count, parse_number

MOST_CAMPAIGNS = 1_000_000
ADS_PER_CAMPAIGN = 10
DEVICES = ("mobile", "desktop", "tablet")
BROWSERS = ("chrome", "safari", "firefox", "edge")
USERS = 10_000
CLICK_DELAY_MS = (500, 10_000)
LATE_BY_MS = (10_000, 60_000)
KEPT_MIDDLES = 100_000
"""How many combinations of campaign, ad, device and browser are kept as text: 20 MB at most."""


def campaign_name(number: int) -> str:
    """The name of a campaign, counted from 0."""
    return f"camp-{number + 1}"


class Kind(IntEnum):
    """Which topic an event belongs to."""

    IMPRESSION = 0
    CLICK = 1


class Event(NamedTuple):
    """One message to send. (A tuple: a frozen dataclass takes a microsecond longer to make.)

    Attributes:
        at_ms: when it is handed over, ms since the epoch; its own timestamp unless it is late.
        kind: its topic.
        key, value: bytes; a tombstone has no value.
    """

    at_ms: int
    kind: Kind
    key: bytes
    value: bytes | None


@dataclass(frozen=True)
class Shares:
    """How many events go wrong, as fractions from 0 to 1 of the impressions or clicks.

    Attributes:
        late: delivered 10 to 60 s after their own time.
        duplicates: delivered twice.
        orphans: additional clicks on impressions that never were.
        malformed: additional messages that are no event.
    """

    late: float = 0.0
    duplicates: float = 0.0
    orphans: float = 0.0
    malformed: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What to make.

    Attributes:
        seed: with `start_ms` it decides every byte.
        start_ms: time of the first impression, ms since the epoch.
        rate: impressions a second.
        count: impressions in all; None means without an end.
        phase: the timeline: normal, low, high or cycle.
        campaign: the campaign that the timeline applies to; the others stay normal.
        shares: how many go wrong.
        campaigns: how many there are, each with an equal share of the impressions.
    """

    seed: int
    start_ms: int
    rate: float
    count: int | None
    phase: str
    campaign: str
    shares: Shares = Shares()
    campaigns: int = CAMPAIGNS

    def checked(self) -> Plan:
        """The same plan.

        Raises:
            ParameterError: a value cannot be used.
        """
        phases.timeline(self.phase)
        parse_number(self.rate, "rate", above=0)
        if self.count is not None:
            parse_count(self.count, "count", at_least=1, at_most=10**12)
        parse_count(self.campaigns, "campaigns", at_least=1, at_most=MOST_CAMPAIGNS)
        if not 0 <= self.special < self.campaigns or campaign_name(self.special) != self.campaign:
            raise ParameterError(
                "campaign",
                self.campaign,
                "The generator has no such campaign.",
                f"Use {campaign_name(0)} to {campaign_name(self.campaigns - 1)}.",
            )
        for name, value in vars(self.shares).items():
            parse_number(value, name, at_least=0)
            if value > 1:
                raise ParameterError(name, value, "It is a share of all events.", "Give a number from 0 to 1.")
        return self

    @property
    def special(self) -> int:
        """Which campaign the timeline applies to, counted from 0; -1 where the name is none of the generator's."""
        number = self.campaign.removeprefix("camp-")
        return int(number) - 1 if number.isascii() and number.isdigit() else -1


def run_id(plan: Plan) -> str:
    """What begins every id of a run: ids of runs with another seed or start differ."""
    return hashlib.sha256(f"{plan.seed}/{plan.start_ms}".encode()).hexdigest()[:10]


def events(plan: Plan, catalog: Catalog = CATALOG) -> Iterator[Event]:
    """The plan's events in the order in which they are handed over.

    Without late ones that is the order of their timestamps, impressions and clicks together.

    Args:
        plan: what to make.
        catalog: what events look like.
    """
    plan.checked()
    # Deterministic on purpose: these are test data, not secrets.
    chance = random.Random(f"adclick/{plan.seed}/{plan.start_ms}")  # noqa: S311
    clean = _clean(plan, chance)
    sources = (catalog.impressions, catalog.clicks)
    shapes = (_shape(catalog.impressions), _shape(catalog.clicks))
    if not all(map(shape.is_built_in, sources)):
        clean = _declared(clean, shapes)
    return _spoilt(plan, chance, clean, sources, shapes) if any(vars(plan.shares).values()) else clean


_Sources = tuple[EventSource, EventSource]
"""By kind what events look like."""
_Shapes = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]
"""By kind what gives events the declared shape."""


def _shape(source: EventSource) -> Callable[[bytes], bytes]:
    if shape.is_built_in(source):
        return lambda value: value
    fit, made = shape.fitting(source), shape.shaper(source)
    written = json.JSONEncoder(separators=(",", ":")).encode
    return lambda value: written(made(fit(json.loads(value)))).encode()


def _declared(clean: Iterator[Event], shapes: _Shapes) -> Iterator[Event]:
    for at_ms, kind, key, value in clean:
        yield Event(at_ms, kind, key, shapes[kind](value or b"{}"))


def _middle(choice: int, campaigns: int) -> str:
    """The part of an impression that is drawn from few values: campaign, ad, device and browser, in this order."""
    choice, campaign = divmod(choice, campaigns)
    choice, ad = divmod(choice, ADS_PER_CAMPAIGN)
    browser, device = divmod(choice, len(DEVICES))
    return (
        f'"campaign_id":"{campaign_name(campaign)}","ad_id":"ad-{campaign * ADS_PER_CAMPAIGN + ad + 1}",'
        f'"device_type":"{DEVICES[device]}","browser":"{BROWSERS[browser]}",'
    )


def _clean(plan: Plan, chance: random.Random) -> Iterator[Event]:
    run = run_id(plan)
    start, step = plan.start_ms, 1000 / plan.rate
    spans = [(phases.ctr(phase.factor), phase.to_ms) for phase in phases.timeline(plan.phase)]
    special, campaigns = plan.special, plan.campaigns
    normal = phases.ctr(1.0)
    shortest, longest = CLICK_DELAY_MS
    spread = longest - shortest + 1
    pending: list[tuple[int, int, bytes, bytes]] = []
    special_ctr, until = spans.pop(0)
    choices = campaigns * ADS_PER_CAMPAIGN * len(DEVICES) * len(BROWSERS)
    middles: dict[int, str] = {}
    prices = [str(cents / 1000) for cents in range(1, 101)]
    getrandbits, uniform, push, pop = chance.getrandbits, chance.random, heapq.heappush, heapq.heappop
    impression, click = Kind.IMPRESSION, Kind.CLICK
    # Past the named tuple's own constructor, which takes as long as the random bits.
    new: Callable[[type[Event], tuple[int, Kind, bytes, bytes]], Event] = tuple.__new__
    number = 0
    while plan.count is None or number < plan.count:
        since = int(number * step)
        at = start + since
        while pending and pending[0][0] <= at:
            due, _, key, value = pop(pending)
            yield Event(due, click, key, value)
        while until is not None and since >= until:
            special_ctr, until = spans.pop(0)
        # One draw of random bits, cut into independent choices: a draw for each costs more than the rest together.
        bits = getrandbits(64)
        bits, choice = divmod(bits, choices)
        bits, user = divmod(bits, USERS)
        middle = middles.get(choice)
        if middle is None:
            middle = _middle(choice, campaigns)
            if len(middles) < KEPT_MIDDLES:
                middles[choice] = middle
        impression_id = f"{run}-{number}"
        key = impression_id.encode()
        body = (
            f'{{"impression_id":"{impression_id}","user_id":"user-{user}",{middle}'
            f'"event_timestamp":{at},"cost":{prices[bits % 100]}}}'
        )
        yield new(Event, (at, impression, key, body.encode()))
        if uniform() < (special_ctr if choice % campaigns == special else normal):
            due = at + shortest + int(uniform() * spread)
            body = (
                f'{{"click_id":"{impression_id}-c","impression_id":"{impression_id}","user_id":"user-{user}",'
                f'"event_timestamp":{due}}}'
            )
            push(pending, (due, number, key, body.encode()))
        number += 1
    while pending:
        due, _, key, value = pop(pending)
        yield Event(due, click, key, value)


def _spoilt(
    plan: Plan, chance: random.Random, clean: Iterator[Event], sources: _Sources, shapes: _Shapes
) -> Iterator[Event]:
    run, shares = run_id(plan), plan.shares
    held: list[tuple[int, int, Event]] = []
    for number, event in enumerate(clean):
        while held and held[0][0] <= event.at_ms:
            due, _, late = heapq.heappop(held)
            yield Event(due, late.kind, late.key, late.value)
        if chance.random() < shares.late:
            heapq.heappush(held, (event.at_ms + chance.randint(*LATE_BY_MS), number, event))
            continue
        yield event
        if chance.random() < shares.duplicates:
            yield event
        if event.kind is Kind.CLICK and chance.random() < shares.orphans:
            lost = f"{run}-lost-{number}"
            body = (
                f'{{"click_id":"{lost}-c","impression_id":"{lost}","user_id":"user-0","event_timestamp":{event.at_ms}}}'
            )
            yield Event(event.at_ms, Kind.CLICK, lost.encode(), shapes[Kind.CLICK](body.encode()))
        if chance.random() < shares.malformed:
            bad = malformed.make(chance, event.value or b"{}", sources[event.kind])
            yield Event(event.at_ms, event.kind, event.key, bad)
    for due, _, late in sorted(held):
        yield Event(due, late.kind, late.key, late.value)
