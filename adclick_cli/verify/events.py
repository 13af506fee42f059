"""Raw messages as the JSON objects in them: nearly all by DuckDB, the peculiar few one by one.

Three readers, each for what the one before leaves. The messages of a topic look alike, so one regular expression made
from one of them reads the others in a third of the time; next comes DuckDB's JSON reader. It and Flink's differ at the
edges (a trailing comma, `NaN`, a key that stands twice, what follows the object): what could be such a case is read by
`lenient`, or by `reading` where Flink reads with adclick's own format. Both say of a usual message what DuckDB says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adclick_cli.events import reading
from adclick_cli.events.lenient import elements
from adclick_cli.events.reading import Kind, Schema, Unit
from adclick_cli.schema import STAMP
from adclick_cli.verify import paths

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_Row = tuple[int, int, int, int, "str | None", "bytes | None"]
"""Partition, offset, element, arrival in ms, the object as JSON, its bytes where it is one of several."""

LONGEST_PLAIN = 1_000
"""Characters; a longer message may reach one of the reader's limits."""

_TEXT = r"[^\"\\\x00-\x1f]*"
_WHOLE = "0|[1-9][0-9]{0,17}"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"

_ALIKE = """
CREATE OR REPLACE TABLE fields AS
SELECT
    "partition", "offset", 0 AS element, arrived_ms, NULL::BLOB AS raw, {columns}, 'BIGINT' AS stamp_type,
    COALESCE(found.stamp <> '', FALSE) AS plain
FROM (
    SELECT "partition", "offset", arrived_ms, regexp_extract(text, $form, [{groups}]) AS found
    FROM (
        SELECT "partition", "offset", arrived_ms,
            CASE WHEN octet_length(value) <= {longest} THEN TRY(decode(value)) END AS text
        FROM messages
    )
)
"""

_OTHERS = """
CREATE OR REPLACE TABLE others AS
SELECT m."partition", m."offset", m.arrived_ms, m.value
FROM messages AS m SEMI JOIN (SELECT * FROM fields WHERE NOT plain) AS f
    ON m."partition" = f."partition" AND m."offset" = f."offset"
"""

# Each function that is given JSON as a text parses it anew: all types and all texts are asked for at once, and no text
# is kept. Only of the fields that are read does it matter that none stands there twice: the first and the last of that
# name are the same.
_JSON = """
SELECT
    "partition", "offset", 0 AS element, arrived_ms, NULL::BLOB AS raw, {columns},
    COALESCE(kinds[1] = 'OBJECT' AND {kinds} AND {once}, FALSE) AS plain
FROM (
    SELECT
        "partition", "offset", arrived_ms,
        json_type(json, ['$', {paths}]) AS kinds,
        json_extract_string(json, [{paths}]) AS fields,
        json_keys(json) AS keys,
        list_reverse(json_keys(json)) AS yeks
    FROM (
        SELECT "partition", "offset", arrived_ms, CASE WHEN
            length(text) <= {longest}
            AND NOT regexp_matches(text, '(?i)[:,\\[]\\s*-?(?:nan|inf)')
            AND NOT regexp_matches(text, ',\\s*[}}\\]]')
            AND json_valid(text)
        THEN text END AS json
        FROM (SELECT "partition", "offset", arrived_ms, TRY(decode(value)) AS text FROM {source})
    )
)
"""

_NOT_PLAIN_GO = "DELETE FROM fields WHERE NOT plain"

_INSTEAD = """
INSERT INTO fields
SELECT "partition", "offset", element, arrived_ms, raw, {columns}, TRUE
FROM (
    SELECT
        *,
        json_type(object, ['$', {paths}]) AS kinds,
        json_extract_string(object, [{paths}]) AS fields
    FROM peculiar
)
"""


