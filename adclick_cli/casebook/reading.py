"""Files of cases: YAML to `Case`, with the line of whatever is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from adclick_cli.casebook import lines, rows
from adclick_cli.casebook.model import (
    MODES,
    RECORDS,
    Case,
    CaseFileError,
    Compact,
    Expectation,
    Mode,
    Raw,
    Step,
    Watermark,
)
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import Pipeline
from adclick_cli.settings import Settings

START = "2026-01-01T00:00:00Z"
SETTINGS = (
    "window",
    "attribution",
    "clock_skew",
    "dedup_window",
    "dedup_key",
    "unique_ids",
    "watermark_delay",
    "max_ahead",
    "threshold",
    "spike",
    "drop",
    "method",
    "min_impressions",
    "min_z",
    "portable",
)
"""Flags of `submit` that decide a row."""
PORTABLE = False
"""Whether plain SQL runs a case that does not say which engine does; `submit` has a default of its own."""
_CASE = ("name", "settings", "start", "arrived", "given", "expect")
_FILE = ("settings", "cases")


class _OwnSettings(Settings):
    """Defaults and what the file says: no variable and no other file changes a case."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file alone."""
        return (init_settings,)


def yaml() -> Any:
    """How files of cases are read and written: comments and layout are kept."""
    from ruamel.yaml import YAML

    made = YAML()
    made.width = 120
    made.preserve_quotes = True
    made.indent(mapping=2, sequence=4, offset=2)
    return made


def load(path: Path) -> Any:
    """A file as YAML, with places.

    Raises:
        CaseFileError: it cannot be read, or is no YAML.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return yaml().load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CaseFileError(path, line, "YAML", str(error.problem or error), "Correct the YAML.") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise CaseFileError(path, 1, "file", str(error), "Name a file of cases in YAML (UTF-8).") from None


def find(paths: Iterable[Path]) -> list[Path]:
    """The files of cases: those named, and those in the folders that are named.

    Raises:
        CaseFileError: there is none.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted({*path.rglob("*.yaml"), *path.rglob("*.yml")}) if path.is_dir() else [path]
        if not inside:
            raise CaseFileError(path, 1, "folder", "It holds no .yaml file.", "Name a file or a folder of cases.")
        found += inside
    return list(dict.fromkeys(found))


def read(path: Path, *, portable: bool = PORTABLE) -> list[Case]:
    """All cases of a file.

    Args:
        path: the file.
        portable: whether plain SQL runs the cases that do not say so themselves. What one engine refuses, the other
            one runs.

    Raises:
        CaseFileError: something in it cannot be used; it names line, field and mend.
    """
    root = load(path)
    reader = _Reader(path, portable=portable)
    reader.mapping(root, 1, "file", _FILE)
    cases = root.get("cases")
    if not isinstance(cases, Sequence) or isinstance(cases, str) or not cases:
        raise reader.error(root, "cases", "There is no list of cases.", "Write `cases:` and under it `- name: …`.")
    shared = root.get("settings") or {}
    found = [
        reader.case(one, place, _line(cases, place), shared, _line(root, "settings")) for place, one in enumerate(cases)
    ]
    for number, case in enumerate(found):
        if case.name in {other.name for other in found[:number]}:
            raise CaseFileError(
                path, case.line, f"name {case.name!r}", "It stands twice.", "Give each case its own name."
            )
    return found


def _line(node: Any, key: Any) -> int:
    """The line of a key or an item, from 1; of the node itself where that is not known."""
    where = getattr(node, "lc", None)
    if where is None:
        return 1
    place = (where.data or {}).get(key)
    return int(place[0] if place else where.line or 0) + 1


def _as_flag(name: str, value: Any) -> Any:
    """YAML reads `5` as a number where the flag is a text."""
    return str(value) if isinstance(Settings.model_fields[name].default, str) else value


def _breaks_lines(step: Step) -> bool:
    return isinstance(step, Raw) and b"\n" in (step.value or b"")


