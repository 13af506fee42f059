"""A recorded log into the two event topics.

DuckDB reads the file; a mapping says which column is which field. A log of impressions with a column that says whether
each was clicked makes both kinds of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adclick_cli import schema
from adclick_cli.errors import InputFileError, ParameterError
from adclick_cli.events import sending
from adclick_cli.events.generator import Event, Kind
from adclick_cli.parameters import Duration, parse_number
from adclick_cli.runtime import disk
from adclick_cli.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FORMATS = {
    # As text: 1.10 is an id, not the number 1.1.
    "csv": "read_csv(?, all_varchar = true)",
    "jsonl": "read_json(?)",
    "parquet": "read_parquet(?)",
}
CLICKED = "clicked"
TARGETS = (*schema.IMPRESSION.field_names, CLICKED)
REQUIRED = ("campaign_id", "event_timestamp")
DEFAULTS: Mapping[str, str] = {
    "user_id": "",
    "ad_id": "",
    "device_type": "unknown",
    "browser": "unknown",
}
BATCH = 5_000


@dataclass(frozen=True)
class Request:
    """What to replay.

    Attributes:
        path: the file.
        form: csv, jsonl or parquet; None goes by the file's ending.
        columns: the file's column for each field; a field that is not named is looked for under its own name.
        constants: a fixed text for a field.
        speed: 0 sends as fast as it goes, 1 at the recorded pace.
        click_delay: how long after its impression a click is dated, where the log does not say.
    """

    path: Path
    form: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    speed: float = 0.0
    click_delay: str = "1s"


def pairs(texts: list[str], flag: str) -> dict[str, str]:
    """`FIELD=VALUE` texts as a mapping.

    Raises:
        ParameterError: a text is no such pair, or names no field.
    """
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name not in TARGETS:
            raise ParameterError(
                flag, text, "It is not FIELD=VALUE with a known field.", f"Fields: {', '.join(TARGETS)}."
            )
        found[name] = value
    return found


def run(settings: Settings, request: Request, report: Callable[[str], None]) -> sending.Report:
    """Send a file's events in the order of their time.

    Raises:
        InputFileError: the file cannot be read, or a column or a time in it cannot be used.
        ParameterError: a flag cannot be used.
        BrokerError: no broker answers.
    """
    speed = parse_number(request.speed, "speed", at_least=0)
    events = read(request)
    topics, servers = settings.topics(), settings.servers
    wait_s = Duration.parse(settings.broker_wait, "broker-wait", allow_zero=True).seconds
    sending.prepare(settings, wait_s, report)
    report(f"Replaying {request.path} to {topics.impressions} and {topics.clicks} at {servers} …")
    return sending.send(events, servers, topics, speed=speed, look=partial(disk.require_room, settings))


def read(request: Request) -> Iterator[Event]:
    """A file's events in the order of their time; the whole file is checked before the first one is given.

    Raises:
        InputFileError: the file cannot be read, or a column or a time in it cannot be used.
        ParameterError: a flag cannot be used.
    """
    import duckdb

    delay = Duration.parse(request.click_delay, "click-delay", allow_zero=True)
    # Nothing is fetched from anywhere; without the extension for time zones a time that names none is UTC.
    db = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    return _events(_rows(db, request), delay)


def _rows(db: DuckDBPyConnection, request: Request) -> DuckDBPyConnection:
    """The log with the fields' names, `event_timestamp` in ms, and whether clicked; checked for times that are none."""
    import duckdb

    form = request.form or request.path.suffix.lstrip(".").lower()
    if form not in FORMATS:
        raise ParameterError("format", form, "It cannot be read.", f"Use --format with one of {', '.join(FORMATS)}.")
    if not request.path.is_file():
        raise InputFileError(f"there is no file {request.path}", mend="Name a file that you may read.")
    try:
        log = db.from_query(f"SELECT * FROM {FORMATS[form]}", params=[str(request.path)])  # noqa: S608
        columns = _columns(log.columns, request)
        db.register("log", log)
        stamp = columns["event_timestamp"]
        db.execute(
            "CREATE TABLE replayed AS SELECT row_number() OVER () AS row, "  # noqa: S608 - identifiers are quoted below
            + ", ".join(f"{sql} AS {name}" for name, sql in columns.items() if name != "event_timestamp")
            + f", COALESCE(TRY_CAST(CAST({stamp} AS VARCHAR) AS BIGINT),"
            + f" epoch_ms(TRY_CAST(CAST({stamp} AS VARCHAR) AS TIMESTAMPTZ)))"
            + f" AS event_timestamp, CAST({stamp} AS VARCHAR) AS stamp FROM log"
        )
    except duckdb.Error as error:
        raise InputFileError(f"{request.path} cannot be read", str(error), "Look at --format and the file.") from error
    bad = db.execute("SELECT row, stamp FROM replayed WHERE event_timestamp IS NULL ORDER BY row LIMIT 1").fetchone()
    if bad:
        column = request.columns.get("event_timestamp", "event_timestamp")
        raise InputFileError(
            f"{request.path}, row {bad[0]}: {bad[1]!r} in column {column} is no time",
            "It is neither an ISO time (UTC) nor milliseconds since the epoch.",
            "Mend the row, or map another column with --map event_timestamp=COLUMN.",
        )
    return db.execute("SELECT * EXCLUDE (stamp) FROM replayed ORDER BY event_timestamp, row")


