"""Nothing that a user gives becomes SQL: hostile values are rendered and the script is read back, token by token."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli import security
from adclick_cli import settings as program_settings
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import Catalog
from adclick_cli.catalog.problems import CatalogError
from adclick_cli.commands.pipeline_flags import FLAGS
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline, Topics
from adclick_cli.security import Security
from adclick_cli.sql import options, render
from adclick_cli.sql.script import compact, statements

# SQL's own lexical rules (SQL:2016 §5.2), written anew: the renderer's quoting is what is tested.
TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<block>/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<name>`(?:[^`]|``)*`)"
    r"|(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<number>\d+(?:\.\d+)?(?:E[+-]?\d+)?)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
BREAKERS = ["'", "''", "\\'", "';", "--", "/*", "*/", "`", '"', "\\", ";", "{{", "}}", "{%", "${", "U&'", "x'"]
BREAKERS += [" DROP TABLE ctr_results", ") WITH (", "SET 'a' = 'b'"]
HOSTILE = st.lists(
    st.one_of(st.sampled_from(BREAKERS), st.text(max_size=8)),
    min_size=1,
    max_size=6,
).map(lambda parts: "".join("".join(parts).splitlines()) or "'")


def _tokens(sql: str) -> list[tuple[str, str]]:
    """Kind and text of each token, blanks left out; a text literal's content is not part of what is compared."""
    found = [(str(match.lastgroup), match.group()) for match in TOKEN.finditer(sql)]
    return [(kind, "" if kind == "text" else text) for kind, text in found if kind != "space"]


def _texts(sql: str) -> list[str]:
    return [match.group()[1:-1].replace("''", "'") for match in TOKEN.finditer(sql) if match.lastgroup == "text"]


@cache
def _plain(pipeline: Pipeline) -> str:
    return render.script(pipeline)


@cache
def _of_plain(sql: str) -> tuple[list[tuple[str, str]], int]:
    """Tokens and statements of a script that no hostile value is in: the same for every example."""
    return _tokens(sql), len(statements(sql))


def _same_statements(hostile: str, plain: str) -> None:
    tokens, count = _of_plain(plain)
    assert _tokens(hostile) == tokens
    assert len(statements(hostile)) == count
    # What sql-client is sent, each statement on one line, says the same.
    without_comments = [token for token in tokens if token[0] != "comment"]
    assert [token for token in _tokens(compact(hostile)) if token[0] != "comment"] == without_comments


@settings(max_examples=30, deadline=None)
@given(HOSTILE, st.sampled_from(sorted(set(Topics.__dataclass_fields__) - {"truth"})))  # Flink never reads the truth
def test_a_topic_that_slipped_past_its_parser_stays_a_text(value: str, topic: str) -> None:
    plain = Pipeline(early=Duration(15_000))
    script = render.script(replace(plain, topics=replace(Topics(), **{topic: value})))
    _same_statements(script, _plain(plain))
    assert value in _texts(script)


@settings(max_examples=30, deadline=None)
@given(HOSTILE)
def test_servers_and_savepoints_that_slipped_past_stay_texts(value: str) -> None:
    state = dict.fromkeys(render.JOBS, value)
    script = render.script(Pipeline(bootstrap_servers=value), state=state)
    _same_statements(script, render.script(Pipeline(), state=dict.fromkeys(render.JOBS, "x")))
    # A short text, a space for example, stands in the SQL anyway.
    plain = _texts(_plain(Pipeline()))
    assert _texts(script).count(value) == plain.count(value) + plain.count("127.0.0.1:9092") + len(state)


