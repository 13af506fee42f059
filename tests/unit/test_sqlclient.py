"""Scripts for sql-client: one line a statement on the way there, the script's own lines on the way back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.flink.refusal import refused
from adclick_cli.flink.sqlclient import failure
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import render
from adclick_cli.sql.script import Statement, compact, explained, statements
from tests.builders.wrong_sql import SCRIPT, UNKNOWN

# What sql-client 2.2.1 printed for this script, the list of expected tokens cut short.
BEFORE = (
    "\x1b[34;1m[INFO] Executing SQL from file.\x1b[0m\n\nCommand history file path: history\n"
    "Flink SQL> \x1b[34;1m[INFO] Execute statement succeeded.\x1b[0m\n\n"
    "Flink SQL> CREATE TEMPORARY VIEW v AS SELECT 1 AS one, thing FROM (SELECT 1 AS other)"
    "\x1b[31;1m[ERROR] Could not execute SQL statement. Reason:\n"
)
AFTER = "\x1b[0m\n\nShutting down the session...\ndone.\n"
SYNTAX = (
    'org.apache.flink.sql.parser.impl.ParseException: Encountered "one" at line 1, column 40.\n'
    "Was expecting one of:\n    <IDENTIFIER> ..."
)


def test_each_statement_is_a_line_without_comments() -> None:
    assert compact(SCRIPT).splitlines() == [
        "SET 'table.local-time-zone' = 'UTC';",
        "CREATE TEMPORARY VIEW v AS SELECT 1 AS one, thing FROM (SELECT 1 AS other);",
    ]
    script = render.script(Pipeline())
    lines = compact(script).splitlines()
    assert len(lines) == len(statements(script))
    assert "--" not in compact(script)
    # Nothing but white space and comments is gone.
    words = " ".join(line for line in script.splitlines() if not line.strip().startswith("--")).split()
    assert " ".join(lines).split() == words


def test_statement_sets_and_inserts_start_jobs_and_nothing_else_does() -> None:
    begun = [one.on_one_line.split(" BEGIN ")[0] for one in statements(render.script(Pipeline())) if one.starts_job]
    assert begun == ["EXECUTE STATEMENT SET"] * len(render.JOBS)
    texts = "-- INSERT INTO a\nSET 'a' = 'INSERT INTO b';\n  -- why\n  INSERT INTO c\n  SELECT 1;\n"
    assert [(one.line, one.starts_job) for one in statements(texts)] == [(2, False), (4, True)]


def test_a_position_comes_back_as_the_scripts_own() -> None:
    error = failure(SCRIPT, BEFORE + SYNTAX + AFTER)
    assert error is not None
    assert error.what == "Flink refused the statement at line 4 of the script"
    assert 'Encountered "one" at line 7, column 10.' in error.why
    assert error.why.endswith("Line 7: 1 AS one,")


def test_a_reason_without_a_position_is_found_by_the_name_it_quotes() -> None:
    error = failure(SCRIPT, BEFORE + UNKNOWN + AFTER)
    assert error is not None
    assert error.why == f"{UNKNOWN}\nLine 8: thing"


@pytest.mark.parametrize(
    "reason",
    [
        "org.apache.flink.table.api.ValidationException: Could not find any factory for identifier 'adclick-events'"
        " that implements 'org.apache.flink.table.factories.DeserializationFormatFactory' in the classpath.",
        "java.lang.ClassNotFoundException: adclick.events.EventDeserializer",
    ],
)
def test_a_flink_without_adclicks_classes_is_told_how_to_get_them(reason: str) -> None:
    error = refused(SCRIPT, statements(SCRIPT)[0], reason)
    assert "adclick render --jar FILE" in error.mend
    assert "--jar" not in refused(SCRIPT, statements(SCRIPT)[0], UNKNOWN).mend


def test_success_is_no_failure() -> None:
    assert failure(SCRIPT, BEFORE.replace("[ERROR]", "[INFO]") + AFTER) is None


LINE = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=";-"), min_size=1).filter(
    lambda text: bool(text.strip())
)


@given(st.lists(LINE, min_size=1, max_size=6), st.integers(1, 5), st.data())
def test_every_character_is_found_again(lines: list[str], first: int, data: st.DataObject) -> None:
    statement = Statement(first, "\n".join(lines))
    flat = statement.on_one_line
    column = data.draw(st.integers(1, len(flat)).filter(lambda at: not flat[at - 1].isspace()))
    line, place = statement.place(column)
    assert lines[line - first][place - 1] == flat[column - 1]


@pytest.mark.parametrize("live", [True, False])
def test_an_explained_script_starts_nothing(live: bool) -> None:
    script = explained(render.script(Pipeline(live=live)))
    heads = [line.split()[0] for line in script.splitlines()]
    assert set(heads) == {"SET", "CREATE", "EXPLAIN"}
    assert heads.count("EXPLAIN") == len(render.JOBS)
