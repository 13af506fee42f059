"""The catalog of a project: the built-in one with the tables `[events]`, `[metrics]` and `[results]` of `adclick.toml`.

A field that is named replaces what is said of it, one that is new is added, one that is not named stays as it is.
Metrics and results are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from adclick_cli.catalog import builtin, check
from adclick_cli.catalog.expressions import COUNTS, ExpressionError, Expressions
from adclick_cli.catalog.model import (
    FIELD_TYPES,
    FORMATS,
    FORMATS_TO_COME,
    TIME_UNITS,
    Catalog,
    Default,
    EventField,
    EventSource,
    Metric,
    Result,
)
from adclick_cli.catalog.problems import CatalogError
from adclick_cli.catalog.tables import Source, Table, is_declared, parse, read
from adclick_cli.catalog.tree import MOST_DIGITS, MOST_PRODUCT_SCALE, Impressions

_FIELD_KEYS = ("path", "type", "optional", "default", "precision", "scale")
_ANY_BY, _ANY_METRICS = ("campaign_id",), ("clicks",)
_RESULT_KEYS = ("topic", "by", "metrics", "live")


def load(path: Path | None = None) -> Catalog:
    """The catalog that a file declares.

    Args:
        path: `adclick.toml`; None for the built-in catalog.

    Raises:
        ParameterError: the file cannot be read.
        CatalogError: something in it cannot work; all of that is told.
    """
    if path is None:
        return builtin.CATALOG
    return _loaded(*read(path))


def load_text(text: str, path: str) -> Catalog:
    """The catalog that the text of a file declares.

    Args:
        text: what is in the file, or will be.
        path: the file's name in messages.

    Raises:
        ParameterError: it is no TOML.
        CatalogError: something in it cannot work; all of that is told.
    """
    return _loaded(*parse(path, text))


def _loaded(source: Source, document: Mapping[str, Any]) -> Catalog:
    top = Table(source, (), {name: value for name, value in document.items() if is_declared(name, value)})
    if not top.data:
        return builtin.CATALOG
    events = top.table("events")
    events.names_of(("impressions", "clicks"))
    impressions = _source(events.table("impressions"), builtin.CATALOG.impressions)
    clicks = _source(events.table("clicks"), builtin.CATALOG.clicks)
    metrics = _metrics(top.table("metrics"), {one.name: one for one in impressions.fields})
    catalog = Catalog(impressions, clicks, metrics, _results(top.table("results")))
    problems = [*source.problems, *check.problems(catalog, source.place)]
    if problems:
        raise CatalogError(sorted(problems, key=source.order))
    return catalog


def _source(table: Table, known: EventSource) -> EventSource:
    keys = ["topic", "format", "id", "time", "time_unit", "fields", *(["parent"] if known.parent else [])]
    table.names_of(keys)
    form = table.text("format")
    if form in FORMATS_TO_COME:
        table.refuse("format", "This format is not there yet.", f"Use {', '.join(FORMATS)}.")
    elif form is not None:
        table.choice("format", FORMATS)
    unit = table.choice("time_unit", TIME_UNITS)
    return replace(
        known,
        topic=table.text("topic"),
        id=table.path("id") or known.id,
        parent=table.path("parent") or known.parent,
        time=table.path("time") or known.time,
        time_unit=next((one for one in TIME_UNITS if one == unit), known.time_unit),
        fields=_fields(table.table("fields"), known.fields),
    )


def _fields(table: Table, known: tuple[EventField, ...]) -> tuple[EventField, ...]:
    found = {one.name: one for one in known}
    for name, value in table.data.items():
        before = found.get(name, EventField(name, (name,)))
        if isinstance(value, str):
            found[name] = replace(before, path=table.path(name) or before.path)
        elif isinstance(value, Mapping):
            found[name] = _field(table.table(name), before)
        else:
            table.refuse(name, "It is neither a path nor a table.", 'Write for example "device.type", with quotes.')
            # What is said of it elsewhere is looked at all the same.
            found[name] = replace(before, type="integer")
    return tuple(found.values())


def _field(table: Table, before: EventField) -> EventField:
    table.names_of(_FIELD_KEYS)
    word = table.choice("type", FIELD_TYPES)
    kind = next((one for one in FIELD_TYPES if one == word), before.type)
    precision = table.whole("precision", 1, MOST_DIGITS) or before.precision
    scale = table.whole("scale", 0, MOST_PRODUCT_SCALE)
    if kind != "decimal":
        for name in ("precision", "scale"):
            if name in table.data:
                table.refuse(name, f"A field of the type {kind} has none.", 'Leave it out, or write type = "decimal".')
    optional = table.truth("optional")
    return EventField(
        before.name,
        table.path("path") or before.path,
        kind,
        before.optional if optional is None else optional,
        _default(table, kind),
        precision,
        before.scale if scale is None else scale,
    )


def _default(table: Table, kind: str) -> Default:
    """The value as the field's type has it, as far as it can be; whether it fits is for `check` to say."""
    if "default" not in table.data:
        return None
    value = table.data["default"]
    if kind == "decimal" and type(value) in (int, float, str):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return str(value)
    if isinstance(value, (str, int)):
        return value
    table.refuse("default", *check.unfit(kind))
    return None


def _metrics(table: Table, fields: Mapping[str, EventField]) -> tuple[Metric, ...]:
    texts = {one.name: one.text for one in builtin.CATALOG.metrics}
    for name in table.data:
        text = table.text(name)
        if name in COUNTS:
            table.refuse(name, "It is there already, and means what it always means.", "Give yours another name.")
        elif text is not None:
            texts[name] = text
    expressions = Expressions(texts, fields)
    found = []
    for name, text in texts.items():
        try:
            found.append(builtin.metric(name, text, expressions))
        except ExpressionError as error:
            if error.metric == name:
                table.refuse(name, error.why, error.hint)
            # Results that name it are not wrong for that.
            found.append(Metric(name, text, Impressions()))
    return tuple(found)


def _results(table: Table) -> tuple[Result, ...]:
    found = {one.name: one for one in builtin.CATALOG.results}
    for name in table.data:
        one = table.table(name)
        one.names_of(_RESULT_KEYS)
        if not one.data and table.data[name] != {}:
            continue
        before = found.get(name, Result(name, f"{name}_results", (), ()))
        by, metrics, live = one.texts("by", _ANY_BY), one.texts("metrics", _ANY_METRICS), one.truth("live")
        found[name] = Result(
            name,
            one.text("topic") or before.topic,
            before.by if by is None else by,
            before.metrics if metrics is None else metrics,
            before.live if live is None else live,
        )
    return tuple(found.values())
