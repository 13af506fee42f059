"""The text of a metric becomes a tree that means it, or is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.catalog.duckdb_sql import duckdb
from adclick_cli.catalog.expressions import DEEPEST, LONGEST, ExpressionError, Expressions
from adclick_cli.catalog.flink_sql import flink
from adclick_cli.catalog.tree import Binary, Clicks, Count, Impressions, Negative, Number, Sum, Tree, is_additive
from tests.unit.catalog.builders import FIELDS, parse, printed, trees


@given(trees())
@settings(deadline=None)
def test_a_tree_reads_back_from_its_text(tree: Tree) -> None:
    assert parse(printed(tree)) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("clicks / impressions", Binary("/", Clicks(), Impressions())),
        ("1 + 2 * clicks", Binary("+", Number(Decimal(1)), Binary("*", Number(Decimal(2)), Clicks()))),
        ("1 - 2 - clicks", Binary("-", Binary("-", Number(Decimal(1)), Number(Decimal(2))), Clicks())),
        ("-clicks * 2", Binary("*", Negative(Clicks()), Number(Decimal(2)))),
        ("SUM( cost )", Sum("cost", 6)),
        ("sum(seconds)", Sum("seconds")),
        ("avg(cost)", Binary("/", Sum("cost", 6), Count("cost"))),
        ("count(browser)", Count("browser")),
    ],
)
def test_a_text_means_what_arithmetic_means(text: str, tree: Tree) -> None:
    assert parse(text) == tree


def test_another_metric_is_put_in_as_a_whole() -> None:
    expected = Binary("*", Number(Decimal(2)), Binary("+", Clicks(), Impressions()))
    assert parse("2 * both", both="clicks + impressions") == expected


def test_a_word_of_sql_may_be_the_name_of_a_metric_and_of_a_field() -> None:
    fields = dict.fromkeys(("position", "date", "select"), FIELDS["seconds"])
    found = Expressions({"case": "sum(position)", "it": "case / sum(select) - sum(date)"}, fields).tree("it")
    assert printed(found) == "((sum(position) / sum(select)) - sum(date))"


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("click", "There is no metric click.", "Did you mean clicks?"),
        ("zzz", "There is no metric zzz.", "There are: impressions, clicks, it."),
        ("cost / clicks", "cost is a field of each impression", "sum(cost)"),
        ("sum(coste)", "Impressions have no field coste.", "Did you mean cost?"),
        ("sum(browser)", "the field is of the type text", "count(browser)"),
        ("avg(browser)", "the field is of the type text", "count(browser)"),
        ("sum(cost + 1)", "takes the name of one field", "sum(cost)"),
        ("sum(1)", "takes the name of one field", "sum(cost)"),
        ("sum(sum(cost))", "takes the name of one field", "sum(cost)"),
        ("count(*)", "takes the name of one field", "count(cost)"),
        ("count(cost, browser)", "'count(cost, browser)'", ""),
        ("min(cost)", "min is not there yet.", "Use sum, avg, count."),
        ("max(cost)", "max is not there yet.", "Use sum, avg, count."),
        ("count_distinct(browser)", "count_distinct is not there yet.", "Use sum, avg, count."),
        ("som(cost)", "There is no function som.", "Did you mean sum?"),
        ("clicks(cost)", "There is no function clicks.", ""),
        ("", "It is empty.", ""),
        ("  ", "It is empty.", ""),
        ("clicks +", "It is no expression.", "Allowed are"),
        ("(clicks", "It is no expression.", "Allowed are"),
        ("clicks impressions", "more in it than arithmetic", "Allowed are"),
        ("clicks.impressions", "more in it than arithmetic", "Allowed are"),
        ("sum(a.cost)", "more in it than arithmetic", "Allowed are"),
        ("1e3 * clicks", "1e3 is no number", "18 digits"),
        ("1234567890123456789 * clicks", "is no number", "18 digits"),
        ("1.0000000001 * clicks", "is no number", "9 behind the point"),
        ("clicks -- 1", "'--' cannot be part of it.", ""),
        ("clicks /* x */", "'/*' cannot be part of it.", ""),
        ("clicks % 2", "The character '%' cannot be part of it.", ""),
        ("clicks\n", r"The character '\n' cannot be part of it.", ""),
        ("cli\u0441ks", "The character '\u0441' cannot be part of it.", ""),
        ("clicks + " * 60 + "clicks", f"longer than {LONGEST} characters", "several metrics"),
        ("(" * (DEEPEST + 1) + "clicks" + ")" * (DEEPEST + 1), "stand within one another", "several metrics"),
        ("- " * DEEPEST + "clicks", "stand within one another", "several metrics"),
        ("1+" * 60 + "clicks", "more than 100 parts", "shorter"),
    ],
)
def test_what_is_no_metric_is_refused_with_a_hint(text: str, why: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    if "'count(" not in why:
        assert why in caught.value.why
    assert hint in caught.value.hint
    assert caught.value.metric == "it"


def test_a_circle_is_told_from_where_it_begins() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("a + 1", a="2 * b", b="it", c="it")
    assert "it -> a -> b -> it" in caught.value.why
    with pytest.raises(ExpressionError) as caught:
        Expressions({"it": "a", "a": "it", "c": "a"}, FIELDS).tree("c")
    # What is only made of the circle is not itself to blame.
    assert "a -> it -> a" in caught.value.why
    assert caught.value.metric == "a"


def test_a_metric_that_grows_with_each_reference_is_refused() -> None:
    doubled = {f"m{number}": f"m{number - 1} + m{number - 1}" for number in range(1, 60)}
    with pytest.raises(ExpressionError, match="more than 100 parts") as caught:
        Expressions({"m0": "clicks", **doubled}, FIELDS).tree("m59")
    assert caught.value.metric == "m6"


def test_a_long_row_of_metrics_is_refused_and_no_crash() -> None:
    row = {f"m{number}": f"m{number - 1} + 0" for number in range(1, 2_000)}
    with pytest.raises(ExpressionError, match="more than 100 parts"):
        Expressions({"m0": "clicks", **row}, FIELDS).tree("m1999")


@pytest.mark.parametrize(
    ("text", "additive"),
    [
        ("impressions", True),
        ("clicks - -impressions", True),
        ("sum(cost) + count(browser)", True),
        ("clicks + 1", False),
        ("2 * clicks", False),
        ("clicks / impressions", False),
        ("avg(cost)", False),
    ],
)
def test_what_adds_up_is_known(text: str, additive: bool) -> None:
    assert is_additive(parse(text)) is additive


_WORDS = """clicks impressions cost sum(cost) ( ) , ; ' " ` -- /* */ 1 OR SELECT FROM DROP CAST(clicks AS::int || $$ \\
{{ + - * / % = < count(*) EXISTS( . [0] @x # \u0000 \u00e9 CASE WHEN UNION"""
_PIECES = st.sampled_from([*_WORDS.split(), " ", "\n"])


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PIECES, max_size=8).map("".join), st.lists(_PIECES, max_size=8).map(" ".join)))
def test_whatever_is_written_only_a_tree_of_known_parts_comes_out(text: str) -> None:
    try:
        tree = parse(text)
    except ExpressionError:
        return
    known = {"impression_count", "click_count", "sum_cost", "CAST", "AS", "NULLIF", "DOUBLE", "BIGINT", "DECIMAL"}
    for sql in (flink(tree), duckdb(tree)):
        words = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in sql).split()
        assert {word for word in words if not word.isdigit()} <= known | {word.lower() for word in known}
        assert set(sql) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ().,+-*/:")
        assert "--" not in sql
        assert "/*" not in sql
