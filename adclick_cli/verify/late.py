"""What came too late, by the results and by Flink's own count; the two must not contradict one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Dropped:
    """Flink's own count.

    Attributes:
        rows: what the window operators dropped (`numLateRecordsDropped`), since the job's last start.
        whole: whether that is since its first start.
    """

    rows: int
    whole: bool


@dataclass(frozen=True)
class Late:
    """What came too late.

    Attributes:
        impressions, clicks: distinct events that are missing in the final rows that are right all the same, each by its
            upper bound.
        possible: so many rows at most could have reached the windows too late.
        dropped: Flink's own count; None where it is not known.
    """

    impressions: int
    clicks: int
    possible: int
    dropped: Dropped | None

    @property
    def contradiction(self) -> str | None:
        """Why Flink's count cannot be right together with the results; None where it can."""
        if self.dropped is None:
            return None
        if self.dropped.rows > self.possible:
            return (
                f"late: Flink's windows dropped {self.dropped.rows} rows, and only {self.possible} can have been late"
            )
        if self.dropped.whole and self.impressions and not self.dropped.rows:
            return f"late: {self.impressions} impressions are missing, and Flink's windows dropped no row"
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "impressions_missing": self.impressions,
            "clicks_missing": self.clicks,
            "rows_possible": self.possible,
            "rows_dropped_by_windows": None if self.dropped is None else self.dropped.rows,
            "since_first_start": None if self.dropped is None else self.dropped.whole,
        }


_MISSING = """
SELECT
    COALESCE(sum(e.impressions_high - a.impressions), 0)::BIGINT, COALESCE(sum(e.clicks_high - a.clicks), 0)::BIGINT
FROM expected_ctr AS e JOIN accepted_ctr AS a USING (window_start, window_end, key)
"""
_POSSIBLE = """
SELECT
    (SELECT count(*) FROM windowed WHERE NOT certain) + (SELECT count(*) FROM matches WHERE NOT certain)
"""


def possible(db: DuckDBPyConnection) -> int:
    """How many rows at most could have reached the windows too late; needs the oracle's tables."""
    return int(db.execute(_POSSIBLE).fetchall()[0][0])


def late(db: DuckDBPyConnection, dropped: Dropped | None, more: int = 0) -> Late:
    """What came too late for the final windows.

    Args:
        db: with the oracle's tables and `accepted_ctr` of the comparison.
        dropped: Flink's own count, of all windows.
        more: rows that could have reached other windows of the job too late.
    """
    impressions, clicks = db.execute(_MISSING).fetchall()[0]
    return Late(impressions, clicks, possible(db) + more, dropped)
