"""The text of `adclick.toml`: a proposal, or the built-in catalog, with a comment on each line that may be changed.

What comes from messages stands in comments without any sign that cannot be seen, and in TOML's own escapes elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load_text
from adclick_cli.catalog.model import Catalog, EventField, EventSource
from adclick_cli.catalog.problems import CatalogError
from adclick_cli.inference.guess import FieldGuess, Guess, Proposal, SourceGuess
from adclick_cli.inference.names import Path
from adclick_cli.inference.propose import OWN_TOPICS

NAME = "adclick.toml"
WIDTH = 120
_HEAD = "What the events look like, and what is computed of them: docs/catalog.md. `adclick catalog check` looks at it."
_SETTINGS = 'Settings stand above the first table, for example window = "5m".'
_EXAMPLES = (
    ("Metrics of your own: arithmetic of metrics and of sum(field), avg(field) and count(field).", "[metrics]"),
    ("", 'spend = "sum(cost)"'),
    ("", 'cpc = "spend / clicks"'),
    ("", ""),
    ("A result of your own: metrics of each window, by fields of the impressions.", "[results.spend]"),
    ("", 'by = ["campaign_id", "device_type"]'),
    ("", 'metrics = ["impressions", "clicks", "ctr", "spend", "cpc"]'),
)


def of_default() -> str:
    """The built-in catalog."""
    lines = [*_comment(_HEAD), *_comment(_SETTINGS), ""]
    for source in (CATALOG.impressions, CATALOG.clicks):
        lines += [*_default_source(source), ""]
    for result in CATALOG.results:
        name = f"topic_{result.name}"
        lines += [
            *_comment(f"Built in, and stays as it is; the setting {name} names another topic."),
            f"[results.{result.name}]",
            f"topic = {_quoted(result.topic)}",
            f"by = {_list(result.by)}",
            f"metrics = {_list(result.metrics)}",
            "",
        ]
    for about, example in _EXAMPLES:
        lines += _comment(about) if about else []
        lines.append(f"# {example}".rstrip())
    return "\n".join(lines).rstrip("\n") + "\n"


def of_proposal(proposal: Proposal) -> str:
    """What is proposed. Events that are the built-in ones get no further result."""
    events = "\n".join(_events(proposal))
    result = list(_result(proposal))
    if _is_built_in(events):
        result = [*_comment("The events are the built-in ones. An example of a result of your own:"), *_off(result)]
    return "\n".join([events, *result]).rstrip("\n") + "\n"


def _is_built_in(events: str) -> bool:
    try:
        found = load_text(events, NAME)
    except CatalogError:
        # It is told when the whole text is checked.
        return False
    return _bare(found) == _bare(CATALOG)


def _bare(catalog: Catalog) -> Catalog:
    return replace(catalog, metrics=(), results=())


def _default_source(source: EventSource) -> Iterator[str]:
    topic = OWN_TOPICS[source.name]
    yield f"[events.{source.name}]"
    yield from _line(f"# topic = {_quoted(topic)}", f"the setting topic_{source.name} names it, unless this line does")
    yield from _line(f"format = {_quoted(source.format)}", "Avro is not there yet")
    yield from _line(f"id = {_path(source.id)}", "path of the value, with dots where an object stands in an object")
    if source.parent:
        yield from _line(f"parent = {_path(source.parent)}", "the id of the impression that was clicked")
    yield f"time = {_path(source.time)}"
    yield from _line(f"time_unit = {_quoted(source.time_unit)}", "s, ms, us or ns since 1970 in UTC, or iso8601")
    yield ""
    yield f"[events.{source.name}.fields]"
    for field in source.fields:
        yield from _line(f"{field.name} = {_field(_as_guess(field))}", "may be missing" if field.optional else "")


def _as_guess(field: EventField) -> FieldGuess:
    return FieldGuess(field.name, field.path, "", field.type, field.optional)


def _events(proposal: Proposal) -> Iterator[str]:
    yield from _comment(f"Proposed by `adclick init` from what was looked at. {_HEAD}")
    if proposal.servers:
        yield f"bootstrap_servers = {_quoted(proposal.servers)}"
    yield ""
    yield from _source("impressions", proposal.impressions)
    yield ""
    if proposal.clicks is None:
        yield from _comment("Clicks stay as they are built in: `adclick replay` makes them of the log.")
    else:
        yield from _source("clicks", proposal.clicks)
    yield ""


def _source(name: str, source: SourceGuess) -> Iterator[str]:
    for told in source.evidence:
        yield from _comment(told)
    yield f"[events.{name}]"
    if source.topic is not None:
        yield f"topic = {_quoted(source.topic)}"
    yield from _guess("id", source.id)
    if source.parent is not None:
        yield from _guess("parent", source.parent)
    yield from _guess("time", source.time)
    yield f"time_unit = {_quoted(source.unit)}"
    if source.fields or source.left_out:
        yield ""
        yield f"[events.{name}.fields]"
    for field in source.fields:
        yield from _line(f"{field.name} = {_field(field)}", field.evidence)
    if source.left_out:
        yield from _comment("Not declared:")
    for told in source.left_out:
        yield from _comment(told)


def _guess(key: str, guess: Guess) -> Iterator[str]:
    yield from _line(f"{key} = {_path(guess.path)}", guess.evidence)


def _field(field: FieldGuess) -> str:
    """A path, or a table where more than what is built in has to be said."""
    known = CATALOG.impressions.field(field.name)
    plain = EventField(field.name, field.path) if known is None else known
    more: list[str] = []
    if field.type != plain.type:
        more.append(f"type = {_quoted(field.type)}")
    if field.optional != plain.optional and field.default is None:
        more.append(f"optional = {json.dumps(field.optional)}")
    if field.default is not None:
        more.append(f"default = {_quoted(field.default)}")
    if field.scale != plain.scale:
        more.append(f"scale = {field.scale}")
    return f"{{ {', '.join([f'path = {_path(field.path)}', *more])} }}" if more else _path(field.path)


def _result(proposal: Proposal) -> Iterator[str]:
    metrics = ["impressions", "clicks", "ctr", *(["spend", "cpc"] if proposal.costs else [])]
    if proposal.costs:
        yield "[metrics]"
        yield from _line('spend = "sum(cost)"', "each impression once, however many clicks it has")
        yield from _line('cpc = "spend / clicks"', "null where there is no click")
        yield ""
    name = "by_" + "_".join(proposal.by)
    yield f"[results.{name[:50].rstrip('_')}]"
    yield f"by = {_list(proposal.by)}"
    yield f"metrics = {_list(metrics)}"


def _off(lines: list[str]) -> list[str]:
    """Lines that are not in force."""
    return [f"# {line}".rstrip() for line in lines]


def _list(names: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"


def _path(path: Path) -> str:
    return _quoted(".".join(path))


def _quoted(text: str) -> str:
    """A text of TOML: what JSON escapes TOML does, too, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _line(line: str, about: str) -> Iterator[str]:
    """A line with a comment behind it, or above it where it would be too long."""
    told = visible(about)
    if about and len(line) + len(told) + 4 <= WIDTH and not line.startswith("#"):
        yield f"{line}  # {told}"
        return
    yield from _comment(about) if about else ()
    yield line


def _comment(text: str) -> Iterator[str]:
    """Lines of a comment, cut between words."""
    line = "#"
    for word in visible(text).split(" "):
        if len(line) + len(word) + 1 > WIDTH and line != "#":
            yield line
            line = "#"
        line += f" {word}"
    yield line


def visible(text: str) -> str:
    """A text with escapes for all that cannot be seen: a line end would end a comment."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
