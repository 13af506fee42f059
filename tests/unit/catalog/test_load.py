"""A project's file extends the built-in catalog; what cannot work is told with file, line, key, value and mend."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from adclick_cli import schema
from adclick_cli.catalog import builtin
from adclick_cli.catalog.check import check
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import EventField, Result
from adclick_cli.catalog.problems import CatalogError
from adclick_cli.catalog.tree import Count, Sum
from adclick_cli.errors import EXIT_FAILURE, ParameterError
from adclick_cli.views import catalog as view
from tests.unit.catalog.builders import declared, refused

NESTED = """
window = "5m"

[events.impressions]
topic = "shop.views"
id = "event.id"
time = "event.at"
time_unit = "us"
[events.impressions.fields]
campaign_id = "campaign.id"
device_type = { path = "device.type", default = "unknown" }
country = { path = "geo.country", default = "??" }
price = { type = "decimal", precision = 12, scale = 2, default = 0.5 }
seconds = { path = "view.s", type = "integer", optional = true, default = 0 }
seen = { type = "boolean" }
title = "title"

[events.clicks]
topic = "shop.clicks"
parent = "view_id"
time_unit = "iso8601"

[metrics]
spend = "sum(cost)"
cpc = "spend / clicks"
ecpm = "1000 * spend / impressions"

[results.spend]
by = ["country", "device_type"]
metrics = ["impressions", "spend", "cpc"]

