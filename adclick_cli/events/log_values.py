"""What the texts of a log's rows mean, and which rows are refused: one pass over the log, in DuckDB.

Times, costs and clicks become values here; a text that is none makes the whole log refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adclick_cli import schema
from adclick_cli.errors import AdclickError, InputFileError, ParameterError
from adclick_cli.events import time_unit
from adclick_cli.events.log_file import LogFile
from adclick_cli.events.log_table import BROKEN, header, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

CLICKED = "clicked"
DEFAULTS: Mapping[str, str] = {
    "user_id": "",
    "ad_id": "",
    "device_type": "unknown",
    "browser": "unknown",
}
"""The text of a field that has no column, and of a row whose value is empty or null."""
TABLE = "replayed"
SHOWN_ROWS = 3
LONGEST_SHOWN = 60

_WHOLE = r"[+-]?[0-9]{1,18}(\.0*)?"
_DECIMAL = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_YES = ("1", "true", "t", "yes", "y", "on")
_NO = ("0", "false", "f", "no", "n", "off")


@dataclass(frozen=True)
class Check:
    """A field that is no text.

    Attributes:
        sql: its value, from the text `{}`; null where the text is none.
        empty: its value where the text is empty or null, as SQL.
        wrong: how a text that cannot be read is called.
        takes: what can be read, a sentence.
        hint: more about one text that cannot.
    """

    sql: str
    empty: str
    wrong: str
    takes: str
    hint: Callable[[str], str] = lambda _: ""


def _time_sql() -> str:
    ms = "TRY_CAST(split_part({}, '.', 1) AS BIGINT)"
    # Python's logging writes a comma before milliseconds; Rails and git write a space before the offset.
    usual = f"regexp_replace(replace({{}}, ',', '.'), {literal(' +([+-])')}, {literal(chr(92) + '1')})"
    # Cut to milliseconds: `epoch_ms` rounds, which would move the last moment of a window into the next one.
    us = f"epoch_us(COALESCE(TRY_CAST({{}} AS TIMESTAMPTZ), TRY_CAST({usual} AS TIMESTAMPTZ)))"
    return (
        f"CASE WHEN regexp_full_match({{}}, {literal(_WHOLE)})"
        f" THEN CASE WHEN {ms} >= {time_unit.FIRST_MS} AND {ms} < {time_unit.LAST_MS} THEN {ms} END"
        # Not the words `epoch` and `infinity`, which DuckDB takes for times.
        f" WHEN {{}}[1] BETWEEN '0' AND '9'"
        f" THEN CASE WHEN {us} >= 0 AND {us} < {time_unit.LAST_MS * 1000} THEN {us} // 1000 END END"
    )


def _about_time(text: str) -> str:
    return time_unit.describe(text) if text else "It is empty."


def _about_click(text: str) -> str:
    looks_like_time = len(text) > 5 and text[0].isdigit()
    return "The time of a click is not read; --click-delay dates it." if looks_like_time else ""


def _one_of(texts: Collection[str]) -> str:
    return "(" + ", ".join(map(literal, texts)) + ")"


CHECKS: Mapping[str, Check] = {
    schema.STAMP: Check(
        _time_sql(),
        "NULL",
        "no time",
        "It takes an ISO time from 1970 to 2099 (UTC where it names no zone), or milliseconds since the epoch.",
        _about_time,
    ),
    "cost": Check(
        f"CASE WHEN regexp_full_match({{}}, {literal(_DECIMAL)}) AND isfinite(TRY_CAST({{}} AS DOUBLE))"
        " THEN TRY_CAST({} AS DOUBLE) END",
        "0",
        "no number",
        "It takes a number such as 0.25.",
    ),
    CLICKED: Check(
        f"CASE WHEN lower({{}}) IN {_one_of(_YES)} OR regexp_full_match({{}}, '1\\.0*') THEN TRUE"
        f" WHEN lower({{}}) IN {_one_of(_NO)} OR regexp_full_match({{}}, '0\\.0*') THEN FALSE END",
        "FALSE",
        "neither yes nor no",
        f"It takes {', '.join(_YES)} for a click and {', '.join(_NO)} or nothing for none.",
        _about_click,
    ),
}
"""Each field of an impression that is no text, and whether it was clicked."""
TEXTS = tuple(name for name in schema.IMPRESSION.field_names if name not in CHECKS)


def load(
    db: DuckDBPyConnection, rows: str, found: Collection[str], constants: Mapping[str, str], needed: Collection[str]
) -> None:
    """Make the table of rows with their values, and for each checked field the texts that cannot be read.

    A row's number in the log is its `rowid` + 1.

    Args:
        db: where the table is made.
        rows: the SELECT of the rows as texts.
        found: the fields that it gives.
        constants: a fixed text for a field.
        needed: the fields that `missing` will be asked about.

    Raises:
        duckdb.Error: the log cannot be read.
    """
    texts = {name: _text(name, found, constants) for name in (*TEXTS, *CHECKS)}
    inner = ", ".join(f"{sql} AS {name}" for name, sql in texts.items())
    values = ", ".join(_value(name, check) for name, check in CHECKS.items())
    plain = ", ".join(
        f"COALESCE({name}, {literal(DEFAULTS[name])}) AS {name}" if name in DEFAULTS else name for name in TEXTS
    )
    bad = ", ".join(_bad(name, check) for name, check in CHECKS.items())
    read = ", ".join(f"value_{name} AS {name}" for name in CHECKS)
    given = "".join(f"{name} IS NOT NULL AS has_{name}, " for name in needed)
    db.execute(
        f"CREATE TABLE {TABLE} AS SELECT {plain}, {read}, {bad}, {given}{BROKEN} FROM ("  # noqa: S608
        f"SELECT *, {values} FROM (SELECT {inner}, {BROKEN} FROM ({rows})))"
    )


def _text(name: str, found: Collection[str], constants: Mapping[str, str]) -> str:
    sql = literal(constants[name]) if name in constants else name if name in found else "NULL"
    if name in CHECKS:
        sql = f"trim({sql}, e' \\t\\r\\n')"
    return sql if name in constants and name in TEXTS else f"NULLIF({sql}, '')"


def _value(name: str, check: Check) -> str:
    return f"CASE WHEN {name} IS NULL THEN {check.empty} ELSE {check.sql.replace('{}', name)} END AS value_{name}"


def _bad(name: str, check: Check) -> str:
    return f"CASE WHEN value_{name} IS NULL THEN COALESCE({name}, '') END AS bad_{name}"


def missing(db: DuckDBPyConnection, fields: Collection[str]) -> list[str]:
    """Those of the fields that no row of the log has."""
    if not fields or not db.execute(f"SELECT count(*) > 0 FROM {TABLE}").fetchall()[0][0]:  # noqa: S608
        return []
    sums = ", ".join(f"bool_or(has_{name})" for name in fields)
    row = db.execute(f"SELECT {sums} FROM {TABLE}").fetchall()[0]  # noqa: S608
    return [name for name, there in zip(fields, row, strict=True) if not there]


def rejected(db: DuckDBPyConnection, log: LogFile) -> None:
    """Refuse a log with rows that are no record.

    Raises:
        InputFileError: it names the first of them, and says how many there are.
    """
    if log.form in ("csv", "tsv"):
        _rejected_csv(db, log)
    rows = _rows(db, BROKEN)
    if rows:
        first = db.execute(f"SELECT {BROKEN} FROM {TABLE} WHERE rowid = ?", [rows.first - 1]).fetchall()[0][0]  # noqa: S608
        raise InputFileError(
            f"{log.name}, row {rows.first}: {first}",
            rows.told() or "All other rows can be read.",
            "Nothing was sent. Correct the log: one JSON object with single values a row.",
        )


def _rejected_csv(db: DuckDBPyConnection, log: LogFile) -> None:
    found = db.execute(
        "SELECT count(*), min(line), arg_min(error_message, line), arg_min(csv_line, line) FROM reject_errors"
    ).fetchall()[0]
    count, line, reason, text = found
    if count:
        raise InputFileError(
            f"{log.name}, line {line}: {shown(text)} is no row of this table",
            f"{reason}" + (f" {count:,} lines cannot be read." if count > 1 else ""),
            "Nothing was sent. Correct the log: each row has as many values as the header has names, in UTF-8.",
        )
    empty = not db.execute(f"SELECT count(*) FROM {TABLE}").fetchall()[0][0]  # noqa: S608
    if empty and not header(log).last:
        raise InputFileError(
            f"no row of {log.name} can be read",
            "Its header ends in another line break than its rows.",
            "Nothing was sent. Give each line the same end, for example with `tr -d '\\r'`.",
        )


@dataclass(frozen=True)
class Rows:
    """Rows that have the same fault, counted from 1."""

    count: int
    numbers: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first of them."""
        return self.numbers[0]

    def told(self) -> str:
        """A sentence about how many there are; empty for a single one."""
        if self.count == 1:
            return ""
        more = ", …" if self.count > len(self.numbers) else ""
        return f"{self.count:,} rows are like this: {', '.join(f'{number:,}' for number in self.numbers)}{more}."


