"""What cannot work in a catalog, found before anything runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

from adclick_cli import schema
from adclick_cli.catalog import builtin
from adclick_cli.catalog.expressions import COUNTS, suggestion
from adclick_cli.catalog.model import FORMATS, MAX_NAME, Catalog, EventField, EventSource, Result
from adclick_cli.catalog.problems import CatalogError, Problem
from adclick_cli.catalog.toml_places import Key
from adclick_cli.catalog.tree import MOST_DIGITS, Sum, is_constant, leaf_name, leaves
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import parse_topic

RESERVED = frozenset(
    [
        *("window_start", "window_end", "impression_count", "click_count", "gross_click_count", "state"),
        *("impressions", "clicks", "impression_id", "click_id", "event_timestamp"),
        *("arrived_at", "event_time", "due_time", "is_event", "reason", "record", "line", "raw", "bucket", "sums"),
    ]
)
"""Columns of adclick's own: no field, metric or result may have such a name."""
RESERVED_FIELDS = frozenset(
    [
        *("kind", "counted_start", "counted_end", "click", "valid_click", "closed_at", "rowtime", "window_time"),
        *("dimensions", "dedup_key", "event_id", "key", "ts", "partition", "offset", "element", "arrived_ms"),
        *("stamp", "stamp_type", "good", "beat", "horizon", "timely", "sure", "surely_preceded", "alone", "copy"),
        *("other", "shown", "certain", "low", "high", "must", "latest", "shown_ts", "click_ts", "fresh"),
        *("surely_fresh", "plain", "value", "text"),
    ]
)
"""Further ones that tables of events have, in Flink's SQL or in the oracle's."""
MOST_SUMMED_DIGITS = 18
"""Digits of a decimal whose unit of the last digit is counted in a BIGINT."""
RESERVED_BEGINNINGS = ("adclick_", "source_")
RESERVED_RESULTS = frozenset({"quality", *(one.name for one in schema.ALL)}) - {"ctr", "engagement"}
"""What `watch` and the SQL call something else."""
TEXTS = ("user_id", "campaign_id", "ad_id", "device_type")
"""Fields that adclick itself works with."""
BUILT_IN = {one.name: one for one in builtin.CATALOG.results}

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_LONG = 2**63

_Found = Iterator[tuple[Key, object, str, str]]
"""Key, value, what is wrong, what to write instead."""


def check(catalog: Catalog, place: Callable[[Key], str] | None = None) -> None:
    """Make sure that a catalog can work.

    Args:
        catalog: what is declared.
        place: tells for a dotted key the `file:line` where it stands.

    Raises:
        CatalogError: it cannot; the error has all problems.
    """
    found = problems(catalog, place)
    if found:
        raise CatalogError(found)


def problems(catalog: Catalog, place: Callable[[Key], str] | None = None) -> list[Problem]:
    """All that cannot work in a catalog; see `check`."""
    where = place or (lambda _: "")
    found = [*_events(catalog), *_metrics(catalog), *_results(catalog), *_topics(catalog)]
    return [Problem(where(key), ".".join(key), value, why, hint) for key, value, why, hint in found]


def _name(key: Key, name: str, more: frozenset[str] = frozenset()) -> _Found:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
        hint = f"Use at most {MAX_NAME} small letters, digits and underscores, a letter first."
        yield key, name, "It is no name of a column.", hint
    elif name in RESERVED | more or name.startswith(RESERVED_BEGINNINGS):
        yield key, name, "adclick has a column of this name itself, or may have one.", "Choose another name."


def _events(catalog: Catalog) -> _Found:
    names = {one.name for one in catalog.impressions.fields}
    for source in (catalog.impressions, catalog.clicks):
        key = ("events", source.name)
        yield from _source(key, source)
        for field in source.fields:
            yield from _name((*key, "fields", field.name), field.name, RESERVED_FIELDS)
            yield from _field((*key, "fields", field.name), field)
    yield from _own_fields(catalog)
    for leaf in leaves(one.tree for one in catalog.metrics):
        if leaf_name(leaf) in names:
            yield (
                ("events", "impressions", "fields", leaf_name(leaf)),
                leaf_name(leaf),
                f"adclick calls what a metric makes of {leaf.field} so.",
                "Give the field another name; its path may stay.",
            )


