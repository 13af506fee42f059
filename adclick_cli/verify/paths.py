"""Raw messages as events whose fields have paths and types: the plain ones by DuckDB, the others one by one.

DuckDB reads a message only where nothing in it can be read in two ways: every value has the kind that is declared, no
name on the way to it stands twice, no digit can get lost. Whatever is less sure is read by `reading`, which knows all
rules. Both give the same texts for the same values.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from adclick_cli.events import reading
from adclick_cli.events.reading import Field, Kind, Schema, Unit

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LONGEST = 20_000
"""Characters; a longer message may reach one of the reader's limits."""
SHORT = 1_000
"""Characters; a message up to this length reaches none of them."""
BATCH = 10_000

_NAME = re.compile(r"[A-Za-z0-9_@$: -]+")
"""Names that DuckDB's paths and regular expressions take as they are, and that only `\\u` can write in another way."""
_MOST_DIGITS = 38

_PLACE = ("partition", "offset", "element", "arrived_ms", "raw")

_PLAIN = """
CREATE OR REPLACE TABLE fields AS
SELECT
    "partition", "offset", 0 AS element, arrived_ms, NULL::BLOB AS raw, {columns}, 'BIGINT' AS stamp_type,
    COALESCE(kinds[1] = 'OBJECT' AND {good} AND {once}, FALSE) AS plain
FROM (
    SELECT
        "partition", "offset", arrived_ms, json,
        json_type(json, ['$', {paths}]) AS kinds,
        json_extract_string(json, ['$', {paths}]) AS texts,
        json_keys(json, [{objects}]) AS keys
    FROM (
        SELECT "partition", "offset", arrived_ms, CASE WHEN
            length(text) <= {longest}
            AND (length(text) <= {short} OR (
                NOT regexp_matches(text, '[0-9]{{300}}')
                AND length(text) - length(translate(text, '{{[', '')) <= {levels}
            ))
            AND NOT regexp_matches(text, '(?i)[:,\\[]\\s*-?(?:nan|inf)')
            AND NOT regexp_matches(text, ',\\s*[}}\\]]')
            AND json_valid(text)
        THEN text END AS json
        FROM (SELECT "partition", "offset", arrived_ms, TRY(decode(value)) AS text FROM messages)
    )
)
"""

_NOTHING_PLAIN = """
CREATE OR REPLACE TABLE fields AS
SELECT
    "partition", "offset", 0 AS element, arrived_ms, NULL::BLOB AS raw, {columns}, NULL::VARCHAR AS stamp_type,
    FALSE AS plain
FROM messages
"""

_OTHERS = """
SELECT m."partition", m."offset", m.arrived_ms, m.value
FROM messages AS m SEMI JOIN (SELECT * FROM fields WHERE NOT plain) AS f
    ON m."partition" = f."partition" AND m."offset" = f."offset"
"""


class _Column(NamedTuple):
    """How a field is read.

    Attributes:
        good: whether its value is surely plain, in SQL.
        value: the value as a text, in SQL.
    """

    good: str
    value: str


def take_apart(db: DuckDBPyConnection, messages: pa.Table, schema: Schema) -> pa.Table:
    """The fields of messages, as `events.take_apart` tells.

    Args:
        db: what does the work; a table of its own is made and dropped in it.
        messages: as `raw.TopicTable` gives them.
        schema: what an event is, its time last.
    """
    import pyarrow as pa

    names = [f"f{number}" for number, _ in enumerate(schema.fields)]
    db.register("messages", messages)
    try:
        db.execute(_plain(schema, names))
        others = _one_by_one(db, schema)
        plain = db.sql("SELECT * EXCLUDE (plain) FROM fields WHERE plain").to_arrow_table()
    finally:
        db.unregister("messages")
    db.execute("DROP TABLE fields")
    columns = [*(one.name for one in schema.fields[:-1]), "stamp"]
    return pa.concat_tables([plain, others.cast(plain.schema)]).rename_columns([*_PLACE, *columns, "stamp_type"])


def text(value: object) -> str | None:
    """A value of an event as the columns have it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    # Zero has no sign in SQL.
    return f"{value if value else abs(value):f}" if isinstance(value, Decimal) else str(value)


def _plain(schema: Schema, names: list[str]) -> str:
    paths = [one.path or (one.name,) for one in schema.fields]
    if not all(_NAME.fullmatch(name) for path in paths for name in path) or not all(map(_has_room, schema.fields)):
        return _NOTHING_PLAIN.format(columns=", ".join(f"NULL::VARCHAR AS {name}" for name in names))
    objects = sorted({path[:depth] for path in paths for depth in range(len(path))})
    within = sorted({path[: depth + 1] for path in paths for depth in range(len(path))})
    once = (_once(f"keys[{objects.index(path[:-1]) + 1}]", path[-1]) for path in within)
    # Lists count from 1, and the first is the whole.
    read = [_column(one, path, schema, at) for at, (one, path) in enumerate(zip(schema.fields, paths, strict=True), 2)]
    return _PLAIN.format(
        columns=", ".join(f"{one.value} AS {name}" for name, one in zip(names, read, strict=True)),
        good=" AND ".join(one.good for one in read),
        once=" AND ".join(once),
        paths=", ".join(map(_path, paths)),
        objects=", ".join(map(_path, objects)),
        longest=LONGEST,
        short=SHORT,
        levels=reading.MOST_LEVELS,
    )


def _path(path: tuple[str, ...]) -> str:
    return "'$" + "".join(f'."{name}"' for name in path) + "'"


def _once(keys: str, name: str) -> str:
    """Whether the first and the last of a name are the same."""
    return (
        f"COALESCE(list_position({keys}, '{name}') + list_position(list_reverse({keys}), '{name}') = len({keys}) + 1,"
        " TRUE)"
    )


def _has_room(one: Field) -> bool:
    """Whether DuckDB's decimals can have a digit before the point, too: without one they are written differently."""
    return one.kind is not Kind.DECIMAL or one.scale < _MOST_DIGITS