def take_apart(db: DuckDBPyConnection, messages: pa.Table, schema: Schema, own_format: bool = True) -> pa.Table:
    """The fields of messages: partition, offset, element (from 0), arrived_ms, raw, the fields, stamp, stamp_type.

    A message without any object has one row whose fields are NULL; an array has a row for each object in it. By
    adclick's own format each record of a message has a row, and what is no event has NULL fields; `raw` are a record's
    bytes where a message holds several of them, else NULL. `stamp` is a text, `stamp_type` its type as DuckDB names it.
    All fields are texts, a decimal with the digits of its scale; where a field has a default, it has it here, too. Of
    texts alone without paths and defaults, whoever asks has to judge whether they are those of an event.

    Args:
        db: what does the work; tables of its own are made and dropped in it.
        messages: as `raw.TopicTable` gives them.
        schema: what an event is, its time last.
        own_format: whether Flink reads the messages with the format `adclick-events`; the other one knows texts alone.
    """
    if own_format and not is_flat(schema):
        return paths.take_apart(db, messages, schema)
    texts = tuple(one.name for one in schema.fields[:-1] if one.required)
    optional = tuple(one.name for one in schema.fields[:-1] if not one.required)
    names = (*texts, *optional)
    fields = (*names, STAMP)
    wanted = ["kinds[{}] = 'VARCHAR'"] * len(texts)
    wanted += ["COALESCE(kinds[{}], 'NULL') IN ('VARCHAR', 'NULL')"] * len(optional)
    wanted += ["kinds[{}] IN ('UBIGINT', 'BIGINT')"]
    # Lists count from 1, and the first kind is that of the whole.
    kinds = " AND ".join(condition.format(number) for number, condition in enumerate(wanted, start=2))
    once = " AND ".join(
        f"COALESCE(list_position(keys, '{field}') + list_position(yeks, '{field}') = len(keys) + 1, TRUE)"
        for field in fields
    )
    places = ", ".join(f"'$.{field}'" for field in fields)
    columns = ", ".join(f'fields[{number}] AS "{column}"' for number, column in enumerate((*names, "stamp"), start=1))
    columns += f", kinds[{len(fields) + 1}] AS stamp_type"
    by_json = {"longest": LONGEST_PLAIN, "kinds": kinds, "once": once, "paths": places, "columns": columns}
    db.register("messages", messages)
    found = form(messages, names)
    if found is None:
        db.execute("CREATE OR REPLACE TABLE fields AS " + _JSON.format(source="messages", **by_json))
    else:
        pattern, groups = found
        alike = ", ".join(f'found."{column}" AS "{column}"' for column in (*names, "stamp"))
        listed = ", ".join(f"'{group}'" for group in groups)
        db.execute(_ALIKE.format(columns=alike, groups=listed, longest=LONGEST_PLAIN), {"form": pattern})
        db.execute(_OTHERS)
        db.execute(_NOT_PLAIN_GO)
        db.execute("INSERT INTO fields " + _JSON.format(source="others", **by_json))
    db.execute(_OTHERS)
    db.register("peculiar", _records(db, schema) if own_format else _peculiar(db, names))
    db.execute(_NOT_PLAIN_GO)
    db.execute(_INSTEAD.format(paths=places, columns=columns))
    made = db.sql("SELECT * EXCLUDE (plain) FROM fields").to_arrow_table()
    for view in ("messages", "peculiar"):
        db.unregister(view)
    for table in ("fields", "others"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    return made


def is_flat(schema: Schema) -> bool:
    """Whether events have texts without paths and defaults, and a time in ms: what the quick readers know."""
    *texts, time = schema.fields
    return (
        schema.unit is Unit.MS
        and time.kind is Kind.TIME
        and all(one.path in ((), (one.name,)) and one.default is None for one in schema.fields)
        and all(one.kind is Kind.TEXT for one in texts)
    )


def form(messages: pa.Table, texts: Sequence[str]) -> tuple[str, list[str]] | None:
    r"""A regular expression for messages like the first one, and its groups: the fields of `texts` and `stamp`.

    It fits strict JSON alone, without an escape in any text: an object with the same keys in the same order, none of
    them twice.

    Returns:
        None where the first message is nothing of the kind.
    """
    value = messages.column("value")[0].as_py() if messages.num_rows else None
    try:
        pairs = json.loads(value or b"", object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, _Pairs):
        return None
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names) or not {*texts, STAMP} <= set(names):
        return None
    parts, groups = [], []
    for name, one in pairs:
        kind = _kind(one)
        if kind is None or not re.fullmatch(_TEXT, name):
            return None
        if name in texts or name == STAMP:
            if kind != (_WHOLE if name == STAMP else f'"{_TEXT}"'):
                return None
            groups.append("stamp" if name == STAMP else name)
            kind = f"({_WHOLE})" if name == STAMP else f'"({_TEXT})"'
        parts.append(f'"{re.escape(name)}": ?{kind}')
    return r"^\{" + ", ?".join(parts) + r"\}$", groups


class _Pairs(list[tuple[str, Any]]):
    """The pairs of an object, in the order in which they stand there."""


def _kind(value: object) -> str | None:
    """What fits a value's place in messages that are alike."""
    if isinstance(value, str):
        return f'"{_TEXT}"'
    if isinstance(value, bool) or value is None:
        return "(?:true|false|null)"
    if isinstance(value, int):
        return _WHOLE if re.fullmatch(_WHOLE, str(value)) else _NUMBER
    return _NUMBER if isinstance(value, float) else None


def _peculiar(db: DuckDBPyConnection, texts: tuple[str, ...]) -> pa.Table:
    rows: list[_Row] = []
    cursor = db.execute('SELECT "partition", "offset", arrived_ms, value FROM others')
    while found := cursor.fetchmany(10_000):
        for partition, offset, arrived, value in found:
            objects = elements(value, texts, STAMP)
            written: list[str | None] = [json.dumps(one, ensure_ascii=False) for one in objects]
            if not written:
                written = [None]
            rows += [(partition, offset, number, arrived, text, None) for number, text in enumerate(written)]
    return _table(rows)


def _records(db: DuckDBPyConnection, schema: Schema) -> pa.Table:
    rows: list[_Row] = []
    cursor = db.execute('SELECT "partition", "offset", arrived_ms, value FROM others')
    while found := cursor.fetchmany(10_000):
        for partition, offset, arrived, value in found:
            found_rows = reading.read(value, schema)
            for row in found_rows:
                text = None if row.values is None else json.dumps(dict(row.values), ensure_ascii=False)
                rows.append((partition, offset, row.record, arrived, text, row.raw if len(found_rows) > 1 else None))
    return _table(rows)


def _table(rows: list[_Row]) -> pa.Table:
    import pyarrow as pa

    kinds = (pa.int32(), pa.int64(), pa.int32(), pa.int64(), pa.string(), pa.binary())
    columns = ("partition", "offset", "element", "arrived_ms", "object", "raw")
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table(
        {column: pa.array(list(part), kind) for column, part, kind in zip(columns, values, kinds, strict=True)}
    )