def _own_fields(catalog: Catalog) -> _Found:
    for field in catalog.impressions.fields:
        key = ("events", "impressions", "fields", field.name)
        if field.name in TEXTS and field.type != "text":
            why = "adclick takes it as a text, and a number in an event as the text of it."
            yield (*key, "type"), field.type, why, "Leave the type out, or declare another field of the same path."
        users = [result.name for result in BUILT_IN.values() if field.name in result.by]
        if users and field.nullable:
            why = f"{users[0]} breaks down by it, and a row is known by its fields."
            yield (*key, "optional"), field.optional, why, 'Give it a default, for example default = "unknown".'


def _source(key: Key, source: EventSource) -> _Found:
    if source.format not in FORMATS:
        yield (*key, "format"), source.format, "This format is not there.", f"Use {', '.join(FORMATS)}."
    paths = {"id": source.id, "time": source.time, **({"parent": source.parent} if source.parent else {})}
    for name, path in paths.items():
        yield from _path((*key, name), path)
    if source.topic is not None:
        yield from _topic((*key, "topic"), source.topic)


def _path(key: Key, path: tuple[str, ...]) -> _Found:
    dotted = ".".join(path)
    if not all(path):
        yield key, dotted, "A part of the path is empty.", "Write names with one dot between them, as in device.type."
    elif not dotted.isprintable():
        yield key, dotted, "There is a sign in it that cannot be seen.", "Write the path without it."


def _topic(key: Key, topic: str) -> _Found:
    try:
        parse_topic(topic, "topic")
    except ParameterError as error:
        yield key, topic, error.why, error.mend


def _field(key: Key, field: EventField) -> _Found:
    yield from _path(key, field.path)
    if field.type == "decimal" and not 0 <= field.scale <= field.precision <= MOST_DIGITS:
        value = f"decimal({field.precision}, {field.scale})"
        yield key, value, "It has more digits behind the point than in all.", "Give more precision, or less scale."
    elif field.default is not None and not _fits(field):
        yield (*key, "default"), field.default, *unfit(field.type)


def unfit(kind: str) -> tuple[str, str]:
    """What is wrong with a default that is no value of a type of field, and what to write instead."""
    hints = {
        "text": f'Write a text of at most {schema.LONGEST_TEXT} signs that can be seen, for example "unknown".',
        "integer": "Write a whole number of 64 bits, for example 0.",
        "decimal": 'Write a number that has no more digits than the field, for example "0.00".',
        "boolean": "Write true or false, without quotes.",
    }
    return f"No field of the type {kind} can have this value.", hints[kind]


def _fits(field: EventField) -> bool:
    value = field.default
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type == "integer":
        return type(value) is int and -_LONG <= value < _LONG
    if field.type == "decimal":
        return isinstance(value, Decimal) and _has_room(value, field)
    # What the format would not take from a message cannot be a default either.
    return isinstance(value, str) and value.isprintable() and value[:1] not in ("", "{", "[") and _short(value)


def _short(text: str) -> bool:
    return len(text) <= schema.LONGEST_TEXT


def _has_room(value: Decimal, field: EventField) -> bool:
    if not value.is_finite():
        return False
    whole = field.precision - field.scale
    digits = value.as_tuple()
    return not value or (-int(digits.exponent) <= field.scale and value.adjusted() < whole)


def _metrics(catalog: Catalog) -> _Found:
    fields = {one.name for source in (catalog.impressions, catalog.clicks) for one in source.fields}
    sums = {leaf_name(leaf): leaf for leaf in leaves(one.tree for one in catalog.metrics)}
    built_in = {one.name: one for one in builtin.CATALOG.metrics}
    for metric in catalog.metrics:
        key, name = ("metrics", metric.name), metric.name
        yield from _name(key, name)
        if name in fields:
            yield key, name, f"{name} is a field, too.", "Give the metric another name."
        if name in built_in and metric.tree != built_in[name].tree:
            why = f"It is {built_in[name].text}, whatever else is declared."
            yield key, metric.text, why, "Give yours another name."
        if name in sums and metric.tree != sums[name]:
            yield (
                key,
                name,
                f"adclick calls the column of its own sum of {sums[name].field} so.",
                "Choose another name.",
            )
        for leaf in leaves([metric.tree]):
            field = catalog.impressions.field(leaf.field)
            if field and isinstance(leaf, Sum) and field.type == "decimal" and field.precision > MOST_SUMMED_DIGITS:
                why = f"{leaf.field} has {field.precision} digits, and what is summed up may have {MOST_SUMMED_DIGITS}."
                yield key, metric.text, why, f"Declare the field with precision = {MOST_SUMMED_DIGITS} or less."
        if is_constant(metric.tree):
            yield key, metric.text, "It is the same for all impressions.", "Name a metric or a field in it."