def _columns(there: list[str], request: Request) -> dict[str, str]:
    found = {}
    for target in TARGETS:
        column = request.columns.get(target, target)
        if target in request.constants:
            found[target] = "'" + request.constants[target].replace("'", "''") + "'"
        elif column in there:
            found[target] = '"' + column.replace('"', '""') + '"'
        elif target in request.columns or target in REQUIRED:
            raise InputFileError(
                f"{request.path} has no column {column!r} for {target}",
                f"Its columns: {', '.join(there)}.",
                f"Map one with --map {target}=COLUMN.",
            )
    stem = "'" + request.path.stem.replace("'", "''") + "-'"
    found.setdefault("impression_id", f"{stem} || row_number() OVER ()")
    found.setdefault(CLICKED, "FALSE")
    found.setdefault("cost", "0")
    for target, text in DEFAULTS.items():
        found.setdefault(target, f"'{text}'")
    return found


def _events(rows: DuckDBPyConnection, delay: Duration) -> Iterator[Event]:
    import heapq
    import json

    names = [column[0] for column in rows.description or ()]
    pending: list[tuple[int, int, bytes, bytes]] = []
    while batch := rows.fetchmany(BATCH):
        for values in batch:
            row: dict[str, Any] = dict(zip(names, values, strict=True))
            at = int(row["event_timestamp"])
            while pending and pending[0][0] <= at:
                due, _, key, body = heapq.heappop(pending)
                yield Event(due, Kind.CLICK, key, body)
            texts = {
                name: None if row[name] is None else str(row[name])
                for name in schema.IMPRESSION.field_names
                if name not in ("event_timestamp", "cost")
            }
            key = (texts["impression_id"] or "").encode()
            body = json.dumps(texts | {"event_timestamp": at, "cost": float(row["cost"] or 0)}).encode()
            yield Event(at, Kind.IMPRESSION, key, body)
            if str(row[CLICKED]).lower() in {"1", "true", "1.0", "t", "yes"}:
                click = {
                    "click_id": f"{texts['impression_id']}-c",
                    "impression_id": texts["impression_id"],
                    "user_id": texts["user_id"],
                    "event_timestamp": at + delay.ms,
                }
                heapq.heappush(pending, (at + delay.ms, int(row["row"]), key, json.dumps(click).encode()))
    while pending:
        due, _, key, body = heapq.heappop(pending)
        yield Event(due, Kind.CLICK, key, body)
