"""What is proposed for topics of several shapes; the messages themselves are events by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import EventField
from adclick_cli.events import generator
from adclick_cli.inference import propose
from adclick_cli.inference.errors import InferenceError
from adclick_cli.inference.sample import of_messages
from tests.unit.inference.builders import CLICKS, NOW_MS, START_MS, VIEWS, click, events, proposed, sample, view

SPEND = Path(__file__).parents[3] / "examples" / "spend" / "adclick.toml"


@pytest.mark.parametrize("shares", [generator.Shares(), generator.Shares(0.05, 0.05, 0.05, 0.05)])
def test_the_built_in_events_are_the_built_in_catalog(shares: generator.Shares) -> None:
    made = list(generator.events(generator.Plan(1, START_MS, 50, 2_000, "cycle", "camp-1", shares)))
    impressions, clicks = (
        of_messages(topic, [one.value for one in made if one.kind == kind])
        for topic, kind in (("ad-impressions", generator.Kind.IMPRESSION), ("ad-clicks", generator.Kind.CLICK))
    )
    text, catalog = proposed(impressions, clicks)
    assert catalog == CATALOG
    assert "# [results.by_campaign_id_device_type]" in text
    found = propose.pair([(clicks, impressions), (impressions, clicks)], NOW_MS)
    assert (found.impressions.name, found.clicks.name) == ("ad-impressions", "ad-clicks")


def test_nested_events_of_other_names_are_those_of_the_example() -> None:
    wanted = load(SPEND)
    text, catalog = proposed(sample("shop.views", VIEWS), sample("shop.clicks", CLICKS))
    for found, known in ((catalog.impressions, wanted.impressions), (catalog.clicks, wanted.clicks)):
        assert (found.topic, found.id, found.parent, found.time, found.time_unit) == (
            known.topic,
            known.id,
            known.parent,
            known.time,
            known.time_unit,
        )
    for name in ("campaign_id", "cost"):
        assert catalog.impressions.field(name) == wanted.impressions.field(name)
    device = wanted.impressions.field("device_type")
    assert device is not None
    # It was in each event, so that no default is needed.
    assert catalog.impressions.field("device_type") == replace(device, default=None)
    assert catalog.impressions.field("country") == EventField("country", ("geo", "country"))
    result = catalog.result("by_country_device_type")
    assert (result.by, result.metrics) == (
        ("country", "device_type"),
        ("impressions", "clicks", "ctr", "spend", "cpc"),
    )
    assert catalog.metric("spend").tree == wanted.metric("spend").tree
    assert 'id = "event.id"  # 100 % of 500 values are different' in text
    assert "# 100 % of 50 clicks have their impression among the 500 that were looked at" in text
    assert 'time = "event.at"  # 2025-11-24T15:00:00Z to 2025-11-24T15:08:19Z in microseconds' in text
    assert "500 of the newest messages were looked at: JSON, 500 objects, nested." in text
    assert events(catalog.impressions, VIEWS)[0] == {
        "impression_id": "v-0",
        "campaign_id": "camp-0",
        "device_type": "mobile",
        "country": "DE",
        "user_id": None,
        "ad_id": None,
        "browser": None,
        "cost": Decimal("0.001000"),
        "event_timestamp": START_MS,
    }
    assert len(events(catalog.clicks, CLICKS)) == len(CLICKS)


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1_000, timezone.utc).isoformat()


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("s", lambda ms: ms // 1_000),
        ("s", lambda ms: ms / 1_000),
        ("ms", str),
        ("us", lambda ms: ms * 1_000),
        ("ns", lambda ms: ms * 1_000_000),
        ("iso8601", _iso),
    ],
)
def test_the_unit_of_times_is_told_by_their_size(unit: str, written: Any) -> None:
    shown = [view(n, event={"id": f"v-{n}", "at": written(START_MS + 1_000 * n)}) for n in range(100)]
    clicked = [click(n, event_timestamp=written(START_MS + 1_000 * n)) for n in range(100)]
    _, catalog = proposed(sample("views", shown), sample("clicks", clicked))
    assert (catalog.impressions.time_unit, catalog.clicks.time_unit) == (unit, unit)
    assert (catalog.impressions.time, catalog.clicks.time) == (("event", "at"), ("event_timestamp",))
    assert [one["event_timestamp"] for one in events(catalog.clicks, clicked)][:2] == [START_MS, START_MS + 1_000]


def test_the_time_of_the_event_is_preferred_to_that_of_its_arrival() -> None:
    shown = [view(n, received_at=START_MS + n, ts=START_MS + 1_000 * n, expires=START_MS) for n in range(100)]
    for one in shown:
        del one["event"]["at"]
    _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert catalog.impressions.time == ("ts",)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (20251124150000, "It looks like a date as one number, in the pattern yyyyMMddHHmmss."),
        (1_000, "As milliseconds since 1970 it is 1970-01-01T00:00:01Z."),
        (1_515_000_000_000_000_000_000, "As milliseconds since 1970 it is the year"),
        (4_000_000_000, "It looks like seconds since 1970, and is 2096-10-02T07:06:40Z, which is still to come."),
        (4_000_000_000_000_000, "It looks like microseconds since 1970"),
        ("yesterday", "It is neither a number nor an ISO 8601 time."),
        ("1969-01-01T00:00:00Z", "It is 1969-01-01T00:00:00Z."),
    ],
)
def test_a_time_that_cannot_be_meant_names_what_it_likely_is(value: object, told: str) -> None:
    shown = [view(n, event={"id": f"v-{n}", "at": value}) for n in range(100)]
    with pytest.raises(InferenceError) as caught:
        proposed(sample("views", shown), sample("clicks", CLICKS))
    assert caught.value.what == "views has no event time"
    assert f"'event.at' may be meant: '{value}'. {told}" in caught.value.why
    assert caught.value.mend


def test_some_times_that_cannot_be_meant_stand_in_the_comment() -> None:
    shown = [view(n, event={"id": f"v-{n}", "at": 7 if n % 10 else START_MS}) for n in range(100)]
    shown += [view(n, event={"id": f"v-{n}", "at": START_MS + n}) for n in range(100, 400)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert catalog.impressions.time_unit == "ms"
    joined = " ".join(line.lstrip("# ") for line in text.splitlines())
    assert (
        "78 % are plausible in milliseconds: 2025-11-24T15:00:00Z to 2025-11-24T15:00:00Z. One of the others:" in joined
    )
    assert "'7'. As milliseconds since 1970 it is 1970-01-01T00:00:00Z." in joined


def test_a_field_that_is_sometimes_missing_has_a_default_as_a_breakdown_and_is_optional_else() -> None:
    shown = [
        view(
            n,
            device={} if n % 4 else {"type": "tv"},
            geo={"country": None if n % 3 else "DE"} if n % 2 else {"country": "FR"},
            slot=n % 7 if n % 5 else None,
            seen=bool(n % 2) if n % 6 else None,
            ratio=(n % 4) / 4,
            campaign={"id": f"camp-{n % 5}"} if n % 9 else None,
            rare=f"r-{n % 3}" if n % 50 == 0 else "",
        )
        for n in range(500)
    ]
    _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert {one.name: one for one in catalog.impressions.fields if one.name not in ("user_id", "ad_id", "browser")} == {
        "campaign_id": EventField("campaign_id", ("campaign", "id"), default="unknown"),
        "device_type": EventField("device_type", ("device", "type"), default="unknown"),
        "cost": EventField("cost", ("price",), "decimal", optional=True),
        "country": EventField("country", ("geo", "country"), default="unknown"),
        "slot": EventField("slot", ("slot",), "integer", optional=True),
        "seen": EventField("seen", ("seen",), "boolean", optional=True),
        "ratio": EventField("ratio", ("ratio",), "decimal"),
        "rare": EventField("rare", ("rare",), optional=True),
    }
    assert events(catalog.impressions, shown)


def test_without_a_campaign_and_a_device_all_are_unknown_until_they_are_named() -> None:
    shown = [{"id": f"v-{n}", "ts": START_MS + n, "pad": "x"} for n in range(100)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert [one["campaign_id"] for one in events(catalog.impressions, shown)] == ["unknown"] * 100
    assert "No field looks like a campaign: all are unknown, until you name its path." in text
    assert catalog.results[-1].by == ("campaign_id",)
    assert catalog.results[-1].metrics == ("impressions", "clicks", "ctr")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("campaignId", "campaign_id"),
        ("cmp", "campaign_id"),
        ("line_item_id", "campaign_id"),
        ("DeviceType", "device_type"),
        ("user_device", "device_type"),
        ("platform", "device_type"),
        ("os", "device_type"),
        ("bidPrice", "cost"),
        ("media_spend", "cost"),
        ("revenue", "cost"),
    ],
)
def test_campaign_device_and_cost_are_known_by_other_names(name: str, field: str) -> None:
    values: dict[str, Any] = {"campaign_id": "c-1", "device_type": "tv", "cost": "0.25"}
    shown = [{"id": f"v-{n}", "ts": START_MS + n, name: values[field]} for n in range(100)]
    _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    found = catalog.impressions.field(field)
    assert found is not None
    assert found.path == (name,)
    assert events(catalog.impressions, shown)


@pytest.mark.parametrize(
    "name", ["campaign_type", "device_id", "os_version", "price_currency", "bid_id", "device_type_version"]
)
def test_what_only_sounds_like_them_is_none(name: str) -> None:
    shown = [{"id": f"v-{n}", "ts": START_MS + n, name: 7} for n in range(100)]
    _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert (name,) not in [catalog.impressions.field(one).path for one in ("campaign_id", "device_type", "cost")]  # type: ignore[union-attr]


def test_a_price_of_many_digits_keeps_them() -> None:
    shown = [view(n, price=f"0.0000000{n % 9 + 1}") for n in range(100)]
    _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert catalog.impressions.field("cost") == EventField("cost", ("price",), "decimal", optional=True, scale=8)
    assert events(catalog.impressions, shown)[0]["cost"] == Decimal("0.00000001")


def test_a_built_in_name_with_values_that_do_not_fit_makes_no_event_a_bad_one() -> None:
    shown = [view(n, cost="free", user_id={"id": f"u-{n % 40}"}, browser=["x"], price=None) for n in range(100)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    found = events(catalog.impressions, shown)
    assert (found[1]["user_id"], found[1]["browser"], found[1]["cost"]) == ("u-1", None, None)
    assert "The events' own cost is no number that can be summed up: it is not read." in text


def test_reserved_names_become_others_and_undeclarable_paths_are_told() -> None:
    more: dict[str, Any] = {"state": "on", "key": "k", "adclick_x": "a", "spend": "s", "isBot": True, "ctr": "c"}
    more |= {"2nd": "b", "état": "L", "a.b": "dot", "": "nothing", "line\nend": "x", "lang": "de"}
    shown = [view(n, **more, app={"lang": "fr"}) for n in range(100)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    paths = {one.name: one.path for one in catalog.impressions.fields}
    assert {name: path for name, path in paths.items() if path[0] in more or path[0] == "app"} == {
        "state_value": ("state",),
        "key_value": ("key",),
        "field_adclick_x": ("adclick_x",),
        "spend_value": ("spend",),
        "is_bot": ("isBot",),
        "ctr_value": ("ctr",),
        "field_2_nd": ("2nd",),
        "etat": ("état",),
        "lang": ("lang",),
        "app_lang": ("app", "lang"),
    }
    for told in ("a.b", "", "line\\u000aend"):
        assert f"# {told}: a path with a dot, a sign that cannot be seen" in text
    assert events(catalog.impressions, shown)


def test_values_of_persons_are_counted_and_not_shown() -> None:
    shown = [view(n, user={"id": f"person-{n % 300}"}) for n in range(500)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert catalog.impressions.field("user_id") == EventField("user_id", ("user", "id"), optional=True)
    assert "person-" not in text
    assert 'user_id = "user.id"  # 300 values' in text


def test_the_parent_is_the_field_that_joins_and_not_the_one_of_the_name() -> None:
    shown = [{"impression_id": f"i-{n}", "request": f"r-{n}", "ts": START_MS + n, "pos": n % 9} for n in range(300)]
    clicked = [
        {"id": n, "impression_id": f"other-{n}", "ref": f"i-{n}", "pos": n % 9, "ts": START_MS + n} for n in range(40)
    ]
    _, catalog = proposed(sample("views", shown), sample("clicks", clicked))
    assert catalog.clicks.parent == ("ref",)
    assert catalog.impressions.id == ("impression_id",)
    assert catalog.clicks.id == ("id",)


def test_serial_numbers_that_meet_by_chance_are_told_apart_by_their_names() -> None:
    shown = [{"id": n, "ts": START_MS + n} for n in range(300)]
    clicked = [{"id": n, "impressionId": 2 * n, "ts": START_MS + n} for n in range(100)]
    _, catalog = proposed(sample("views", shown), sample("clicks", clicked))
    assert (catalog.clicks.id, catalog.clicks.parent) == (("id",), ("impressionId",))


def test_a_user_who_comes_once_is_not_taken_for_the_event() -> None:
    shown = [{"user_id": f"u-{n}", "id": f"i-{n}", "ts": START_MS + n} for n in range(100)]
    clicked = [{"user_id": f"u-{n}", "ref": f"i-{n}", "id": f"c-{n}", "ts": START_MS + n} for n in range(50)]
    _, catalog = proposed(sample("views", shown), sample("clicks", clicked))
    assert (catalog.impressions.id, catalog.clicks.parent) == (("id",), ("ref",))


def test_clicks_without_an_id_of_their_own_have_that_of_the_impression() -> None:
    clicked = [{"view_id": f"v-{n}", "ts": START_MS + n} for n in range(100)]
    text, catalog = proposed(sample("views", VIEWS), sample("clicks", clicked))
    assert catalog.clicks.id == catalog.clicks.parent == ("view_id",)
    assert "a second click on an impression counts as a repeat" in text
    assert events(catalog.clicks, clicked)


def test_clicks_on_impressions_beyond_the_sample_do_not_count_against_the_join() -> None:
    clicked = [click(n, event_timestamp=START_MS + 1_000 * n) for n in range(-500, 100)]
    text, _ = proposed(sample("views", VIEWS), sample("clicks", clicked))
    assert "100 % of 100 clicks have their impression" in text


@pytest.mark.parametrize(
    ("clicked", "told"),
    [
        ([click(n, view_id=f"w-{n}") for n in range(100)], "No field of the clicks holds an id of one of these"),
        (
            [click(n, view_id="v-0" if n == 0 else f"w-{n}") for n in range(100)],
            "The best field is 'view_id': 1 % of its values",
        ),
    ],
)
def test_clicks_that_refer_to_nothing_are_refused(clicked: list[Any], told: str) -> None:
    with pytest.raises(InferenceError) as caught:
        proposed(sample("views", VIEWS), sample("clicks", clicked))
    assert caught.value.what == "the clicks of clicks do not refer to the impressions of views"
    assert "100 clicks and 500 impressions were looked at." in caught.value.why
    assert told in caught.value.why
    assert "--impressions and --clicks" in caught.value.mend


def test_impressions_without_an_id_are_refused() -> None:
    shown = [{"ts": START_MS + n, "campaign": "c"} for n in range(100)]
    with pytest.raises(InferenceError, match="views has no id"):
        proposed(sample("views", shown), sample("clicks", CLICKS))


def test_which_topic_holds_what_is_told_by_names_and_by_the_join() -> None:
    shown, clicked = sample("a", VIEWS), sample("b", CLICKS)
    other = sample("orders", [{"id": f"o-{n}", "at": START_MS} for n in range(100)])
    pairs = [(one, two) for one in (other, clicked, shown) for two in (other, clicked, shown) if one is not two]
    found = propose.pair(pairs, NOW_MS)
    assert (found.impressions.name, found.clicks.name) == ("a", "b")
    assert found.join.parent.path == ("view_id",)
    with pytest.raises(InferenceError, match="no topic holds clicks on the impressions of another one") as caught:
        propose.pair([(other, clicked), (clicked, other)], NOW_MS)
    assert "These were looked at: orders, b." in caught.value.why


def test_topics_of_the_same_shape_are_told_apart_by_their_names() -> None:
    both = [{"impression_id": f"i-{n}", "ts": START_MS + n} for n in range(50)]
    one, two = sample("site-clicks", both), sample("site-impressions", both)
    found = propose.pair([(one, two), (two, one)], NOW_MS)
    assert (found.impressions.name, found.clicks.name) == ("site-impressions", "site-clicks")
