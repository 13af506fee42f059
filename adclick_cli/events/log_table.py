"""The rows of a log as texts, exactly as they are written there: one SELECT for each form.

Nothing is guessed: neither types nor the layout of a CSV file. An id `1.10` stays `1.10`, whatever the form of the log.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from adclick_cli.errors import InputFileError
from adclick_cli.events.log_file import HEAD, LogFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DELIMITERS = ",;\t|"
BROKEN = "broken"
"""The column that says why a row is no record at all; null where it is one."""

_FLOAT = r"-?[0-9.]*[.eE][0-9eE.+-]*|-?NaN|-?Infinity"
"""How DuckDB renders a JSON number that it may have rewritten: 1e5 becomes 100000.0. Whole numbers stay as written."""
_MINUS_ZERO = r":\s*-0\s*[,}]"
_STRING_OR_NUMBER = r'("(?:[^"\\]|\\.)*"(?:\s*:\s*)?)(-?[0-9][^\s,}\]]*|-?[Nn][Aa][Nn]|-?[Ii][Nn][Ff][A-Za-z]*)?'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def select(
    db: DuckDBPyConnection, log: LogFile, wanted: Mapping[str, str], needed: Collection[str], texts: Collection[str]
) -> tuple[str, set[str]]:
    """A SELECT that gives the log's rows in its order, and the fields that are columns of it.

    Args:
        db: where the SELECT will run.
        log: the log.
        wanted: the log's column of each field.
        needed: fields whose column has to be there. In JSON each row has columns of its own: look at the rows.
        texts: fields that are texts, to be kept as written.

    Raises:
        InputFileError: a column is not there, is there twice, or holds no single values.
    """
    if log.form == "json":
        return _json(log, wanted, texts), set(wanted)
    if log.form == "parquet":
        return _parquet(db, log, wanted, needed)
    return _csv(log, wanted, needed)


def absent(log: LogFile, field: str, column: str, there: list[str]) -> InputFileError:
    """A column that a field needs is not in the log."""
    return InputFileError(
        f"{log.name} has no column {column!r} for {field}",
        f"Its columns: {', '.join(there)}.",
        f"Map one with --map {field}=COLUMN.",
    )


def _found(log: LogFile, wanted: Mapping[str, str], needed: Collection[str], there: list[str]) -> dict[str, str]:
    """The fields that have a column."""
    times = Counter(there)
    for field, column in wanted.items():
        if not times[column] and field in needed:
            raise absent(log, field, column, there)
        if times[column] > 1:
            raise InputFileError(
                f"{log.name} has {times[column]} columns {column!r}",
                f"Which of them is {field} cannot be known. Its columns: {', '.join(there)}.",
                "Give each column of the log a name of its own.",
            )
    return {field: column for field, column in wanted.items() if times[column]}


@dataclass(frozen=True)
class Header:
    """The first line of a CSV file that is not blank.

    Attributes:
        names: the columns.
        delimiter: what stands between them: the character that cuts the header into the most names.
        line_end: what ends it, and so each row. DuckDB finds another one where a name or value has a line break in it.
        blank: lines before it.
        last: whether nothing but blank lines follows, as far as the head of the log goes.
    """

    names: list[str]
    delimiter: str
    line_end: str
    blank: int
    last: bool


def header(log: LogFile) -> Header:
    """The header of a CSV file.

    Raises:
        InputFileError: it is no text in UTF-8, or cannot be cut into names.
    """
    text = log.head.decode("utf-8", "surrogateescape")
    bare = text.lstrip("\r\n")
    before = text[: len(text) - len(bare)]
    line = _first_line(bare)
    if any("\udc80" <= character <= "\udcff" for character in line):
        raise InputFileError(
            f"the header of {log.name} is not in UTF-8", "", "Convert the log, for example with `iconv -t utf-8`."
        )
    found, wrong = [], ""
    for delimiter in "\t" if log.form == "tsv" else DELIMITERS:
        try:
            found.append((next(csv.reader(StringIO(line, newline=""), delimiter=delimiter, strict=True)), delimiter))
        except (csv.Error, StopIteration) as error:
            # A quoted name, for example, ends before another delimiter than this one.
            wrong = wrong or f"{error}."
    if not found:
        raise InputFileError(
            f"the header of {log.name} cannot be read", wrong, "The first line names the columns, as in a,b,c."
        )
    names, delimiter = max(found, key=lambda one: len(one[0]))
    return Header(
        [name.strip() for name in names],
        delimiter,
        line[len(line.rstrip("\r\n")) :],
        before.count("\n") or before.count("\r"),
        not bare[len(line) :].strip(),
    )


def _first_line(text: str) -> str:
    """A text up to its first line break that no quotes enclose, with it."""
    lines, quotes = [], 0
    for line in StringIO(text, newline=""):
        lines.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            break
    return "".join(lines)


def _csv(log: LogFile, wanted: Mapping[str, str], needed: Collection[str]) -> tuple[str, set[str]]:
    first = header(log)
    found = _found(log, wanted, needed, first.names)
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(first.names)))
    chosen = "".join(f"c{first.names.index(column)} AS {field}, " for field, column in found.items())
    # A lone CR is found by DuckDB, which takes no such setting.
    ends = {"\n": "\\n", "\r\n": "\\r\\n"}
    line_end = f", new_line = '{ends[first.line_end]}'" if first.line_end in ends else ""
    return (
        f"SELECT {chosen}NULL AS {BROKEN} FROM read_csv({literal(str(log.path))}, auto_detect = false, header = true,"  # noqa: S608
        f" delim = {literal(first.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}{line_end},"
        f" skip = {first.blank}, hive_partitioning = false, compression = 'none', store_rejects = true)"
    ), set(found)


def _parquet(
    db: DuckDBPyConnection, log: LogFile, wanted: Mapping[str, str], needed: Collection[str]
) -> tuple[str, set[str]]:
    # Old writers mark no text as text.
    source = f"read_parquet({literal(str(log.path))}, binary_as_string = true, hive_partitioning = false)"
    types = {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}  # noqa: S608
    found = _found(log, wanted, needed, list(types))
    for field, column in found.items():
        if types[column].endswith("]") or types[column].startswith(("STRUCT", "MAP", "UNION", "VARIANT")):
            raise InputFileError(
                f"column {column} of {log.name} holds no single values",
                f"Its type is {types[column]}; {field} is one text or one number.",
                f"Map another column with --map {field}=COLUMN.",
            )
    chosen = ", ".join(f"CAST({_identifier(column)} AS VARCHAR) AS {field}" for field, column in found.items())
    return f"SELECT {chosen}, NULL AS {BROKEN} FROM {source}", set(found)  # noqa: S608


def layout(head: bytes) -> str:
    """How the objects of a JSON file stand in it, as DuckDB names it."""
    text = head.lstrip()
    if text.startswith(b"["):
        return "array"
    line, end, _ = text.partition(b"\n")
    try:
        json.loads(line.decode("utf-8", "replace"))
    except ValueError:
        # One object over several lines, or several objects in one; or a first line that is longer than the head.
        return "unstructured" if end or len(head) < HEAD else "newline_delimited"
    return "newline_delimited"


def _json(log: LogFile, wanted: Mapping[str, str], texts: Collection[str]) -> str:
    form = layout(log.head)
    paths = [literal("/" + column.replace("~", "~0").replace("/", "~1")) for column in wanted.values()]
    listed = f"[{', '.join(paths)}]"
    rewritten = " OR ".join(_rewritten(f"found[{n}]") for n, field in enumerate(wanted, 1) if field in texts)
    nested = ", ".join(_nested(f"found[{n}]", paths[n - 1], column) for n, column in enumerate(wanted.values(), 1))
    # Strings are matched first, so that no number inside one is; a mark before and behind each number becomes a quote.
    marked = f"regexp_replace(CAST(json AS VARCHAR), {literal(_STRING_OR_NUMBER)}, '\\1\x01\\2\x02', 'g')"
    quoted = f"replace(replace(replace({marked}, '\x01\x02', ''), '\x01', '\"'), '\x02', '\"')"
    # Rows that are no JSON are told apart only where each line is a row.
    ignore = "true" if form == "newline_delimited" else "false"
    chosen = ", ".join(f"found[{n}] AS {field}" for n, field in enumerate(wanted, 1))
    return (
        f"SELECT {chosen}, {BROKEN} FROM (SELECT CASE WHEN json IS NULL THEN 'it is no JSON'"  # noqa: S608
        f" WHEN json_type(json) <> 'OBJECT' THEN 'it is no JSON object' ELSE COALESCE({nested}) END AS {BROKEN},"
        f" CASE WHEN {rewritten or 'FALSE'} THEN json_extract_string({quoted}, {listed}) ELSE found END AS found"
        f" FROM (SELECT json, json_extract_string(json, {listed}) AS found"
        f" FROM read_json_objects({literal(str(log.path))}, format = '{form}', ignore_errors = {ignore},"
        " hive_partitioning = false, compression = 'none')))"
    )


def _rewritten(text: str) -> str:
    return (
        f"COALESCE(regexp_full_match({text}, {literal(_FLOAT)})"
        f" OR ({text} = '0' AND regexp_matches(CAST(json AS VARCHAR), {literal(_MINUS_ZERO)})), FALSE)"
    )


def _nested(text: str, path: str, column: str) -> str:
    reason = literal(f"its {column} is an object or a list")
    return (
        f"CASE WHEN {text}[1] IN ('{{', '[') THEN"
        f" CASE WHEN json_type(json, {path}) IN ('OBJECT', 'ARRAY') THEN {reason} END END"
    )


def keys(db: DuckDBPyConnection, log: LogFile) -> list[str]:
    """The names in the first objects of a JSON file."""
    source = f"read_json_objects({literal(str(log.path))}, format = '{layout(log.head)}', compression = 'none')"
    first = f"SELECT unnest(json_keys(json)) AS name FROM (SELECT json FROM {source} LIMIT 100)"  # noqa: S608
    return [row[0] for row in db.execute(f"SELECT DISTINCT name FROM ({first}) ORDER BY name").fetchall()]  # noqa: S608
