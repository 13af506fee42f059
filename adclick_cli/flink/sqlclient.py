"""Running a script through Flink's own sql-client and reading what it printed.

sql-client ends with 0 even after a statement that failed: what it prints decides, not its exit code.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from adclick_cli import private
from adclick_cli.errors import FlinkError
from adclick_cli.flink.refusal import refused
from adclick_cli.runtime import process as children
from adclick_cli.runtime.process import inherited
from adclick_cli.runtime.service import SQL_CLIENT, SqlClient
from adclick_cli.sql.script import compact, statements

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\[ERROR\] (.*?)(?=\n\s*\n|\nShutting down|\nFlink SQL> |\Z)", re.DOTALL)
_PROMPT = "Flink SQL> "
LOOK_S = 1.0


def failure(script: str, output: str) -> FlinkError | None:
    """The first statement's failure, with Flink's reason and the line of SQL; None where none failed."""
    plain = _ANSI.sub("", output)
    match = _ERROR.search(plain)
    if match is None:
        return None
    reason = match.group(1).replace("Could not execute SQL statement. Reason:\n", "").strip()
    index = plain[: match.start()].count(_PROMPT) - 1
    parts = statements(script)
    if not 0 <= index < len(parts):
        return FlinkError("Flink refused the SQL", reason)
    return refused(script, parts[index], reason)


def run(client: SqlClient, script: str, path: Path, look: Callable[[], None]) -> None:
    """Run `script` through sql-client.

    Args:
        client: how to run it.
        script: the SQL, as it was rendered.
        path: where it is put, each statement on one line; its folder must exist, and gets the process's record.
        look: called again and again while sql-client runs; what it raises ends sql-client.

    Raises:
        FlinkError: a statement failed (Flink's reason, the line of SQL), or sql-client itself did.
    """
    private.write(path, compact(script))
    named = () if client.from_stdin else ("-f", str(path))
    with (path if client.from_stdin else Path(os.devnull)).open("rb") as stdin:
        process = subprocess.Popen(  # the list is adclick's own
            [*client.command, *named],
            env=inherited(client.env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    own = path.with_name(f"{SQL_CLIENT}.json")
    children.save(own, children.Process(process.pid, psutil.Process(process.pid).create_time(), {}))
    try:
        output = _output(process, look)
    finally:
        own.unlink(missing_ok=True)
    error = failure(script, output)
    if error is not None:
        raise error
    if process.returncode != 0:
        tail = "\n".join(_ANSI.sub("", output).strip().splitlines()[-15:])
        raise FlinkError(f"sql-client ended with exit code {process.returncode}", tail, "Look at `adclick status`.")


def _output(process: subprocess.Popen[str], look: Callable[[], None]) -> str:
    """All that it prints until it ends."""
    with process:
        try:
            while True:
                try:
                    return process.communicate(timeout=LOOK_S)[0]
                except subprocess.TimeoutExpired:
                    look()
        except BaseException:
            process.kill()
            raise
