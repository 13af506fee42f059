"""sql-client as a process that is watched."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from adclick_cli.errors import FlinkError
from adclick_cli.flink import sqlclient
from adclick_cli.runtime.service import SqlClient
from tests.builders.wrong_sql import SCRIPT

pytestmark = pytest.mark.process


def test_what_a_look_raises_ends_sql_client(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    client = SqlClient((sys.executable, "-c", _WAITS, str(started)), {})

    def look() -> None:
        if started.exists():
            raise FlinkError("enough")

    with pytest.raises(FlinkError, match="enough"):
        sqlclient.run(client, SCRIPT, tmp_path / "script.sql", look)
    assert not psutil.pid_exists(int(started.read_text()))


_WAITS = """
import os, pathlib, sys, time
path = pathlib.Path(sys.argv[1])
path.with_suffix(".part").write_text(str(os.getpid()))
path.with_suffix(".part").replace(path)
time.sleep(600)
"""
