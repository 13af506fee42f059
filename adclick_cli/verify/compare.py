"""Result rows against the oracle's, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from adclick_cli import defaults
from adclick_cli.pipeline import Pipeline

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection


Begins = Mapping[str, Mapping[int, int]]
"""By impressions and clicks, and by partition: the first offset that the broker still has."""


@dataclass
class Comparison:
    """One kind of result row.

    Attributes:
        compared: rows that are there and right.
        missing: rows that must be there and are not.
        unexpected: rows that must not be there.
        different: rows with a wrong value, rows that contradict one another, rows that cannot be read.
        pending: rows of windows that need not be final yet.
        indeterminate: rows among the compared whose counts late events leave open within bounds.
        repeated: further copies of a row, equal in every value, among the committed rows.
        beyond_retention: rows that were not judged: events that they were computed from have been deleted.
        differences: what is wrong, a line each.
    """

    compared: int = 0
    missing: int = 0
    unexpected: int = 0
    different: int = 0
    pending: int = 0
    indeterminate: int = 0
    repeated: int = 0
    beyond_retention: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is missing, unexpected, different or there twice."""
        return not self.wrong

    @property
    def wrong(self) -> int:
        """How many rows are not as they must be."""
        return self.missing + self.unexpected + self.different + self.repeated


# How a field is read out of `text`, a row's message.
INSTANT = "epoch_ms(TRY_CAST(replace(json_extract_string(text, '$.{name}'), 'Z', '') AS TIMESTAMP))"
NUMBER = "TRY_CAST(json_extract_string(text, '$.{name}') AS {kind})"

_LOAD = """
CREATE OR REPLACE TABLE all_{name} AS
WITH texts AS (
    SELECT "partition", "offset", TRY(decode(value)) AS text FROM result_{name}
)
SELECT "partition", "offset", {columns}
FROM (SELECT * REPLACE (CASE WHEN json_valid(text) THEN text END AS text) FROM texts)
"""

_WINDOW_COLUMNS = {
    "window_start": INSTANT,
    "window_end": INSTANT,
    "impression_count": NUMBER,
    "click_count": NUMBER,
}
ALERT_NUMBERS = {
    "current_ctr": "DOUBLE",
    "previous_ctr": "DOUBLE",
    "current_impressions": "BIGINT",
    "current_clicks": "BIGINT",
    "previous_impressions": "BIGINT",
    "previous_clicks": "BIGINT",
    "z_score": "DOUBLE",
}
VERDICT_NUMBERS = {"final_ctr": "DOUBLE", "final_impressions": "BIGINT", "final_clicks": "BIGINT"}


def utc(ms: int) -> str:
    """A time as the result rows write it."""
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{ms % 1000:03d}" if ms % 1000 else "") + "Z"


def load_windows(
    db: DuckDBPyConnection, name: str, key: str, messages: pa.Table, *, gross: bool = False, newest: bool = False
) -> Comparison:
    """Fill `rows_{name}` with one row for each key; return a comparison that knows repeats and unreadable rows.

    Args:
        db: where the table is made.
        name: ctr or engagement.
        key: the field that names a row.
        messages: the topic's messages.
        gross: whether rows tell gross clicks, too; else they are taken as all clicks.
        newest: whether a row replaces an earlier one of its key.
    """
    columns = {column: template.format(name=column, kind="BIGINT") for column, template in _WINDOW_COLUMNS.items()} | {
        "key": f"json_extract_string(text, '$.{key}')"
    }
    if name == "ctr":
        columns["ctr"] = NUMBER.format(name="ctr", kind="DOUBLE")
    columns["gross_click_count"] = NUMBER.format(name="gross_click_count" if gross else "click_count", kind="BIGINT")
    required = [column for column in columns if column != "ctr"]
    return load(db, name, columns, required, ("window_start", "window_end", "key"), messages, newest=newest)


def _alert_columns() -> dict[str, str]:
    columns = {"alert_time": INSTANT.format(name="alert_time"), "window_start": INSTANT.format(name="window_start")}
    columns |= {"key": "json_extract_string(text, '$.campaign_id')"}
    columns |= {name: f"json_extract_string(text, '$.{name}')" for name in ("alert_type", "rule")}
    columns |= {name: NUMBER.format(name=name, kind=kind) for name, kind in ALERT_NUMBERS.items()}
    return columns


def load_alerts(db: DuckDBPyConnection, messages: pa.Table, *, newest: bool = False) -> Comparison:
    """Fill `rows_alerts`; `newest`: a row replaces an earlier one of its key."""
    columns = _alert_columns()
    required = [column for column in columns if column != "z_score"]
    return load(db, "alerts", columns, required, ("alert_time", "key"), messages, newest=newest)


def load_verdicts(db: DuckDBPyConnection, messages: pa.Table) -> Comparison:
    """Fill `rows_verdicts`; a row replaces an earlier one of its key."""
    columns = _alert_columns() | {"verdict": "json_extract_string(text, '$.verdict')"}
    columns |= {name: NUMBER.format(name=name, kind=kind) for name, kind in VERDICT_NUMBERS.items()}
    required = [column for column in columns if column != "z_score"]
    return load(db, "verdicts", columns, required, ("alert_time", "key"), messages, newest=True)


