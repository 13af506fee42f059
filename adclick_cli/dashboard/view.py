"""What one page wants to see: read from its query, every value within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SORTS = ("impressions", "ctr", "change", "name")
MAX_CURVES = 6
AUTO_CURVES = 5
MAX_TOP = 200
MAX_TEXT = 500


@dataclass(frozen=True)
class View:
    """One page's wishes.

    Attributes:
        windows: how many windows the curves reach back.
        top: how many campaigns the table shows.
        sort: what the table is sorted by.
        find: only campaigns whose name holds this text, whatever its case.
        picks: the campaigns that are drawn; None lets the page's server choose.
    """

    windows: int = 60
    top: int = 12
    sort: str = "impressions"
    find: str = ""
    picks: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]], kept: int) -> View:
        """From a query's values by name; what is missing or cannot be is the default.

        Args:
            query: all values of each name.
            kept: how many windows are kept at most.
        """
        picks = query.get("pick")
        sort = _first(query, "sort")
        return cls(
            windows=_count(_first(query, "windows"), cls.windows, 5, kept),
            top=_count(_first(query, "top"), cls.top, 1, MAX_TOP),
            sort=sort if sort in SORTS else cls.sort,
            find=_first(query, "find")[:MAX_TEXT].strip(),
            picks=tuple(dict.fromkeys(name for name in picks if name))[:MAX_CURVES] if picks else None,
        )


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(query.get(name, ())), "")


def _count(text: str, default: int, least: int, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
    return max(least, min(most, number))
