"""A recorded log into the two event topics.

DuckDB reads the log, and all of it is checked before the first event is sent. A mapping says which column is which
field. A log of impressions with a column that says whether each was clicked makes both kinds of events.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adclick_cli import schema
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.model import Catalog
from adclick_cli.errors import InputFileError, ParameterError
from adclick_cli.events import log_file, log_table, log_values, sending, shape
from adclick_cli.events.generator import Event, Kind
from adclick_cli.events.log_values import CLICKED
from adclick_cli.parameters import Duration, parse_number
from adclick_cli.runtime import disk
from adclick_cli.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

TARGETS = (*schema.IMPRESSION.field_names, CLICKED)
REQUIRED = ("campaign_id", schema.STAMP)
BATCH = 5_000


@dataclass(frozen=True)
class Request:
    """What to replay.

    Attributes:
        path: the file or a pipe; `-` is standard input.
        form: one of `log_file.FORMATS`; None goes by the file's ending, and without one by its content.
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
        ParameterError: a text is no such pair, names no field, or names one that another names, too.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name not in TARGETS:
            raise ParameterError(
                flag, text, "It is not FIELD=VALUE with a known field.", f"Fields: {', '.join(TARGETS)}."
            )
        if name in found:
            raise ParameterError(flag, text, f"{name} is {found[name]!r} already.", f"Give --{flag} once a field.")
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
    events = read(request, settings.catalog)
    topics, servers = settings.topics(), settings.servers
    wait_s = Duration.parse(settings.broker_wait, "broker-wait", allow_zero=True).seconds
    sending.prepare(settings, wait_s, report)
    report(f"Replaying {log_file.named(request.path)} to {topics.impressions} and {topics.clicks} at {servers} …")
    return sending.send(events, servers, topics, speed=speed, look=partial(disk.require_room, settings))


def read(request: Request, catalog: Catalog = CATALOG) -> Iterator[Event]:
    """A file's events in the order of their time; the whole file is checked before the first one is given.

    Args:
        request: what to replay.
        catalog: what events look like.

    Raises:
        InputFileError: the file cannot be read, or a column or a time in it cannot be used.
        ParameterError: a flag cannot be used.
    """
    delay = Duration.parse(request.click_delay, "click-delay", allow_zero=True)
    if "impression_id" in request.constants:
        text = f"impression_id={request.constants['impression_id']}"
        raise ParameterError("set", text, "All rows would be one impression.", "Leave it out: each row gets an id.")
    for name in request.columns.keys() & request.constants.keys():
        raise ParameterError(
            "set", f"{name}={request.constants[name]}", f"--map names a column for {name}.", "Give one of the two."
        )
    return _events(_rows(request), delay, catalog)


def _rows(request: Request) -> DuckDBPyConnection:
    """The checked log in the order of its times: an impression's fields, whether it was clicked, the row's number."""
    import tempfile

    import duckdb

    try:
        with tempfile.TemporaryDirectory(prefix="adclick-replay-") as folder:
            log = log_file.prepare(request.path, request.form, Path(folder))
            try:
                db = _connect()
                _load(db, log, request)
            except duckdb.Error as error:
                raise _unreadable(log, error) from error
    except OSError as error:
        raise InputFileError(
            f"{log_file.named(request.path)} cannot be prepared",
            f"{error}.",
            "Set TMPDIR to a folder that you may write.",
        ) from error
    made_id = f"{log_table.literal(log.stem + '-')} || (rowid + 1)"
    fields = (f"COALESCE({name}, {made_id}) AS {name}" if name == "impression_id" else name for name in TARGETS)
    # Of equal times, the row that stands first in the log goes first.
    return db.execute(
        f"SELECT {', '.join(fields)}, rowid AS row FROM {log_values.TABLE} ORDER BY {schema.STAMP}, rowid"  # noqa: S608
    )


def _connect() -> DuckDBPyConnection:
    import tempfile

    import duckdb

    # Nothing is fetched from anywhere. What does not fit into memory does not go into the current folder: DuckDB makes
    # and removes a folder for it.
    spill = Path(tempfile.gettempdir()) / f"adclick-replay-{os.getpid()}-{uuid.uuid4().hex}"
    db = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": str(spill),
        },
    )
    # A time without a zone is UTC. Left alone, DuckDB takes the zone of this machine.
    db.execute("SET TimeZone = 'UTC'")
    return db


def _load(db: DuckDBPyConnection, log: log_file.LogFile, request: Request) -> None:
    wanted = {name: request.columns.get(name, name) for name in TARGETS if name not in request.constants}
    needed = [name for name in wanted if name in request.columns or name in REQUIRED]
    rows, found = log_table.select(db, log, wanted, needed, log_values.TEXTS)
    # The number of a row is its place in the table. With two threads DuckDB 2.0.0 puts rows of a large log into another
    # order, although it is set to keep it.
    db.execute("SET threads = 1")
    log_values.load(db, rows, found, request.constants, needed)
    db.execute("RESET threads")
    log_values.rejected(db, log)
    for name in log_values.missing(db, needed) if log.form == "json" else ():
        raise log_table.absent(log, name, wanted[name], log_table.keys(db, log))
    if error := log_values.refused(db, log, wanted, request.constants):
        raise error


def _unreadable(log: log_file.LogFile, error: Exception) -> InputFileError:
    """DuckDB's words, without its advice on its own settings and the name of a link that nobody knows."""
    words = str(error).split("\nPossible", 1)[0].replace(str(log.path), log.name)
    if "state machine" in words:
        words = "Some of its lines end in CR LF and others in LF, or a quote is not closed."
    return InputFileError(
        f"{log.name} cannot be read as {log.form}", words, "Nothing was sent. Look at --format and the log."
    )


def _events(rows: DuckDBPyConnection, delay: Duration, catalog: Catalog) -> Iterator[Event]:
    import heapq
    import json

    names = [column[0] for column in rows.description or ()]
    shown, clicked = shape.shaper(catalog.impressions), shape.shaper(catalog.clicks)
    pending: list[tuple[int, int, bytes, bytes]] = []
    while batch := rows.fetchmany(BATCH):
        for values in batch:
            row: dict[str, Any] = dict(zip(names, values, strict=True))
            at = row[schema.STAMP]
            while pending and pending[0][0] <= at:
                due, _, key, body = heapq.heappop(pending)
                yield Event(due, Kind.CLICK, key, body)
            texts = {name: row[name] for name in log_values.TEXTS}
            key = row["impression_id"].encode()
            body = json.dumps(shown(texts | {schema.STAMP: at, "cost": row["cost"]}), allow_nan=False).encode()
            yield Event(at, Kind.IMPRESSION, key, body)
            if row[CLICKED]:
                click = {
                    "click_id": f"{texts['impression_id']}-c",
                    "impression_id": texts["impression_id"],
                    "user_id": texts["user_id"],
                    "event_timestamp": at + delay.ms,
                }
                heapq.heappush(pending, (at + delay.ms, row["row"], key, json.dumps(clicked(click)).encode()))
    while pending:
        due, _, key, body = heapq.heappop(pending)
        yield Event(due, Kind.CLICK, key, body)
