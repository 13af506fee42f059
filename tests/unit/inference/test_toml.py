"""Whatever is sampled, the text is TOML that a catalog is read from."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load_text
from adclick_cli.errors import AdclickError
from adclick_cli.inference import propose, toml
from adclick_cli.inference.sample import of_messages
from tests.unit.inference.builders import CLICKS, NOW_MS, START_MS, VIEWS, click, events, proposed, sample, view

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NASTY = (
    '"',
    "'",
    '"""',
    "'''",
    "\n",
    "\r",
    "\r\n# x = 1\n[results.x]",
    "\0",
    "\x7f",
    "\x85",
    "\u2028",
    "\\",
    "#",
    "\t",
    "=",
)


def _typed(error: AdclickError) -> None:
    assert error.what
    assert error.mend


def test_the_default_text_is_the_built_in_catalog() -> None:
    text = toml.of_default()
    assert load_text(text, "adclick.toml") == CATALOG
    for line in ('# topic = "ad-impressions"', '# spend = "sum(cost)"', "# [results.spend]", 'topic = "ctr_results"'):
        assert line in text


def test_its_examples_can_be_put_in_force() -> None:
    text = toml.of_default()
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in text.splitlines()]
    catalog = load_text("\n".join(lines), "adclick.toml")
    assert catalog.impressions.topic == "ad-impressions"
    assert catalog.result("spend").metrics == ("impressions", "clicks", "ctr", "spend", "cpc")


def test_the_example_for_built_in_events_can_be_put_in_force() -> None:
    shown = [
        {"impression_id": f"i-{n}", "campaign_id": "c", "device_type": "tv", "cost": 1, "event_timestamp": START_MS + n}
        for n in range(50)
    ]
    clicked = [{"click_id": f"c-{n}", "impression_id": f"i-{n}", "event_timestamp": START_MS + n} for n in range(9)]
    text, catalog = proposed(sample("ad-impressions", shown), sample("ad-clicks", clicked))
    assert catalog == CATALOG
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in text.splitlines()]
    assert load_text("\n".join(lines), "adclick.toml").results[-1].metrics[-2:] == ("spend", "cpc")


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_and_no_value_breaks_the_text(nasty: str) -> None:
    more = {f"x{nasty}y": "v", f"z{nasty}": {f"in{nasty}": f"a{nasty}b"}, "v": f"a{nasty}b", nasty: nasty}
    shown = [view(n, **more, campaign={"id": f"c{nasty}{n % 3}"}) for n in range(60)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert [one.name for one in catalog.results] == ["ctr", "engagement", catalog.results[-1].name]
    assert events(catalog.impressions, shown)
    # A line of a comment is one line for every reader of lines.
    assert text.splitlines() == text.split("\n")[:-1]
    assert all(len(line) <= 200 for line in text.splitlines())


@pytest.mark.parametrize("nasty", NASTY)
def test_ids_and_times_behind_odd_names_are_written_so_that_they_are_found(nasty: str) -> None:
    shown = [{f"{nasty}id": f"v-{n}", f"ts{nasty}": START_MS + n} for n in range(60)]
    try:
        _, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    except AdclickError as error:
        _typed(error)
        assert not nasty.isprintable()
    else:
        assert (catalog.impressions.id, catalog.impressions.time) == ((f"{nasty}id",), (f"ts{nasty}",))


def test_a_comment_is_cut_between_words() -> None:
    shown = [view(n, **{f"field {number}.x": "v" for number in range(9)}, word="w" * 300) for n in range(60)]
    text, _ = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert max(map(len, text.splitlines())) <= toml.WIDTH


NAMES = st.one_of(
    st.sampled_from(
        [
            *("id", "event_id", "impression_id", "click_id", "user_id", "ts", "event_timestamp", "time", "at", "cost"),
            *("price", "campaign", "campaign_id", "device_type", "browser", "state", "spend", "ctr", "country", "a.b"),
            *("adclick_x", "source_topic", "sum_cost", "key", "", "no_cost", "x" * 80, *NASTY),
        ]
    ),
    st.text(max_size=8),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "{", "x" * 2_000, "0.1", "1e400", "9" * 400, *NASTY, START_MS, START_MS // 1_000]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shown=RECORDS, clicked=RECORDS, likely=st.booleans(), topic=st.sampled_from(["views", "ad-clicks", "ctr_results"])
)
def test_whatever_is_sampled_the_text_is_a_catalog_or_the_error_is_typed(
    shown: list[dict[str, Any]], clicked: list[dict[str, Any]], likely: bool, topic: str
) -> None:
    if likely:
        shown = [shown[n % len(shown)] | {"event": {"id": f"v-{n}", "at": START_MS + n}} for n in range(12)]
        clicked = [clicked[n % len(clicked)] | {"view_id": f"v-{n}", "event_timestamp": START_MS} for n in range(12)]
    try:
        found = propose.of_topics(sample(topic, shown), sample("clicks", clicked), NOW_MS)
        text = toml.of_proposal(found)
    except AdclickError as error:
        _typed(error)
        return
    tomllib.loads(text)
    try:
        catalog = load_text(text, "adclick.toml")
    except AdclickError as error:
        # A topic of adclick's own is refused by the check.
        assert topic != "views"
        _typed(error)
        return
    assert catalog.results[-1].by
    if likely:
        assert events(catalog.impressions, shown)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=5))
def test_any_bytes_are_a_sample_or_a_typed_error(values: list[bytes | None]) -> None:
    try:
        found = of_messages("t", values)
        propose.of_log(found, NOW_MS)
    except AdclickError as error:
        _typed(error)


def test_a_log_without_an_id_gets_those_of_replay() -> None:
    rows = [{"campaign": f"c-{n % 3}", "time": "2025-11-20 10:00:00"} for n in range(100)]
    text = toml.of_proposal(propose.of_log(sample("log", rows), NOW_MS))
    catalog = load_text(text, "adclick.toml")
    assert catalog.impressions.id == ("impression_id",)
    assert catalog.impressions.time_unit == "iso8601"
    assert catalog.clicks == CATALOG.clicks
    assert "No field is an id: `adclick replay` gives each row one of this name." in text


def test_many_fields_are_not_all_declared() -> None:
    shown = [view(n, **{f"f{number}": f"v-{n % 4}" for number in range(40)}) for n in range(60)]
    text, catalog = proposed(sample("views", shown), sample("clicks", CLICKS))
    assert len(catalog.impressions.fields) < 30
    assert "# Not declared:" in text
    assert '# f39: 4 values: "v-0", "v-1", "v-2", …' in text


def test_json_numbers_stay_as_they_are_written() -> None:
    values = [json.dumps(one).replace('"price": ', '"price": 1').encode() for one in VIEWS]
    found = propose.of_topics(of_messages("views", values), sample("clicks", [click(n) for n in range(50)]), NOW_MS)
    assert "# numbers from 10.001 to 10.05" in toml.of_proposal(found)
