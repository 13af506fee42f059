"""Flink's own sql-client.sh on the local FLINK_HOME, and the class-data archive that makes it start quickly."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, Layout
from adclick_cli.runtime.service import Report, SqlClient
from adclick_cli.sql import render
from adclick_cli.sql.script import explained

# It lives for seconds: the second compiler and a parallel collector would cost more than they give.
_SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_JVM_VARIABLE = "JVM_ARGS"


def sql_client(layout: Layout, conf: Path | None = None) -> SqlClient:
    """How to run it: command and environment.

    Args:
        layout: where everything is.
        conf: a configuration folder that tells it of another cluster than the home's own.
    """
    return SqlClient(
        (
            str(layout.flink_home / "bin" / "sql-client.sh"),
            "-hist",
            str(layout.home / "run" / "sql-history"),
        ),
        {
            **layout.flink_env,
            "JAVA_HOME": str(layout.java_home),
            "FLINK_CONF_DIR": str(conf or layout.conf_dir),
            "FLINK_LOG_DIR": str(layout.home / "logs"),
            # The script starts one JVM to read the configuration and one to ask for Java's version. The first takes
            # its options from here, the second is not started where these are given.
            "JDK_JAVA_OPTIONS": " ".join((*_SHORT_LIVED, *layout.archives.options())),
            "FLINK_ENV_JAVA_OPTS": " ".join((*FLINK_JAVA_OPTIONS, "-Djava.security.manager=allow")),
            _JVM_VARIABLE: " ".join((*_SHORT_LIVED, *layout.archives.options(_archive()))),
        },
    )


@cache
def _lesson() -> str:
    return explained(render.script(Pipeline()))


def _archive() -> str:
    """The archive's name: other SQL needs other classes."""
    return f"sql-client-{hashlib.sha256(_lesson().encode()).hexdigest()[:8]}"


def train(layout: Layout, report: Report) -> None:
    """Make sql-client's archive by planning the pipeline once, unless it is there; without it all works, slower."""
    if layout.archives.path(_archive()).exists():
        return
    report("Making sql-client's class archive, once for this machine …")
    script = layout.home / "run" / "explain.sql"
    script.write_text(_lesson(), encoding="utf-8")
    client = sql_client(layout)
    layout.archives.train(_archive(), (*client.command, "-f", str(script)), client.env, _JVM_VARIABLE)
