"""Raw messages as the JSON objects in them: nearly all by DuckDB, the peculiar few one by one.

DuckDB's JSON reader and Flink's differ at the edges (a trailing comma, `NaN`, a key that stands twice, what follows the
object). A message that could be such a case is read by `lenient` instead.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adclick_cli.schema import STAMP
from adclick_cli.verify.lenient import elements

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

LONGEST_PLAIN = 1_000
"""Characters; a longer message may reach one of the reader's limits."""

# Each function that is given JSON as a text parses it anew: all types are asked for at once. Only of the fields that
# are read does it matter that none stands there twice: the first and the last of that name are the same.
_TEXTS = """
CREATE OR REPLACE TABLE texts_{name} AS
SELECT "partition", "offset", arrived_ms, text, COALESCE(kinds[1] = 'OBJECT' AND {kinds} AND {once}, FALSE) AS plain
FROM (
    SELECT *, json_type(json, [{paths}]) AS kinds, json_keys(json) AS keys, list_reverse(json_keys(json)) AS yeks
    FROM (
        SELECT *, CASE WHEN
            length(text) <= {longest}
            AND NOT contains(text, 'NaN')
            AND NOT contains(text, 'Infinity')
            AND NOT regexp_matches(text, ',\\s*[}}\\]]')
            AND json_valid(text)
        THEN text END AS json
        FROM (SELECT "partition", "offset", arrived_ms, TRY(decode(value)) AS text FROM raw_{name})
    )
)
"""

_PECULIAR = """
SELECT r."partition", r."offset", r.arrived_ms, r.value
FROM raw_{name} AS r SEMI JOIN (SELECT * FROM texts_{name} WHERE NOT plain) AS t
    ON r."partition" = t."partition" AND r."offset" = t."offset"
"""

_OBJECTS = """
CREATE OR REPLACE TABLE objects_{name} AS
SELECT "partition", "offset", 0 AS element, arrived_ms, text AS object, FALSE AS batch FROM texts_{name} WHERE plain
UNION ALL
SELECT "partition", "offset", element, arrived_ms, object, batch FROM peculiar_{name}
"""


def load(
    db: DuckDBPyConnection, name: str, messages: pa.Table, texts: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    """Fill `objects_{name}`: partition, offset, element (from 0), arrived_ms, object (JSON, or NULL), batch.

    A message without any object has one row with a NULL; an array has a row for each object in it, and `batch` tells
    that it is read as several events.

    Args:
        db: where the table is made.
        name: impressions or clicks.
        messages: as `raw.TopicTable` gives them.
        texts: the fields that hold texts.
        optional: further ones that need not be there.
    """
    db.register(f"raw_{name}", messages)
    fields = (*texts, *optional, STAMP)
    wanted = ["kinds[{}] = 'VARCHAR'"] * len(texts)
    wanted += ["COALESCE(kinds[{}], 'NULL') IN ('VARCHAR', 'NULL')"] * len(optional)
    wanted += ["kinds[{}] IN ('UBIGINT', 'BIGINT')"]
    # Lists count from 1, and the first kind is that of the whole.
    kinds = " AND ".join(condition.format(number) for number, condition in enumerate(wanted, start=2))
    once = " AND ".join(
        f"COALESCE(list_position(keys, '{field}') + list_position(yeks, '{field}') = len(keys) + 1, TRUE)"
        for field in fields
    )
    paths = ", ".join(["'$'", *(f"'$.{field}'" for field in fields)])
    db.execute(_TEXTS.format(name=name, longest=LONGEST_PLAIN, kinds=kinds, once=once, paths=paths))
    db.register(f"peculiar_{name}", _peculiar(db, name, (*texts, *optional)))
    db.execute(_OBJECTS.format(name=name))
    db.execute(f"DROP TABLE texts_{name}")
    db.unregister(f"peculiar_{name}")


def _peculiar(db: DuckDBPyConnection, name: str, texts: tuple[str, ...]) -> pa.Table:
    import pyarrow as pa

    rows: list[tuple[int, int, int, int, str | None, bool]] = []
    cursor = db.execute(_PECULIAR.format(name=name))
    while found := cursor.fetchmany(10_000):
        for partition, offset, arrived, value in found:
            objects, batch = elements(value, texts, STAMP)
            written: list[str | None] = [json.dumps(one, ensure_ascii=False) for one in objects]
            if not written:
                written = [None]
            rows += [(partition, offset, number, arrived, text, batch) for number, text in enumerate(written)]
    kinds = (pa.int32(), pa.int64(), pa.int32(), pa.int64(), pa.string(), pa.bool_())
    columns = ("partition", "offset", "element", "arrived_ms", "object", "batch")
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table(
        {column: pa.array(list(part), kind) for column, part, kind in zip(columns, values, kinds, strict=True)}
    )
