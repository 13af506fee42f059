"""Flags that several commands share, once. Typer only: these modules are imported for every `--help`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from adclick_cli import defaults, paths


def given_path(text: str) -> Path:
    """The path that a flag or an argument means; a test holds each one of the type Path to this parser."""
    try:
        return paths.given(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} cannot be used. {error}") from None


def _output(value: str | None) -> str | None:
    if value not in (None, "table", "json", "csv"):
        raise typer.BadParameter(f"{value!r} is not table, json or csv.")
    return value


OUTPUT: Any = typer.Option(
    None,
    "--output",
    "-o",
    callback=_output,
    metavar="table|json|csv",
    help="Form of the data on stdout. Default: a table on a terminal, JSON lines elsewhere.",
)
SERVERS: Any = typer.Option(
    None,
    "--bootstrap-servers",
    metavar="HOST:PORT",
    help=f"The broker. Default: {defaults.BIND_ADDRESS} and the Kafka port.",
)
KAFKA_PORT: Any = typer.Option(None, "--kafka-port", help=f"Port of the broker. Default: {defaults.KAFKA_PORT}.")
TARGET: Any = typer.Option(
    None,
    "--target",
    metavar="URL",
    help="Flink's REST interface of a cluster that adclick did not start, http://host:port. Default: this home's own.",
)
UI_PORT: Any = typer.Option(
    None, "--ui-port", help=f"Port of Flink's UI and REST interface. Default: {defaults.UI_PORT}."
)