[results.views]
topic = "views"
by = ["seen", "seconds"]
metrics = ["clicks", "ecpm"]
live = false
"""


def test_the_built_in_catalog_is_the_schema() -> None:
    found = builtin.CATALOG
    check(found)
    for source, record, own in (
        (found.impressions, schema.IMPRESSION, ("impression_id", "event_timestamp")),
        (found.clicks, schema.CLICK, ("click_id", "impression_id", "event_timestamp")),
    ):
        assert tuple(one.name for one in source.fields) == tuple(n for n in record.field_names if n not in own)
        assert {one.name for one in source.fields if one.required} == {n for n in record.required if n not in own}
        assert {one.name: one.path for one in source.fields} == {one.name: (one.name,) for one in source.fields}
    for record in (schema.CTR, schema.ENGAGEMENT):
        result = found.result(record.name)
        assert ("window_start", "window_end", *found.columns(result)) == record.field_names
        assert result.topic == record.default_topic
        assert result.by == record.key[2:]
    assert found.result("ctr").live_topic == schema.CTR_LIVE.default_topic
    assert found.result("engagement").live_topic == schema.ENGAGEMENT_LIVE.default_topic
    assert found.dimensions == ("campaign_id", "device_type")
    assert found.leaves == ()


def test_without_a_file_and_without_a_word_in_it_the_catalog_is_the_built_in_one(tmp_path: Path) -> None:
    assert load() is builtin.CATALOG
    assert declared(tmp_path, 'window = "1m"\nmetrics = true\n') == builtin.CATALOG
    assert declared(tmp_path, "[metrics]\n[events.impressions]\n[events.clicks.fields]\n") == builtin.CATALOG


def test_what_the_built_in_catalog_says_may_be_said_again(tmp_path: Path) -> None:
    text = """
    [events.impressions]
    topic = "ad-impressions"
    [events.impressions.fields]
    cost = { path = "cost", type = "decimal", optional = true }
    [metrics]
    ctr = "clicks/impressions"
    [results.ctr]
    topic = "ctr_results"
    by = ["campaign_id"]
    metrics = ["impressions", "clicks", "ctr"]
    """
    found = declared(tmp_path, text)
    assert found.results == builtin.CATALOG.results
    assert found.metrics[0].tree == builtin.CATALOG.metrics[0].tree
    assert found.impressions.fields == builtin.CATALOG.impressions.fields


def test_fields_are_replaced_and_added_and_the_others_stay(tmp_path: Path) -> None:
    found = declared(tmp_path, NESTED)
    assert (found.impressions.topic, found.impressions.id, found.impressions.time, found.impressions.time_unit) == (
        "shop.views",
        ("event", "id"),
        ("event", "at"),
        "us",
    )
    assert (found.clicks.topic, found.clicks.id, found.clicks.parent, found.clicks.time, found.clicks.time_unit) == (
        "shop.clicks",
        ("click_id",),
        ("view_id",),
        ("event_timestamp",),
        "iso8601",
    )
    assert found.impressions.fields == (
        EventField("user_id", ("user_id",), optional=True),
        EventField("campaign_id", ("campaign", "id")),
        EventField("ad_id", ("ad_id",), optional=True),
        EventField("device_type", ("device", "type"), default="unknown"),
        EventField("browser", ("browser",), optional=True),
        EventField("cost", ("cost",), "decimal", optional=True),
        EventField("country", ("geo", "country"), default="??"),
        EventField("price", ("price",), "decimal", default=Decimal("0.5"), precision=12, scale=2),
        EventField("seconds", ("view", "s"), "integer", optional=True, default=0),
        EventField("seen", ("seen",), "boolean"),
        EventField("title", ("title",)),
    )
    assert found.clicks.fields == builtin.CATALOG.clicks.fields


def test_metrics_and_results_are_added_behind_the_built_in_ones(tmp_path: Path) -> None:
    found = declared(tmp_path, NESTED)
    assert [one.name for one in found.metrics] == ["ctr", "spend", "cpc", "ecpm"]
    assert found.results == (
        *builtin.CATALOG.results,
        Result("spend", "spend_results", ("country", "device_type"), ("impressions", "spend", "cpc")),
        Result("views", "views", ("seen", "seconds"), ("clicks", "ecpm"), live=False),
    )
    assert found.dimensions == ("campaign_id", "device_type", "country", "seen", "seconds")
    assert found.leaves == (Sum("cost", 6),)
    assert [one.name for one in found.needed_fields] == [
        *("campaign_id", "device_type", "country", "seen", "seconds", "cost")
    ]
    assert found.columns(found.result("spend")) == ("country", "device_type", "impression_count", "spend", "cpc")
    assert [str(found.metric(name).type) for name in ("clicks", "spend", "cpc")] == [
        "bigint",
        "decimal(38, 6)",
        "double",
    ]
    assert json.dumps(view.to_json(found))


def test_only_what_a_result_needs_is_summed_up(tmp_path: Path) -> None:
    found = declared(tmp_path, '[metrics]\nspend = "sum(cost)"\nusers = "count(user_id)"\n')
    assert found.leaves == ()
    more = '[results.a]\nby = ["campaign_id"]\nmetrics = ["users", "twice", "users2"]\n'
    metrics = '[metrics]\nusers = "count(user_id)"\nusers2 = "users / 2"\ntwice = "2 * users"\n'
    assert declared(tmp_path, metrics + more).leaves == (Count("user_id"),)


def test_a_name_that_is_not_there_is_no_metric_and_no_result() -> None:
    with pytest.raises(KeyError):
        builtin.CATALOG.metric("spend")
    with pytest.raises(KeyError):
        builtin.CATALOG.result("spend")
    assert builtin.CATALOG.impressions.field("spend") is None


FIELD = "[events.impressions.fields]\n"
RESULT = '[results.spend]\nby = ["campaign_id"]\nmetrics = ["clicks"]\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "value", "why", "hint"),
    [
        ("[events.impression]\n", 1, "events.impression", {}, "no such key", "Did you mean impressions?"),
        ('[events.clicks]\ntopics = "x"\n', 2, "events.clicks.topics", "x", "no such key", "Did you mean topic?"),
        ('[events.impressions]\nparent = "x"\n', 2, "events.impressions.parent", "x", "no such key", "There are"),
        (
            '[results.spend]\nwindow = "5m"\n' + RESULT[16:],
            2,
            "results.spend.window",
            "5m",
            "no such key",
            "above the first",
        ),
        ("[events]\nclicks = 5\n", 2, "events.clicks", 5, "no table", "[events.clicks]"),
        ("[results]\nspend = 5\n", 2, "results.spend", 5, "no table", "[results.spend]"),
        ('[events.clicks]\nformat = "avro"\n', 2, "events.clicks.format", "avro", "not there yet", "Use json."),
        (
            '[events.clicks]\nformat = "avro-confluent"\n',
            2,
            "events.clicks.format",
            "avro-confluent",
            "not there yet",
            "json",
        ),
        ('[events.clicks]\nformat = "jsn"\n', 2, "events.clicks.format", "jsn", "no such value", "Did you mean json?"),
        ('[events.clicks]\ntime_unit = "m"\n', 2, "events.clicks.time_unit", "m", "no such value", "ms"),
        ('[events.clicks]\nid = ""\n', 2, "events.clicks.id", "", "empty", "write something"),
        ('[events.clicks]\nid = "a..b"\n', 2, "events.clicks.id", "a..b", "part of the path is empty", "device.type"),
        ('[events.clicks]\ntime = ".a"\n', 2, "events.clicks.time", ".a", "part of the path is empty", "device.type"),
        ('[events.clicks]\nparent = "a\\nb"\n', 2, "events.clicks.parent", "a\nb", "cannot be seen", "without it"),
        ('[events.clicks]\ntopic = "a b"\n', 2, "events.clicks.topic", "a b", "not the name of a Kafka topic", "249"),
        (
            '[events.clicks]\ntopic = "ctr_live"\n',
            2,
            "events.clicks.topic",
            "ctr_live",
            "adclick's own ctr_live",
            "own",
        ),
        (FIELD + "country = 5\n", 2, "events.impressions.fields.country", 5, "neither a path nor a table", "quotes"),
        (FIELD + 'Country = "c"\n', 2, "events.impressions.fields.Country", "Country", "no name of a column", "small"),
        (FIELD + '"a-b" = "c"\n', 2, "events.impressions.fields.a-b", "a-b", "no name of a column", "small letters"),
        (FIELD + f'{"a" * 64} = "c"\n', 2, f"events.impressions.fields.{'a' * 64}", "a" * 64, "no name", "63"),
        (FIELD + 'state = "c"\n', 2, "events.impressions.fields.state", "state", "column of this name", "another"),
        (FIELD + 'source_x = "c"\n', 2, "events.impressions.fields.source_x", "source_x", "of this name", "another"),
        (FIELD + 'adclick_x = "c"\n', 2, "events.impressions.fields.adclick_x", "adclick_x", "of this name", "another"),
        (
            FIELD + 'a = {path = "b", typ = "text"}\n',
            2,
            "events.impressions.fields.a.typ",
            "text",
            "no such key",
            "type?",
        ),
        (
            FIELD + 'a = {type = "money"}\n',
            2,
            "events.impressions.fields.a.type",
            "money",
            "no such value",
            "text, integer",
        ),
        (FIELD + "a = {type = 5}\n", 2, "events.impressions.fields.a.type", 5, "no text", "quotes"),
        (
            FIELD + 'a = {optional = "yes"}\n',
            2,
            "events.impressions.fields.a.optional",
            "yes",
            "neither true",
            "true or",
        ),
        (
            FIELD + 'ad_id = {type="integer"}\n',
            2,
            "events.impressions.fields.ad_id.type",
            "integer",
            "as a text",
            "Leave",
        ),
        (
            FIELD + "campaign_id = {optional=true}\n",
            2,
            "events.impressions.fields.campaign_id.optional",
            True,
            "ctr",
            "default",
        ),
        (FIELD + "a = {scale = 2}\n", 2, "events.impressions.fields.a.scale", 2, "type text has none", "decimal"),
        (
            FIELD + 'a = {type="decimal", precision=39}\n',
            2,
            "events.impressions.fields.a.precision",
            39,
            "no whole",
            "38",
        ),
        (FIELD + 'a = {type="decimal", scale=true}\n', 2, "events.impressions.fields.a.scale", True, "no whole", "18"),
        (
            FIELD + 'a = {type="decimal", precision=2}\n',
            2,
            "events.impressions.fields.a",
            "decimal(2, 6)",
            "than in all",
            "less",
        ),
        (FIELD + 'offset = "a.b"\n', 2, "events.impressions.fields.offset", "offset", "of this name", "another"),
        (
            FIELD + 'a = {type="decimal", precision=19}\n[metrics]\nm = "2 * sum(a)"\n',
            4,
            "metrics.m",
            "2 * sum(a)",
            "a has 19 digits",
            "precision = 18",
        ),
        (FIELD + "a = {default = 5}\n", 2, "events.impressions.fields.a.default", 5, "type text", "unknown"),
        (FIELD + "a = {default = 1.5}\n", 2, "events.impressions.fields.a.default", 1.5, "type text", "unknown"),
        (FIELD + 'a = {default = ""}\n', 2, "events.impressions.fields.a.default", "", "type text", "unknown"),
        (FIELD + 'a = {default = "[x"}\n', 2, "events.impressions.fields.a.default", "[x", "type text", "unknown"),
        (FIELD + 'a = {default = "x\\n"}\n', 2, "events.impressions.fields.a.default", "x\n", "type text", "unknown"),
        (
            FIELD + f'a = {{default = "{"x" * 1025}"}}\n',
            2,
            "events.impressions.fields.a.default",
            "x" * 1025,
            "text",
            "1024",
        ),
        (
            FIELD + 'a = {type="integer", default = true}\n',
            2,
            "events.impressions.fields.a.default",
            True,
            "integer",
            "0",
        ),
        (
            FIELD + 'a = {type="integer", default = "5"}\n',
            2,
            "events.impressions.fields.a.default",
            "5",
            "integer",
            "0",
        ),
        (
            FIELD + f'a = {{type="integer", default = {2**63}}}\n',
            2,
            "events.impressions.fields.a.default",
            2**63,
            "integer",
            "64",
        ),
        (FIELD + 'a = {type="boolean", default = 0}\n', 2, "events.impressions.fields.a.default", 0, "boolean", "true"),
        (
            FIELD + 'a = {type="decimal", default = "x"}\n',
            2,
            "events.impressions.fields.a.default",
            "x",
            "decimal",
            "0.00",
        ),
        (
            FIELD + 'a = {type="decimal", default = nan}\n',
            2,
            "events.impressions.fields.a.default",
            None,
            "decimal",
            "0.00",
        ),
        (
            FIELD + 'a = {type="decimal", default = "0.0000001"}\n',
            2,
            "events.impressions.fields.a.default",
            Decimal("0.0000001"),
            "decimal",
            "no more digits",
        ),
        (
            FIELD + 'a = {type="decimal", default = 1000000000000}\n',
            2,
            "events.impressions.fields.a.default",
            Decimal("1000000000000"),
            "decimal",
            "no more digits",
        ),
        ("[metrics]\nspend = 5\n", 2, "metrics.spend", 5, "no text", "quotes"),
        ('[metrics]\nspend = "sum(cst)"\n', 2, "metrics.spend", "sum(cst)", "no field cst", "cost?"),
        ('[metrics]\nfive = "5 + 1"\n', 2, "metrics.five", "5 + 1", "same for all", "Name a metric"),
        (
            '[metrics]\nctr = "impressions / clicks"\n',
            2,
            "metrics.ctr",
            "impressions / clicks",
            "clicks / impr",
            "another",
        ),
        ('[metrics]\nclicks = "impressions"\n', 2, "metrics.clicks", "impressions", "there already", "another name"),
        ('[metrics]\nSpend = "clicks"\n', 2, "metrics.Spend", "Spend", "no name of a column", "small letters"),
        ('[metrics]\nwindow_end = "clicks"\n', 2, "metrics.window_end", "window_end", "column of this name", "another"),
        ('[metrics]\ncost = "sum(cost)"\n', 2, "metrics.cost", "cost", "a field, too", "another"),
        (
            '[metrics]\nsum_cost = "2 * sum(cost)"\n',
            2,
            "metrics.sum_cost",
            "sum_cost",
            "its own sum of cost",
            "another",
        ),
        (
            '[metrics]\nspend = "sum(cost)"\n' + FIELD + 'sum_cost = "x"\n',
            4,
            "events.impressions.fields.sum_cost",
            "sum_cost",
            "a metric makes of cost",
            "another name",
        ),
        (RESULT.replace('"campaign_id"', ""), 2, "results.spend.by", [], "by nothing", "campaign_id"),
        (RESULT.replace('"clicks"', ""), 3, "results.spend.metrics", [], "no metric", "ctr"),
        (RESULT.replace('["clicks"]', '"clicks"'), 3, "results.spend.metrics", "clicks", "no list", "["),
        (RESULT.replace('"clicks"', "5"), 3, "results.spend.metrics", [5], "no list", "["),
        (RESULT.replace("clicks", "clickz"), 3, "results.spend.metrics", "clickz", "no such metric", "clicks?"),
        (RESULT.replace('"clicks"', '"ctr", "ctr"'), 3, "results.spend.metrics", "ctr", "there twice", "once"),
        (RESULT.replace("campaign_id", "campaign"), 2, "results.spend.by", "campaign", "no such field", "campaign_id?"),
        (RESULT.replace("campaign_id", "cost"), 2, "results.spend.by", "cost", "an amount", "a text"),
        (RESULT.replace("campaign_id", "browser"), 2, "results.spend.by", "browser", "may be missing", "default ="),
        (RESULT + 'topic = "a/b"\n', 4, "results.spend.topic", "a/b", "not the name of a Kafka topic", "249"),
        (RESULT + 'topic = "ad-truth"\n', 4, "results.spend.topic", "ad-truth", "adclick's own truth", "own"),
        (RESULT + 'live = "no"\n', 4, "results.spend.live", "no", "neither true nor false", "true or false"),
        (RESULT.replace("spend", "alerts"), 1, "results.alerts", "alerts", "topic of this name", "another"),
        (RESULT.replace("spend", "quality"), 1, "results.quality", "quality", "topic of this name", "another"),
        (RESULT.replace("spend", "x_live"), 1, "results.x_live", "x_live", "topic of this name", "another"),
        (RESULT.replace("spend", '"x y"'), 1, "results.x y", "x y", "no name of a column", "small letters"),
        ('[results.ctr]\nby = ["ad_id"]\n', 2, "results.ctr.by", ["ad_id"], "ctr is built in", "another name"),
        ('[results.ctr]\nmetrics = ["ctr"]\n', 2, "results.ctr.metrics", ["ctr"], "ctr is built in", "another name"),
        ("[results.ctr]\nlive = false\n", 2, "results.ctr.live", False, "ctr is built in", "ADCLICK_LIVE"),
        (
            '[results.engagement]\ntopic = "x"\n',
            2,
            "results.engagement.topic",
            "x",
            "built in",
            "ADCLICK_TOPIC_ENGAGEMENT",
        ),
    ],
)
def test_what_cannot_work_is_told_with_file_line_key_value_and_mend(
    tmp_path: Path, text: str, line: int, key: str, value: object, why: str, hint: str
) -> None:
    found = [one for one in refused(tmp_path, text) if one.key == key]
    assert [one.place for one in found] == [f"{tmp_path / 'adclick.toml'}:{line}"]
    if value is not None:
        assert found[0].value == value
    assert why in found[0].why
    assert hint in found[0].hint


def test_two_results_may_not_share_a_topic_nor_one_with_the_live_rows_of_another(tmp_path: Path) -> None:
    again = RESULT.replace("spend", "other")
    found = refused(tmp_path, RESULT + 'topic = "t"\n' + again + 'topic = "t"\n')
    assert [(one.key, one.why) for one in found] == [
        ("results.other.topic", "It is the topic of results.spend, too."),
    ]
    found = refused(tmp_path, RESULT + again + 'topic = "spend_live"\n')
    assert [(one.key, one.why) for one in found] == [
        ("results.other.topic", "It is the topic of the live rows of results.spend, too."),
    ]
    assert refused(tmp_path, RESULT + "live = false\n" + again + 'topic = "spend_live"\n') == []


def test_all_problems_are_told_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        RESULT.replace("clicks", "cpc")
        + '[metrics]\nspend = "sum(cst)"\ncpc = "spend / clicks"\n[events.clicks]\nx = 1\n'
    )
    with pytest.raises(CatalogError) as caught:
        declared(tmp_path, text)
    # cpc and the result are made of spend, and are not to blame.
    assert [one.key for one in caught.value.problems] == ["metrics.spend", "events.clicks.x"]
    assert caught.value.exit_code == EXIT_FAILURE
    assert caught.value.what == "The catalog has 2 problems"
    first = f"{tmp_path / 'adclick.toml'}:5: metrics.spend: 'sum(cst)' cannot be used. Impressions have no field cst."
    assert caught.value.why.splitlines()[0] == first + " Did you mean cost?"


def test_one_problem_is_told_like_any_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as caught:
        declared(tmp_path, '[metrics]\nspend = "sum(cst)"\n')
    assert caught.value.what == f"{tmp_path / 'adclick.toml'}:2: metrics.spend: 'sum(cst)' cannot be used"
    assert caught.value.why == "Impressions have no field cst."
    assert caught.value.mend == "Did you mean cost?"


@pytest.mark.parametrize(("data", "why"), [(b"\xff", "no UTF-8"), (b"[events", "Expected"), (b"a = 1\na = 2\n", "")])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "adclick.toml"
    path.write_bytes(data)
    with pytest.raises(ParameterError) as caught:
        load(path)
    assert str(path) in caught.value.what
    assert why in caught.value.why
    with pytest.raises(ParameterError):
        load(tmp_path / "missing.toml")


def test_a_byte_order_mark_and_ends_of_lines_of_windows_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "adclick.toml"
    path.write_bytes(b'\xef\xbb\xbf[metrics]\r\nspend = "sum(cost)"\r\nbad = "x"\r\n')
    with pytest.raises(CatalogError) as caught:
        load(path)
    assert caught.value.problems[0].place == f"{path}:3"
