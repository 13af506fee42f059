"""adclick's Java classes, compiled and run on the real classes of Flink: one JVM a session, without a cluster."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adclick_cli.casebook.jvm import SERVER
from adclick_cli.events.reading import Kind, Row, Schema
from adclick_cli.functions import jar
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, flink_package
from tests.builders import compiled as builder
from tests.functions.compiled import classes
from tests.functions.driver import Driver

DRIVER = Path(__file__).parent / "java"
METADATA = ("reason", "record", "raw")


@pytest.fixture(scope="session")
def compiler() -> jar.Compiler:
    """The pinned compiler, on the jars of the installed Flink."""
    return builder.compiler()


@pytest.fixture(scope="session")
def functions_jar(compiler: jar.Compiler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The jar of the shipped sources, made anew."""
    folder = tmp_path_factory.mktemp("functions")
    return jar.provide(folder, compiler, folder / "compile.log")


class Format:
    """A table with a format, in the JVM."""

    def __init__(self, driver: Any, gateway: Any) -> None:
        self._driver, self._gateway = driver, gateway

    def rows(self, messages: Iterable[bytes | None]) -> list[list[list[Any]]]:
        """By message its rows, by row the values of columns and metadata."""
        found = json.loads(self._driver.rows(packed(messages)))
        assert isinstance(found, list)
        return found

    def ns_a_message(self, messages: Iterable[bytes | None], rounds: int, tries: int) -> tuple[float, float]:
        """Nanoseconds a message in the fastest try, and how many rows all messages give."""
        fastest, rows = self._driver.time(packed(messages), rounds, tries)
        return fastest, rows


class Formats:
    """Makes tables."""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway

    def table(
        self,
        columns: Sequence[str],
        options: Mapping[str, str],
        metadata: Sequence[str] = METADATA,
        wanted: Sequence[str] = (),
    ) -> Format:
        """A table of these columns; of several columns a connector may want some."""
        made = self._gateway.jvm.adclick.driver.FormatDriver(
            list(columns), list(metadata), list(wanted), {"connector": "driver", **options}
        )
        return Format(made, self._gateway)

    def events(self, schema: Schema) -> Format:
        """The table of a schema."""
        return self.table(columns(schema), options(schema))


def packed(messages: Iterable[bytes | None]) -> bytes:
    """Each message behind its length; None has the length -1."""
    return b"".join(struct.pack(">i", -1) if one is None else struct.pack(">i", len(one)) + one for one in messages)


def columns(schema: Schema) -> list[str]:
    """The columns of a schema's table."""
    sizes = {Kind.DECIMAL: "({0.precision}, {0.scale})"}
    return [f"{one.name} {one.kind.value}{sizes.get(one.kind, '').format(one)}" for one in schema.fields]


def options(schema: Schema) -> dict[str, str]:
    """The options of a schema's table."""
    found = {
        "format": "adclick-events",
        "adclick-events.time-unit": schema.unit.name.lower(),
        "adclick-events.max-text-length": str(schema.longest_text),
        "adclick-events.optional": ";".join(one.name for one in schema.fields if not one.required),
    }
    found |= {f"adclick-events.fields.{one.name}": ".".join(one.path) for one in schema.fields if one.path}
    found |= {
        f"adclick-events.default.{one.name}": str(one.default) for one in schema.fields if one.default is not None
    }
    return found


def as_rows(schema: Schema, found: Sequence[Sequence[Any]]) -> list[Row]:
    """Rows of Java as the Python reader gives them."""
    rows = []
    for *values, reason, record, raw in found:
        named = dict(zip((one.name for one in schema.fields), values, strict=True))
        if reason is not None:
            assert all(named[one.name] == (0 if one.kind is Kind.TIME else None) for one in schema.fields)
        rows.append(
            Row(record, named if reason is None else None, reason, None if raw is None else base64.b64decode(raw))
        )
    return rows


def plain(rows: Iterable[Row]) -> list[Row]:
    """Rows whose decimals are texts, as JSON has them."""
    return [
        row
        if row.values is None
        else replace(row, values={k: format(v, "f") if hasattr(v, "as_tuple") else v for k, v in row.values.items()})
        for row in rows
    ]


@pytest.fixture(scope="session")
def formats(compiler: jar.Compiler, functions_jar: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formats]:
    """The JVM, with the jar and the driver on its class path; it ends with the session."""
    from py4j.java_gateway import GatewayParameters, JavaGateway

    folder = tmp_path_factory.mktemp("driver")
    on_path = (*compiler.class_path, functions_jar)
    driver = jar.provide(folder, replace(compiler, class_path=on_path), folder / "compile.log", DRIVER)
    python = next((flink_package() / "opt").glob("flink-python-*.jar"))
    class_path = ":".join(map(str, (*on_path, driver, python)))
    command = [str(builder.JAVA), "-Xmx1g", "-XX:+UseSerialGC", *FLINK_JAVA_OPTIONS, "-cp", class_path, SERVER]
    process = subprocess.Popen(
        [*command, "--die-on-broken-pipe", "--enable-auth", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    port, token = (process.stdout.readline().decode().strip() for _ in range(2))
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=int(port), auth_token=token, auto_convert=True))
    yield Formats(gateway)
    gateway.shutdown()
    process.stdin.close()
    process.wait(timeout=60)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of compiled classes, with the drivers of these tests."""
    return classes(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def driver(compiled: Path) -> Iterator[Driver]:
    """The attribution's core in a process of its own."""
    started = Driver(compiled)
    yield started
    started.close()