def _column(one: Field, path: tuple[str, ...], schema: Schema, at: int) -> _Column:
    kind, found = f"kinds[{at}]", f"texts[{at}]"
    if one.kind is Kind.TEXT:
        fits = f"{found} <> '' AND {found}[1] NOT IN ('{{', '[') AND length({found}) <= {schema.longest_text}"
        read = _Column(f"{kind} = 'VARCHAR' AND {fits}", found)
    elif one.kind is Kind.INTEGER:
        number = f"TRY_CAST({found} AS BIGINT)"
        read = _Column(f"{kind} IN ('UBIGINT', 'BIGINT') AND {number} IS NOT NULL", f"{number}::VARCHAR")
    elif one.kind is Kind.BOOLEAN:
        read = _Column(f"{kind} = 'BOOLEAN'", found)
    elif one.kind is Kind.DECIMAL:
        read = _decimal(one, path[-1], kind, found)
    else:
        return _iso_time(kind, found) if schema.unit is Unit.ISO8601 else _time(schema.unit, kind, found)
    if one.required:
        return read
    missing = f"(COALESCE({kind}, 'NULL') = 'NULL' OR {kind} = 'VARCHAR' AND {found} = '')"
    default = text(one.default)
    instead = "NULL" if default is None else "'" + default.replace("'", "''") + "'"
    return _Column(f"({missing} OR {read.good})", f"CASE WHEN {missing} THEN {instead} ELSE {read.value} END")


def _decimal(one: Field, name: str, kind: str, found: str) -> _Column:
    """As it is written: a double loses digits. Where the name stands once, what is behind it is the number."""
    whole = f"[0-9]{{1,{one.precision - one.scale}}}" if one.precision > one.scale else "0"
    number = f"-?{whole}" + (f"(?:\\.[0-9]{{1,{one.scale}}})?" if one.scale else "")
    behind = f"""regexp_extract(json, '"{re.escape(name)}"\\s*:\\s*({number})\\s*[,}}]', 1)"""
    alone = f"""length(json) - length(replace(json, '"{name}"', '')) = {len(name) + 2} AND NOT contains(json, '\\u')"""
    written = f"CASE WHEN {kind} = 'VARCHAR' THEN {found} ELSE {behind} END"
    digits = f"DECIMAL({min(one.precision + 1, _MOST_DIGITS)}, {one.scale})"
    return _Column(
        f"{kind} IN ('UBIGINT', 'BIGINT', 'DOUBLE', 'VARCHAR') AND regexp_full_match({written}, '{number}')"
        f" AND ({kind} = 'VARCHAR' OR {alone})",
        f"TRY_CAST({written} AS {digits})::VARCHAR",
    )


def _time(unit: Unit, kind: str, found: str) -> _Column:
    number = f"TRY_CAST({found} AS BIGINT)"
    whole = f"{kind} IN ('UBIGINT', 'BIGINT')"
    if unit is Unit.S:
        return _Column(
            f"{whole} AND {number} BETWEEN 1 AND {reading.GREATEST_LONG // 1_000}",
            f"(TRY_CAST({found} AS HUGEINT) * 1000)::VARCHAR",
        )
    a_millisecond = 10 ** -reading.SHIFT[unit]
    return _Column(f"{whole} AND {number} >= {a_millisecond}", f"({number} // {a_millisecond})::VARCHAR")


_ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|\\+00:00)"
"""Usual times: what is written in another way is not read here."""


def _iso_time(kind: str, found: str) -> _Column:
    ms = (
        f"epoch_ms(TRY_CAST(substr({found}, 1, 19) AS TIMESTAMP))"
        f" + rpad(substr(regexp_extract({found}, '\\.([0-9]+)', 1), 1, 3), 3, '0')::BIGINT"
    )
    # SQL may look at the value first.
    guarded = f"CASE WHEN {kind} = 'VARCHAR' AND regexp_full_match({found}, '{_ISO}') THEN {ms} END"
    return _Column(f"{guarded} > 0", f"({guarded})::VARCHAR")


def _one_by_one(db: DuckDBPyConnection, schema: Schema) -> pa.Table:
    import pyarrow as pa

    width = len(schema.fields) + 1
    columns: list[list[Any]] = [[] for _ in range(len(_PLACE) + width)]
    cursor = db.execute(_OTHERS)
    while found := cursor.fetchmany(BATCH):
        for partition, offset, arrived, value in found:
            rows = reading.read(value, schema)
            for row in rows:
                values: list[Any] = [None] * width
                if row.values is not None:
                    values = [*(text(row.values[one.name]) for one in schema.fields), "BIGINT"]
                place = (partition, offset, row.record, arrived, row.raw if len(rows) > 1 else None)
                for column, one in zip(columns, (*place, *values), strict=True):
                    column.append(one)
    kinds = (pa.int32(), pa.int64(), pa.int32(), pa.int64(), pa.binary(), *[pa.string()] * width)
    names = [*_PLACE, *(f"f{number}" for number in range(width - 1)), "stamp_type"]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=names)