def load(
    db: DuckDBPyConnection,
    name: str,
    columns: dict[str, str],
    required: list[str],
    key: tuple[str, ...],
    messages: pa.Table,
    *,
    newest: bool = False,
) -> Comparison:
    """Fill `rows_{name}` with one row for each key; return a comparison that knows repeats and unreadable rows.

    Args:
        db: where the table is made.
        name: of the result.
        columns: by name, how each is read out of `text`, the message.
        required: those that may not be null.
        key: what identifies a row: a time first, a name last.
        messages: the topic's messages.
        newest: whether a row replaces an earlier one of its key.
    """
    found = Comparison()
    db.register(f"result_{name}", messages)
    db.execute(_LOAD.format(name=name, columns=", ".join(f"{sql} AS {column}" for column, sql in columns.items())))
    unreadable = " OR ".join(f"{column} IS NULL" for column in required)
    for partition, offset in db.execute(f'SELECT "partition", "offset" FROM all_{name} WHERE {unreadable}').fetchall():  # noqa: S608
        found.different += 1
        found.differences.append(f"{name}: the row at partition {partition}, offset {offset} cannot be read")
    keys, values = ", ".join(key), ", ".join(columns)
    if newest:
        db.execute(
            f"CREATE OR REPLACE TABLE all_{name} AS SELECT * FROM all_{name} "  # noqa: S608 - names of this module, no value
            f'QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY "offset" DESC) = 1'
        )
    db.execute(
        f"CREATE OR REPLACE TABLE distinct_{name} AS "  # noqa: S608 - names of this module, no value
        f'SELECT {values}, count(*) AS copies, min(struct_pack(o := "offset", p := "partition")) AS place '
        f"FROM all_{name} WHERE NOT ({unreadable}) GROUP BY {values}"
    )
    db.execute(
        f"CREATE OR REPLACE TABLE rows_{name} AS SELECT * FROM distinct_{name} "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY place) = 1"
    )
    repeats = db.execute(
        f"SELECT {keys}, copies FROM distinct_{name} WHERE copies > 1 ORDER BY ALL"  # noqa: S608
    ).fetchall()
    for row in repeats:
        found.repeated += row[-1] - 1
        found.differences.append(f"{name}: {row[-2]} at {utc(row[0])} is there {row[-1]} times")
    again = db.execute(
        f"SELECT {keys}, count(*) FROM distinct_{name} GROUP BY {keys} HAVING count(*) > 1 ORDER BY ALL"  # noqa: S608
    ).fetchall()
    for row in again:
        found.different += row[-1] - 1
        found.differences.append(f"{name}: {row[-2]} at {utc(row[0])} has {row[-1]} rows that contradict one another")
    return found


_WINDOWS = """
SELECT
    COALESCE(e.window_start, r.window_start) AS window_start,
    COALESCE(e.window_end, r.window_end) AS window_end,
    COALESCE(e.key, r.key) AS key,
    e.key IS NOT NULL AS known, r.key IS NOT NULL AS there, e.must,
    e.impressions_low, e.impressions_high, e.clicks_low, e.clicks_high, e.gross_low, e.gross_high,
    r.impression_count, r.click_count, r.gross_click_count, {ctr} AS ctr
FROM expected_{name} AS e
FULL JOIN rows_{name} AS r
    ON r.window_start = e.window_start AND r.window_end = e.window_end AND r.key = e.key
ORDER BY 1, 3
"""


def compare_windows(
    db: DuckDBPyConnection, name: str, found: Comparison, label: str | None = None, judged_after: int | None = None
) -> None:
    """Compare `expected_{name}` with `rows_{name}`; fills `accepted_{name}` with the rows taken as right.

    Args:
        db: with those tables.
        name: ctr or engagement.
        found: the comparison to fill.
        label: what differences call the rows; `name` where it is None.
        judged_after: only windows that start later are judged, ms since the epoch; the rows of the others are taken as
            right. None judges all.
    """
    if judged_after is not None:
        db.execute(f"DELETE FROM expected_{name} WHERE window_start <= ?", [judged_after])  # noqa: S608
    cursor = db.execute(_WINDOWS.format(name=name, ctr="r.ctr" if name == "ctr" else "NULL"))
    names = [column[0] for column in cursor.description or ()]
    accepted: list[tuple[Any, ...]] = []
    for values in cursor.fetchall():
        row = dict(zip(names, values, strict=True))
        where = f"{label or name}: {row['key']} {utc(row['window_start'])}"
        if judged_after is not None and row["window_start"] <= judged_after:
            found.beyond_retention += 1
            accepted.append(_accepted(row))
        elif not row["there"]:
            if row["must"]:
                found.missing += 1
                found.differences.append(
                    f"{where} is missing (impression_count {_span(row, 'impressions')},"
                    f" click_count {_span(row, 'clicks')})"
                )
            else:
                found.pending += 1
        elif not row["known"]:
            found.unexpected += 1
            found.differences.append(
                f"{where} is unexpected (impression_count {row['impression_count']}, click_count {row['click_count']})"
            )
        else:
            wrong = _wrong_values(name, row)
            if wrong:
                found.different += 1
                found.differences.append(f"{where}: {'; '.join(wrong)}")
            else:
                found.compared += 1
                found.indeterminate += any(row[f"{what}_low"] != row[f"{what}_high"] for what in _COUNTS.values())
                accepted.append(_accepted(row))
    db.execute(
        f"CREATE OR REPLACE TABLE accepted_{name} "
        "(window_start BIGINT, window_end BIGINT, key VARCHAR, impressions BIGINT, clicks BIGINT)"
    )
    if accepted:
        import pyarrow as pa

        columns = ("window_start", "window_end", "key", "impressions", "clicks")
        db.register("accepted", pa.table(dict(zip(columns, map(list, zip(*accepted, strict=True)), strict=True))))
        db.execute(f"INSERT INTO accepted_{name} SELECT * FROM accepted")  # noqa: S608