class _Reader:
    def __init__(self, path: Path, *, portable: bool) -> None:
        self._path, self._portable = path, portable

    def error(self, node: Any, key: Any, why: str, mend: str) -> CaseFileError:
        return CaseFileError(self._path, _line(node, key), str(key), why, mend)

    def mapping(self, node: Any, line: int, what: str, known: Sequence[str]) -> None:
        if not isinstance(node, Mapping):
            raise CaseFileError(
                self._path, line, what, "It is no mapping.", f"Write {', '.join(known)}, each with a colon."
            )
        for key in node:
            if key not in known:
                raise self.error(node, key, f"{what} has no such field.", f"Use {', '.join(known)}.")

    def case(self, node: Any, place: int, line: int, shared: Any, shared_line: int) -> Case:
        self.mapping(node, line, "case", _CASE)
        name = node.get("name")
        if not isinstance(name, str) or not name.strip():
            raise CaseFileError(self._path, line, "name", "Each case has a name.", "Write `name: what it shows`.")
        for key, kind in (("given", list), ("expect", dict)):
            if not isinstance(node.get(key), kind):
                raise self.error(node, key, "It is missing or of another kind.", "See docs/testing.md for the form.")
        steps = [step for number, one in enumerate(node["given"]) for step in self._steps(node["given"], number, one)]
        pipeline = self._pipeline(node, shared, shared_line, lines=any(map(_breaks_lines, steps)))
        return Case(
            self._path,
            line,
            place,
            name,
            pipeline,
            self._start(node),
            None if node.get("arrived") is None else self._time(node, "arrived"),
            tuple(steps),
            {key: self._expectation(node["expect"], key) for key in self._records(node)},
        )

    def _parsed(self, node: Any, key: Any, parse: Any) -> Any:
        try:
            return parse()
        except ParameterError as error:
            raise CaseFileError(
                self._path, _line(node, key), f"{error.field} {error.value!r}", error.why, error.mend
            ) from None

    def _time(self, node: Any, key: str) -> int:
        return int(self._parsed(node, key, lambda: lines.parse_offset(str(node[key]), key)))

    def _pipeline(self, case: Any, shared: Any, shared_line: int, *, lines: bool) -> Pipeline:
        """The case's parameters; where a message holds several lines, plain SQL cannot read it from a file."""
        own, line = case.get("settings") or {}, _line(case, "settings")
        self.mapping(shared, shared_line, "settings", SETTINGS)
        self.mapping(own, line, "settings", SETTINGS)
        values = {**shared, **own}
        node = {name: own if name in own else shared for name in values}
        for name, value in values.items():
            if isinstance(value, (Mapping, list)):
                raise self.error(node[name], name, "It is no single value.", "Write it as the flag of submit.")
        from pydantic import ValidationError

        try:
            flags: dict[str, Any] = {name: _as_flag(name, value) for name, value in values.items()}
            wanted = self._portable and not lines and "dead_letters" not in case["expect"]
            made = self._engine(flags, portable=wanted)
        except ParameterError as error:
            name = error.field.replace("-", "_")
            raise CaseFileError(
                self._path, _line(node.get(name), name), f"{error.field} {error.value!r}", error.why, error.mend
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise CaseFileError(
                self._path, _line(node.get(name), name), f"{name} {first.get('input')!r}", first["msg"], "Correct it."
            ) from None
        if made.portable and lines:
            raise self.error(case, "given", "A line break is in a message.", "Leave `portable` out, or the line break.")
        if made.portable and "dead_letters" in case["expect"]:
            raise self.error(case["expect"], "dead_letters", "Plain SQL writes none.", "Leave `portable` out.")
        return made

    def _engine(self, flags: dict[str, Any], *, portable: bool) -> Pipeline:
        """The pipeline by the engine that is wanted; by the other one where only that one takes these settings."""

        def made(**more: Any) -> Pipeline:
            return _OwnSettings(**flags, **more).pipeline(bounded=True)

        if "portable" in flags:
            return made()
        try:
            return made(portable=portable)
        except ParameterError as refused:
            try:
                return made(portable=not portable)
            except ParameterError:
                raise refused from None

    def _start(self, node: Any) -> int:
        value = node.get("start", START)
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        except ValueError:
            raise self.error(node, "start", f"{value!r} is no instant.", f"Write it as in {START}.") from None
        moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment
        return round(moment.timestamp() * 1000)

    def _steps(self, given: Any, number: int, one: Any) -> list[Step]:
        if isinstance(one, str):
            return list(self._parsed(given, number, lambda: lines.parse_line(one)))
        if isinstance(one, Mapping) and set(one) == {"watermark"}:
            return [Watermark(self._time(one, "watermark"))]
        if isinstance(one, Mapping) and set(one) - {"partition"} in ({"impressions raw"}, {"clicks raw"}):
            key = next(key for key in one if key != "partition")
            value, partition = one[key], one.get("partition", 0)
            if not (value is None or isinstance(value, (str, bytes))):
                raise self.error(one, key, "A raw message is a text, !!binary or null.", "Put the text between quotes.")
            data = value.encode() if isinstance(value, str) else value
            if isinstance(partition, bool) or not isinstance(partition, int) or not 0 <= partition < 1000:
                raise self.error(one, "partition", "It is no partition.", "Give a whole number from 0 to 999.")
            return [Raw(lines.topic_named(key.split()[0]), data, partition)]
        raise self.error(
            given,
            number,
            f"{one!r} is no event.",
            f"{lines.FORMS} Or `watermark: +TIME`, or `impressions raw: 'text'`.",
        )

    def _records(self, node: Any) -> list[str]:
        expect = node["expect"]
        self.mapping(expect, _line(node, "expect"), "expect", RECORDS)
        if not expect:
            raise self.error(node, "expect", "It expects nothing.", f"Use {', '.join(RECORDS)}.")
        return list(expect)

    def _expectation(self, expect: Any, record: str) -> Expectation:
        value, line = expect[record], _line(expect, record)
        mode: Mode = "exact"
        if value == "none":
            return Expectation("exact", (), line)
        if isinstance(value, Mapping):
            self.mapping(value, line, record, MODES)
            if len(value) != 1:
                raise self.error(expect, record, "It has not just one of exact and contains.", "Give one of them.")
            name = next(iter(value))
            mode, value = ("contains" if name == "contains" else "exact"), value[name]
        if not isinstance(value, list):
            raise self.error(
                expect, record, "It is no list of rows.", "Write a list, `none`, or `contains:` and a list."
            )
        return Expectation(mode, tuple(self._row(value, number, record) for number in range(len(value))), line)

    def _row(self, node: Any, number: int, record: str) -> Compact:
        row = node[number]
        if record == "late" and isinstance(row, str):
            return {"event": " ".join(row.split()[:2])}
        self.mapping(row, _line(node, number), record, tuple(rows.SHORT[record]))
        found = {}
        for name, value in row.items():
            if name in rows.TIMES:
                found[name] = lines.format_offset(self._time(row, name))
            else:
                found[name] = value
        return found
