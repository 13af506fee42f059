"""Which fields are campaign, device and cost, and which others are worth declaring."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adclick_cli.catalog import builtin
from adclick_cli.catalog.check import MOST_SUMMED_DIGITS
from adclick_cli.catalog.model import PRECISION, SCALE, EventField, FieldType
from adclick_cli.inference.flatten import NEARLY_ALL, Column, Scalar
from adclick_cli.inference.guess import FieldGuess
from adclick_cli.inference.ids import FEW
from adclick_cli.inference.names import Path, column, declarable, words
from adclick_cli.inference.sample import share

MOST_VALUES = 50
"""Different values of a field that a result may be broken down by without being asked."""
MOST_FIELDS = 20
MOST_SCALE = 12
"""Digits behind the point of a cost: what is written with more comes from a double."""
UNKNOWN = "unknown"
_SHOWN_VALUES, _SHOWN_SIGNS = 3, 24

_NUMBER = re.compile(r"[+-]?([0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,2}))?", re.ASCII)
_NO_CAMPAIGN = frozenset(
    {"type", "budget", "status", "start", "end", "objective", "country", "goal", "url", "version", "time"}
)
_NO_DEVICE = frozenset({"id", "model", "version", "ip", "ua", "make", "brand", "vendor", "language", "width", "height"})
_NO_COST = frozenset(
    {"id", "currency", "cur", "type", "model", "floor", "code", "count", "time", "timestamp", "ts", "at", "name"}
)
_COSTS = {"cost": 6, "costs": 6, "spend": 5, "price": 4, "amount": 3, "revenue": 2, "bid": 1, "cpm": 1}
_BREAKDOWNS = dict.fromkeys(("format", "channel", "site", "publisher"), 2) | dict.fromkeys(
    ("app", "os", "size", "city", "language", "browser", "position"), 1
)
_BREAKDOWNS |= {"country": 5, "region": 3, "geo": 3, "placement": 3}


@dataclass(frozen=True)
class Declared:
    """The fields of the impressions.

    Attributes:
        fields: those to declare.
        left_out: what is not declared, one line each.
        by: fields of the proposed result.
        costs: whether there is a cost.
    """

    fields: tuple[FieldGuess, ...]
    left_out: tuple[str, ...]
    by: tuple[str, ...]
    costs: bool


def impressions(columns: Mapping[Path, Column], used: Collection[Path]) -> Declared:
    """The fields of impressions.

    Args:
        columns: all fields.
        used: paths that are id or time.
    """
    free = {path: one for path, one in columns.items() if path not in used and declarable(path)}
    fields: list[FieldGuess] = []
    for hint, name in ((campaign_hint, "campaign_id"), (device_hint, "device_type")):
        found = _best(free, lambda one, hint=hint: hint(one.path) if one.single and _repeats(one) else 0)  # type: ignore[misc]
        fields.append(_breakdown(name, found) if found else _missing(name, columns))
    cost = _best({path: one for path, one in free.items() if _is_numeric(one)}, lambda one: cost_hint(one.path))
    taken = {one.path for one in fields} | ({cost.path} if cost else set())
    fields += _built_in(builtin.CATALOG.impressions.fields, columns, taken)
    if cost:
        fields.append(_cost(cost))
    elif wrong := _unfit("cost", columns, _is_numeric):
        fields.append(wrong)
    more, left_out = _others(
        free, {one.path for one in fields}, {one.name for one in builtin.CATALOG.impressions.fields}
    )
    left_out = (*(_undeclarable(one) for one in columns.values() if _is_left_out(one, columns)), *left_out)
    return Declared((*fields, *more), left_out, _by(more, columns, fields), cost is not None)


def clicks(columns: Mapping[Path, Column], used: Collection[Path]) -> tuple[FieldGuess, ...]:
    """The fields of clicks."""
    return tuple(_built_in(builtin.CATALOG.clicks.fields, columns, set(used)))


def campaign_hint(path: Path) -> float:
    """How much the names of a path are those of a campaign."""
    found = words(*path)
    joined = "".join(found)
    if set(found) & _NO_CAMPAIGN or not found:
        return 0
    last = 0.6 if found[-1] == "id" else 0.3 if found[-1] in ("name", "key", "code") else 0.4
    if "campaign" in joined:
        return 4 + last
    if set(found) & {"cmp", "camp", "cmpid", "campid"}:
        return 3 + last
    if "lineitem" in joined:
        return 2 + last
    return 1 + last if "adgroup" in joined or "flight" in found else 0


def device_hint(path: Path) -> float:
    """How much the names of a path are those of a type of device."""
    found = words(*path)
    joined = "".join(found)
    if set(found) & _NO_DEVICE or not found:
        return 0
    if "devicetype" in joined or joined.endswith("formfactor"):
        return 5
    if found[-1] in ("device", "devicecategory") or joined.endswith("devicecategory"):
        return 4
    return 2 if found[-1] == "platform" else 1 if found[-1] == "os" else 0


def cost_hint(path: Path) -> float:
    """How much the names of a path are those of what an impression costs."""
    found = words(*path)
    if set(found) & _NO_COST:
        return 0
    return max((_COSTS.get(word, 0) for word in found), default=0)


def _best(columns: Mapping[Path, Column], hint: Callable[[Column], float]) -> Column | None:
    found = [(hint(one) + one.present / 2 - 0.05 * len(one.path), one) for one in columns.values() if hint(one) > 0]
    return max(found, key=lambda one: one[0])[1] if found else None


def _repeats(one: Column) -> bool:
    """Whether values come again: a campaign or a device is not another one in each event."""
    return len(one.texts) < FEW or one.unique <= 0.5


def _is_numeric(one: Column) -> bool:
    found = [digits for value in one.values if (digits := _digits(value)) is not None]
    fits = all(before < MOST_SUMMED_DIGITS for before, _ in found)
    return bool(found) and fits and len(found) >= NEARLY_ALL * len(one.values)


def _digits(value: Scalar) -> tuple[int, int] | None:
    """Digits before and behind the point; None where the value is no number."""
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    number = Decimal(match.group(0)).normalize()
    return max(0, number.adjusted() + 1), max(0, -int(number.as_tuple().exponent))


def _breakdown(name: str, found: Column, default: str = UNKNOWN) -> FieldGuess:
    return FieldGuess(name, found.path, _values(found), default=None if found.always else default)


def _missing(name: str, columns: Mapping[Path, Column]) -> FieldGuess:
    word = name.partition("_")[0]
    evidence = f"No field looks like a {word}: all are {UNKNOWN}, until you name its path."
    path = _nowhere(name, columns) if (name,) in columns else (name,)
    return FieldGuess(name, path, evidence, default=UNKNOWN)


def _nowhere(name: str, columns: Mapping[Path, Column]) -> Path:
    """A path that no event has."""
    return next(path for number in range(1_000) if (path := (f"no_{name}{number or ''}",)) not in columns)


def _values(found: Column) -> str:
    few = ", ".join(_quoted(text) for text in found.distinct[:_SHOWN_VALUES])
    more = ", …" if len(found.distinct) > _SHOWN_VALUES else ""
    count = len(found.distinct)
    told = f"{count:,} value{'' if count == 1 else 's'}"
    # Many values may be those of persons, and the file is likely to be shared.
    told += f": {few}{more}" if count <= MOST_VALUES and _repeats(found) else ""
    return told if found.always else f"{told}; in {share(found.present)} of the events"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= _SHOWN_SIGNS else text[: _SHOWN_SIGNS - 1] + "…"}"'


def _cost(found: Column) -> FieldGuess:
    digits = [known for value in found.values if (known := _digits(value)) is not None]
    before, behind = max(one[0] for one in digits), max(one[1] for one in digits)
    # One digit more before the point than was seen, or four: prices grow, and rounding may add one.
    room = MOST_SUMMED_DIGITS - max(before + 1, 4)
    scale = min(max(behind, SCALE), room, MOST_SCALE)
    numbers = [Decimal(value.strip()) for value in found.values if isinstance(value, str) and _digits(value)]
    told = f"numbers from {min(numbers):f} to {max(numbers):f}"
    if not found.always:
        told += f"; in {share(found.present)} of the events"
    if scale < behind:
        told += f"; rounded to {scale} digits"
    return FieldGuess("cost", found.path, told, "decimal", optional=True, scale=scale)


def _built_in(known: Sequence[EventField], columns: Mapping[Path, Column], taken: Collection[Path]) -> list[FieldGuess]:
    """The optional texts that are built in, where their path is another one or their value is no text."""
    found = []
    for field in known:
        if not field.optional or field.type != "text":
            continue
        own = columns.get(field.path)
        if own is None or field.path in taken:
            path = _elsewhere(field.name, columns, taken)
            if path:
                found.append(FieldGuess(field.name, path, _values(columns[path]), optional=True))
        elif own.single:
            found.append(FieldGuess(field.name, field.path, _values(own), optional=True))
        elif path := _elsewhere(field.name, columns, taken):
            found.append(FieldGuess(field.name, path, _values(columns[path]), optional=True))
        elif wrong := _unfit(field.name, columns, lambda one: one.single):
            found.append(wrong)
    return found


def _elsewhere(name: str, columns: Mapping[Path, Column], taken: Collection[Path]) -> Path | None:
    wanted = words(name)
    for path, one in columns.items():
        known = path[:-1] if path[-1] in ("id", "name") and len(path) > 1 and path[-2] == name else path
        if path not in taken and declarable(path) and one.single and words(*known)[-len(wanted) :] == wanted:
            return path
    return None


def _unfit(name: str, columns: Mapping[Path, Column], fits: Callable[[Column], bool]) -> FieldGuess | None:
    """A built-in field whose values cannot be used: an optional field with a wrong value makes an event a bad one."""
    own = columns.get((name,))
    if own is None or fits(own):
        return None
    path = _nowhere(name, columns)
    kind: FieldType = "decimal" if name == "cost" else "text"
    what = "number that can be summed up" if name == "cost" else "single text"
    return FieldGuess(name, path, f"The events' own {name} is no {what}: it is not read.", kind, optional=True)


def _others(
    free: Mapping[Path, Column], used: Collection[Path], known: Collection[str]
) -> tuple[tuple[FieldGuess, ...], tuple[str, ...]]:
    """Further fields with few values, and those beyond the number that is declared."""
    few = [
        one
        for path, one in free.items()
        if path not in used and one.single and len(one.texts) == len(one.values) and _has_few_values(one)
    ]
    few.sort(key=lambda one: -_breakdown_hint(one))
    names: dict[Path, str] = {}
    for one in sorted(few[:MOST_FIELDS], key=lambda one: len(one.path)):
        names[one.path] = column(one.path, {*known, *names.values()})
    found = []
    for one in few[:MOST_FIELDS]:
        by_default = one.type == "text" and not one.always and one.present >= 0.5
        found.append(
            FieldGuess(
                names[one.path],
                one.path,
                _values(one),
                _type(one),
                optional=not one.always and not by_default,
                default=UNKNOWN if by_default else None,
            )
        )
    return tuple(found), tuple(f"{'.'.join(one.path)}: {_values(one)}" for one in few[MOST_FIELDS:])


def _type(one: Column) -> FieldType:
    # A decimal with more digits than the type has would make the event a bad one.
    fits = all((digits := _digits(value)) and digits[0] < PRECISION - SCALE for value in one.values)
    return "text" if one.type == "decimal" and not fits else one.type


def _has_few_values(one: Column) -> bool:
    return len(one.distinct) <= MOST_VALUES and _repeats(one)


def _breakdown_hint(one: Column) -> float:
    return max((_BREAKDOWNS.get(word, 0) for word in words(*one.path)), default=0) - 0.05 * len(one.path)


def _by(more: Sequence[FieldGuess], columns: Mapping[Path, Column], fields: Sequence[FieldGuess]) -> tuple[str, ...]:
    """One or two good breakdowns, one of them new."""

    def good(one: FieldGuess) -> bool:
        return not one.optional and one.type in ("text", "boolean", "integer") and _differs(columns.get(one.path))

    new = [one.name for one in more if good(one)]
    own = [one.name for one in fields if one.name in ("device_type", "campaign_id") and good(one)]
    own.sort(reverse=True)
    return tuple(new[:1] + own[:1] if new else own[::-1]) or ("campaign_id",)


def _differs(one: Column | None) -> bool:
    return one is not None and len(one.distinct) > 1


def _is_left_out(one: Column, columns: Mapping[Path, Column]) -> bool:
    """Whether a field would be declared but for its path."""
    return not declarable(one.path) and one.single and (_has_few_values(one) or len(columns) <= MOST_FIELDS)


def _undeclarable(one: Column) -> str:
    return (
        f"{' > '.join(one.path)}: a path with a dot, a sign that cannot be seen or nothing in a part cannot be declared"
    )
