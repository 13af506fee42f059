"""What came too late, by the results and by the job's own count; the two must not contradict one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adclick_cli.pipeline import Pipeline

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Dropped:
    """The job's own count.

    Attributes:
        rows: since the job's last start, the events that the function left out as late (`adclick_late_impressions`,
            `adclick_late_clicks`), and the rows that window operators dropped (`numLateRecordsDropped`).
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
        possible: so many events (in plain SQL: rows of the join) at most can have come too late.
        dropped: the job's own count; None where it is not known.
    """

    impressions: int
    clicks: int
    possible: int
    dropped: Dropped | None

    @property
    def contradiction(self) -> str | None:
        """Why the job's count cannot be right together with the results; None where it can."""
        if self.dropped is None:
            return None
        if self.dropped.rows > self.possible:
            return f"late: the job left {self.dropped.rows} out as late, and only {self.possible} can have been late"
        if self.dropped.whole and self.impressions and not self.dropped.rows:
            return f"late: {self.impressions} impressions are missing, and the job left none out as late"
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "impressions_missing": self.impressions,
            "clicks_missing": self.clicks,
            "possible": self.possible,
            "left_out": None if self.dropped is None else self.dropped.rows,
            "since_first_start": None if self.dropped is None else self.dropped.whole,
        }


_MISSING = """
SELECT
    COALESCE(sum(e.impressions_high - a.impressions), 0)::BIGINT, COALESCE(sum(e.clicks_high - a.clicks), 0)::BIGINT
FROM expected_ctr AS e JOIN accepted_ctr AS a USING (window_start, window_end, key)
"""
# An impression is late when its window has closed. A click is late when the watermark is the attribution past each
# impression that it may belong to, which is past the click's own time.
_POSSIBLE = """
WITH behind AS (
    SELECT "partition", "offset", element, impression_id, ts, horizon
    FROM clicks_seen WHERE good AND NOT beat AND horizon > ts
), clicked AS (
    SELECT b.horizon, COALESCE(min(i.ts), any_value(b.ts) + $skew) + $attribution AS latest
    FROM behind AS b
    LEFT JOIN impressions_seen AS i
        ON i.good AND i.impression_id = b.impression_id AND b.ts - i.ts BETWEEN -$skew AND $attribution
    GROUP BY b."partition", b."offset", b.element, b.horizon
)
SELECT
    (SELECT count(*) FROM placed WHERE good AND NOT beat AND horizon >= window_end - 1 + $held)
    + (SELECT count(*) FROM clicked WHERE horizon > latest)
"""
_POSSIBLE_PORTABLE = """
SELECT
    (SELECT count(*) FROM windowed WHERE NOT certain) + (SELECT count(*) FROM matches WHERE NOT certain)
"""


def possible(db: DuckDBPyConnection, pipeline: Pipeline) -> int:
    """How many events (in plain SQL: rows of the join) at most can have come too late; needs the oracle's tables."""
    if pipeline.portable:
        return int(db.execute(_POSSIBLE_PORTABLE).fetchall()[0][0])
    times = {"held": pipeline.held_ms, "skew": pipeline.clock_skew.ms, "attribution": pipeline.attribution.ms}
    return int(db.execute(_POSSIBLE, times).fetchall()[0][0])


def late(db: DuckDBPyConnection, pipeline: Pipeline, dropped: Dropped | None) -> Late:
    """What came too late for the final windows.

    Args:
        db: with the oracle's tables and `accepted_ctr` of the comparison.
        pipeline: the parameters.
        dropped: the job's own count.
    """
    impressions, clicks = db.execute(_MISSING).fetchall()[0]
    return Late(impressions, clicks, possible(db, pipeline), dropped)