def _accepted(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["window_start"], row["window_end"], row["key"], row["impression_count"], row["click_count"])


def _span(row: dict[str, Any], what: str) -> str:
    low, high = row[f"{what}_low"], row[f"{what}_high"]
    return str(low) if low == high else f"{low} to {high}"


_COUNTS = {"impression_count": "impressions", "click_count": "clicks", "gross_click_count": "gross"}


def _wrong_values(name: str, row: dict[str, Any]) -> list[str]:
    wrong = []
    for column, what in _COUNTS.items():
        if not row[f"{what}_low"] <= row[column] <= row[f"{what}_high"]:
            wrong.append(f"{column} is {row[column]}, expected {_span(row, what)}")
    if name == "ctr" and row["impression_count"]:
        right = row["click_count"] / row["impression_count"]
        if row["ctr"] != right:
            wrong.append(f"ctr is {row['ctr']}, expected {right}")
    return wrong


def load_dead_letters(db: DuckDBPyConnection, messages: pa.Table) -> Comparison:
    """Fill `rows_dead_letters`."""
    columns = {name: f"json_extract_string(text, '$.{name}')" for name in ("source_topic", "reason", "line")}
    columns |= {
        name: NUMBER.format(name=name, kind="BIGINT") for name in ("source_partition", "source_offset", "source_record")
    }
    key = ("source_topic", "source_partition", "source_offset", "source_record")
    return load(db, "dead_letters", columns, [*key, "reason"], key, messages)


_LETTERS = """
SELECT
    COALESCE(e.source_topic, r.source_topic), COALESCE(e."partition", r.source_partition),
    COALESCE(e."offset", r.source_offset), COALESCE(e.element, r.source_record),
    e.source_topic IS NOT NULL AS known, r.source_topic IS NOT NULL AS there,
    e.arrived_ms <= $until AS must, r.reason,
    CASE
        WHEN r.line IS NULL THEN e.bytes IS NULL OR octet_length(e.bytes) > $longest
        ELSE TRY(from_base64(r.line)) IS NOT DISTINCT FROM e.bytes
    END AS same
FROM expected_dead_letters AS e
FULL JOIN rows_dead_letters AS r
    ON
        r.source_topic = e.source_topic AND r.source_partition = e."partition" AND r.source_offset = e."offset"
        AND r.source_record = e.element
WHERE e.source_topic IS NULL OR r.source_topic IS NULL OR NOT same
ORDER BY 1, 2, 3, 4
"""


def compare_dead_letters(
    db: DuckDBPyConnection, pipeline: Pipeline, until_ms: int, found: Comparison, begins: Begins
) -> None:
    """Compare the records that are no event with `rows_dead_letters`: each must be there, with its own bytes.

    Args:
        db: with the raw messages and the tables above.
        pipeline: the parameters.
        until_ms: a message that arrived later may still be pending, ms since the epoch.
        found: the comparison to fill.
        begins: the first offsets that the broker still has; dead letters of earlier messages are not judged.
    """
    first = {getattr(pipeline.topics, name): offsets for name, offsets in begins.items()}
    there_in_all = db.execute("SELECT count(*)::BIGINT FROM rows_dead_letters").fetchone()
    apart = 0
    for topic, partition, offset, record, known, there, must, reason, _ in db.execute(
        _LETTERS, {"until": until_ms, "longest": defaults.DEAD_LETTER_CHARACTERS}
    ).fetchall():
        where = f"dead_letters: {topic}, partition {partition}, offset {offset}, record {record}"
        if not there and must:
            found.missing += 1
            found.differences.append(f"{where} is missing")
        elif not there:
            found.pending += 1
        elif not known and offset < first.get(topic, {}).get(partition, 0):
            apart += 1
            found.beyond_retention += 1
        elif not known:
            apart += 1
            found.unexpected += 1
            found.differences.append(f"{where} is unexpected ({reason})")
        else:
            apart += 1
            found.different += 1
            found.differences.append(f"{where}: line is not the record's bytes")
    found.compared = (there_in_all[0] if there_in_all else 0) - apart