def _results(catalog: Catalog) -> _Found:
    metrics = (*COUNTS, *(one.name for one in catalog.metrics))
    for result in catalog.results:
        key = ("results", result.name)
        if result.name in BUILT_IN:
            yield from _as_built_in(key, result)
            continue
        yield from _name(key, result.name)
        if result.name in RESERVED_RESULTS or result.name.endswith("_live"):
            yield key, result.name, "adclick has a topic of this name itself, or may have one.", "Choose another name."
        yield from _columns(key, result, catalog, metrics)


def _as_built_in(key: Key, result: Result) -> _Found:
    known = BUILT_IN[result.name]
    why, hint = f"{result.name} is built in and stays as it is.", "Declare a result of another name."
    if result.by != known.by:
        yield (*key, "by"), list(result.by), why, hint
    if result.metrics != known.metrics:
        yield (*key, "metrics"), list(result.metrics), why, hint
    if result.live != known.live:
        yield (*key, "live"), result.live, why, "The setting `live` (ADCLICK_LIVE, --no-live) turns live rows off."
    if result.topic != known.topic:
        yield (*key, "topic"), result.topic, why, f"Set topic_{result.name} (ADCLICK_TOPIC_{result.name.upper()})."


def _columns(key: Key, result: Result, catalog: Catalog, metrics: tuple[str, ...]) -> _Found:
    fields = {one.name: one for one in catalog.impressions.fields}
    for word, names in (("by", result.by), ("metrics", result.metrics)):
        for name in sorted({one for one in names if names.count(one) > 1}):
            yield (*key, word), name, "It is there twice.", "Name it once."
    if not result.by:
        yield (*key, "by"), list(result.by), "It breaks down by nothing.", f"Name fields: {', '.join(fields)}."
    if not result.metrics:
        yield (*key, "metrics"), list(result.metrics), "It has no metric.", f"Name some of: {', '.join(metrics)}."
    for name in result.metrics:
        if name not in metrics:
            yield (*key, "metrics"), name, "There is no such metric.", suggestion(name, metrics)
    for name in result.by:
        if name not in fields:
            yield (*key, "by"), name, "Impressions have no such field.", suggestion(name, fields)
        elif fields[name].type == "decimal":
            why = "A decimal is an amount: there would be a row for each."
            yield (*key, "by"), name, why, "Break down by a text, an integer or a boolean."
        elif fields[name].nullable:
            why = "It may be missing, and a row is known by its fields."
            yield (*key, "by"), name, why, f'Give the field a default: {name} = {{ default = "unknown" }}.'


def _topics(catalog: Catalog) -> _Found:
    # Settings may rename these; what is then the same is for the settings to find.
    taken = {one.default_topic: f"adclick's own {one.name}" for one in schema.ALL}
    for source, record in ((catalog.impressions, schema.IMPRESSION), (catalog.clicks, schema.CLICK)):
        if source.topic is not None:
            taken.pop(record.default_topic, None)
    named: list[tuple[Key, str, str]] = [
        (("events", one.name, "topic"), one.topic, f"events.{one.name}")
        for one in (catalog.impressions, catalog.clicks)
        if one.topic is not None
    ]
    for result in catalog.results:
        if result.name not in BUILT_IN:
            yield from _topic(("results", result.name, "topic"), result.topic)
            named.append((("results", result.name, "topic"), result.topic, f"results.{result.name}"))
            if result.live:
                named.append((("results", result.name), result.live_topic, f"the live rows of results.{result.name}"))
    for key, topic, owner in named:
        if topic in taken:
            yield key, topic, f"It is the topic of {taken[topic]}, too.", "Give each a topic of its own."
        taken.setdefault(topic, owner)
