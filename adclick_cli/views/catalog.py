"""How `adclick catalog` looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adclick_cli.catalog.model import Catalog, EventField, EventSource
from adclick_cli.schema import TIMES
from adclick_cli.views import console


def show(catalog: Catalog, form: str | None) -> None:
    """One JSON object; or sources, fields, metrics and results as tables (CSV: the fields)."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(to_json(catalog))
        return
    fields = [{"events": one.name, **_field(field)} for one in _sources(catalog) for field in one.fields]
    columns = ("events", "name", "path", "type", "if missing")
    if chosen == "csv":
        console.write_rows(fields, columns, chosen)
        return
    sources = [_source(one) for one in _sources(catalog)]
    for one in sources:
        one["topic"] = one["topic"] or f"setting topic_{one['name']}"
    console.write_rows(sources, ("name", "topic", "format", "id", "parent", "time", "time_unit"), chosen, "Events")
    console.write_rows(fields, columns, chosen, "Fields")
    metrics = [_metric(catalog, name) for name in ("impressions", "clicks", *(one.name for one in catalog.metrics))]
    console.write_rows(metrics, ("name", "means", "type", "additive"), chosen, "Metrics")
    results = [{**one, "by": ", ".join(one["by"]), "metrics": ", ".join(one["metrics"])} for one in _results(catalog)]
    console.write_rows(results, ("name", "topic", "by", "metrics", "live"), chosen, "Results")


def checked(catalog: Catalog, path: Path | None) -> None:
    """One line on stdout: the catalog can work."""
    console.write(told(catalog, path) + "\n")


def told(catalog: Catalog, path: Path | None) -> str:
    """One line: the catalog can work."""
    counted = ", ".join(
        f"{len(found)} {word}{'' if len(found) == 1 else 's'}"
        for found, word in (
            (catalog.impressions.fields + catalog.clicks.fields, "field"),
            (catalog.metrics, "metric"),
            (catalog.results, "result"),
        )
    )
    return f"{path or 'The built-in catalog'}: {counted}, nothing wrong."


def to_json(catalog: Catalog) -> dict[str, Any]:
    """The catalog in plain values, for JSON."""
    return {
        "events": {
            one.name: {**_source(one), "fields": [_plain(field) for field in one.fields]} for one in _sources(catalog)
        },
        "metrics": [_metric(catalog, name) for name in ("impressions", "clicks", *(m.name for m in catalog.metrics))],
        "results": list(_results(catalog)),
    }


def _sources(catalog: Catalog) -> tuple[EventSource, EventSource]:
    return catalog.impressions, catalog.clicks


def _source(source: EventSource) -> dict[str, Any]:
    return {
        "name": source.name,
        "topic": source.topic or None,
        "format": source.format,
        "id": ".".join(source.id),
        "parent": ".".join(source.parent) if source.parent else None,
        "time": ".".join(source.time),
        "time_unit": source.time_unit,
    }


def _field(field: EventField) -> dict[str, Any]:
    missing = "no event" if field.required else "null" if field.default is None else str(field.default)
    decimal = f"({field.precision}, {field.scale})" if field.type == "decimal" else ""
    return {"name": field.name, "path": ".".join(field.path), "type": field.type + decimal, "if missing": missing}


def _plain(field: EventField) -> dict[str, Any]:
    decimal = {"precision": field.precision, "scale": field.scale} if field.type == "decimal" else {}
    default = field.default if isinstance(field.default, (bool, int)) or field.default is None else str(field.default)
    return {
        "name": field.name,
        "path": ".".join(field.path),
        "type": field.type,
        **decimal,
        "optional": field.optional,
        "default": default,
    }


def _metric(catalog: Catalog, name: str) -> dict[str, Any]:
    metric = catalog.metric(name)
    return {
        "name": name,
        "column": metric.column,
        "means": metric.text,
        "type": str(metric.type),
        "additive": metric.additive,
    }


def _results(catalog: Catalog) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "topic": one.topic,
            "by": list(one.by),
            "metrics": list(one.metrics),
            "columns": [*TIMES, *catalog.columns(one)],
            "live": one.live,
        }
        for one in catalog.results
    ]