@settings(max_examples=30, deadline=None)
@given(HOSTILE)
def test_a_path_of_the_secrets_stays_a_text(value: str) -> None:
    login = Security("SASL_SSL", "PLAIN", username="a", password="b")
    plain = render.script(Pipeline(), options.kafka(Pipeline(), security.java(login, "/x")))
    try:
        made = security.java(login, f"/{value}")
    except ParameterError:
        assert set(value) & set(":},")
        return
    script = render.script(Pipeline(), options.kafka(Pipeline(), made))
    _same_statements(script, plain)
    assert f"${{adclick:/{value}:sasl.jaas.config}}" in _texts(script)


CATALOG = """
[events.impressions.fields]
country = {{ path = {path}, default = {default} }}
[events.clicks]
parent = {parent}
[results.spend]
by = ["country"]
metrics = ["clicks"]
"""


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTILE, min_size=3, max_size=3))
def test_paths_and_defaults_of_a_catalog_stay_texts(values: list[str]) -> None:
    with TemporaryDirectory() as folder:
        plain, hostile = (
            _declared(Path(folder) / "adclick.toml", given)
            for given in (["a.b", "c", "d.e"], [f"a.{one}" for one in values])
        )
    assert plain is not None
    if hostile is not None:
        script = render.script(Pipeline(catalog=hostile))
        _same_statements(script, _plain(Pipeline(catalog=plain)))
        assert {f"a.{one}" for one in values} <= set(_texts(script))


def _declared(path: Path, values: list[str]) -> Catalog | None:
    """The catalog of the file, or None where it is refused."""
    names = ("path", "default", "parent")
    path.write_text(CATALOG.format(**{name: json.dumps(one) for name, one in zip(names, values, strict=True)}), "utf-8")
    try:
        return load(path)
    except (CatalogError, ParameterError):
        return None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(name for name, (kind, _) in FLAGS.items() if kind is str)), HOSTILE)
def test_every_text_flag_is_refused_or_changes_texts_and_numbers_alone(name: str, value: str) -> None:
    try:
        pipeline = program_settings.load(**{name: value}).pipeline()
    except ParameterError:
        return
    changed = [
        (before, after)
        for before, after in zip(_of_plain(_plain(Pipeline()))[0], _tokens(render.script(pipeline)), strict=True)
        if before != after
    ]
    assert all(before[0] == after[0] == "number" for before, after in changed)


@pytest.mark.parametrize("breaker", ["a\nb", "a;\r\nDROP", "a\u2028b", "a\n"])
def test_a_line_break_reaches_no_script(breaker: str) -> None:
    with pytest.raises(ParameterError, match="SQL text"):
        render.script(Pipeline(bootstrap_servers=breaker))


def test_templates_take_values_only_through_the_filters() -> None:
    """A value that is no constant of the schema stands behind a filter; the rest is text of the templates."""
    constants = {"stamp", "longest", "letter_characters", "field", "note", "text", "record.name"}
    constants |= {"field.name", "column", "name", "back", "lane", "counts", "order", "buckets"}
    # Names that the catalog's check lets through, and SQL that is made of nothing else (`sql.declared`).
    constants |= {"column.name", "column.sql", "result.name", "by", "window", "loop.index"}
    folder = Path(__file__).parents[2] / "sql_templates"
    for path in folder.glob("*.j2"):
        for expression in re.findall(r"\{\{-?(.*?)-?\}\}", path.read_text(encoding="utf-8"), re.DOTALL):
            bare = expression.strip()
            filtered = re.search(r"\|\s*(literal|interval|double|indent\(\d+\))$", bare)
            named = re.match(r"pipeline\.(\w+)", bare)
            typed = named and not isinstance(getattr(Pipeline(), named.group(1)), str)
            macro = re.match(
                r"(with_options|columns|is_event|scores|pairs|sure|insert)\(|\", ?\" if |arrived_at$|max_ahead", bare
            ) or re.match(
                r"(result\.\w+|dimensions|sums) \| map\(attribute=|times \| join\(|\", while|'\\n' if not loop", bare
            )
            kind = bare == "field.sql"
            assert filtered or typed or macro or kind or bare in constants, f"{path.name}: {bare}"