def _rows(db: DuckDBPyConnection, column: str) -> Rows | None:
    """The rows where a column is not null."""
    count = db.execute(f"SELECT count({column}) FROM {TABLE}").fetchall()[0][0]  # noqa: S608
    if not count:
        return None
    query = f"SELECT rowid + 1 FROM {TABLE} WHERE {column} IS NOT NULL ORDER BY rowid LIMIT {SHOWN_ROWS}"  # noqa: S608
    return Rows(int(count), tuple(int(row[0]) for row in db.execute(query).fetchall()))


def refused(
    db: DuckDBPyConnection, log: LogFile, columns: Mapping[str, str], constants: Mapping[str, str]
) -> AdclickError | None:
    """The error for values that cannot be read; None where all can.

    Args:
        db: where `load` has made the table.
        log: the log.
        columns: the log's column of each field.
        constants: a fixed text for a field.
    """
    faults = {name: rows for name in CHECKS if (rows := _rows(db, f"bad_{name}"))}
    if not faults:
        return None
    name = min(faults, key=lambda name: faults[name].first)
    rows, check = faults[name], CHECKS[name]
    text = db.execute(f"SELECT bad_{name} FROM {TABLE} WHERE rowid = ?", [rows.first - 1]).fetchall()[0][0]  # noqa: S608
    if name in constants:
        why = " ".join(part for part in (check.hint(text), check.takes) if part)
        return ParameterError("set", f"{name}={constants[name]}", why, "Give another text with --set.")
    column = columns[name]
    repeated = "It is the column's own name: the header stands in the log again." if text == column else ""
    others = [
        f"Column {columns.get(other, other)} cannot be read in {found.count:,} row{'s' if found.count > 1 else ''},"
        f" first in row {found.first:,}."
        for other, found in faults.items()
        if other != name
    ]
    parts = (repeated or check.hint(text), check.takes, rows.told(), *others)
    return InputFileError(
        f"{log.name}, row {rows.first}: {shown(text)} in column {column} is {check.wrong}",
        " ".join(part for part in parts if part),
        f"Nothing was sent. Correct the log, or map another column with --map {name}=COLUMN.",
    )


def shown(text: str) -> str:
    """A text of the log in a message: quoted, without control characters, cut where it is long."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…")
