"""Alerts against those that the oracle makes of the CTR rows, by the rule of their time.

Written from the rules, not from the pipeline's SQL: the two are there to disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from adclick_cli import defaults
from adclick_cli.pipeline import AlertRule, EarlierRule, Pipeline
from adclick_cli.verify.compare import ALERT_NUMBERS, Comparison, utc

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Z_TOLERANCE = 1e-9

# Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35 (1948): the variance of
# asin(sqrt((x + 3/8) / (n + 3/4))) is 1 / (4 n + 2) whatever the rate, so few clicks judge no worse than many.
# least(): an impression clicked twice makes more clicks than impressions.
_ANGLE = "asin(sqrt(least(({clicks} + 0.375::DOUBLE) / ({shown} + 0.75::DOUBLE), 1)))"


def _z(clicks: str, shown: str, other_clicks: str, other_shown: str) -> str:
    """How sure it is that the first rate is above the other one, or below where it is negative."""
    angles = [_ANGLE.format(clicks=c, shown=s) for c, s in ((clicks, shown), (other_clicks, other_shown))]
    return (
        f"({angles[0]} - {angles[1]}) / sqrt(1 / (4.0::DOUBLE * {shown} + 2) + 1 / (4.0::DOUBLE * {other_shown} + 2))"
    )


_CURRENT, _PREVIOUS, _SECOND = ((f"{one}_clicks", f"{one}_impressions") for one in ("current", "previous", "second"))

_ALERTS = f"""
CREATE OR REPLACE TABLE expected_alerts AS
WITH with_baseline AS (
    SELECT *, sum(impressions) OVER earlier AS shown_before, sum(clicks) OVER earlier AS clicked_before
    FROM accepted_ctr
    WINDOW earlier AS (
        PARTITION BY key ORDER BY window_start // (window_end - window_start)
        RANGE BETWEEN {defaults.BASELINE_WINDOWS} PRECEDING AND 1 PRECEDING
    )
), pairs AS (
    SELECT
        c.window_end AS alert_time, c.window_start, c.key,
        c.clicks::DOUBLE / c.impressions AS current_ctr, p.clicks::DOUBLE / p.impressions AS previous_ctr,
        c.impressions AS current_impressions, c.clicks AS current_clicks,
        p.impressions AS previous_impressions, p.clicks AS previous_clicks,
        q.impressions AS second_impressions, q.clicks AS second_clicks,
        c.shown_before, c.clicked_before,
        (c.clicks + p.clicks)::DOUBLE / (c.impressions + p.impressions) AS pooled,
        -- A campaign's rows share a partition; a pair is judged when the second of the two is read.
        (SELECT count(*) FROM rule_ends AS e
         WHERE e.partition = this_row.place.p AND greatest(this_row.place.o, last_row.place.o) >= e.until) AS number
    FROM with_baseline AS c
    JOIN accepted_ctr AS p ON p.key = c.key AND p.window_end = c.window_start
    LEFT JOIN accepted_ctr AS q ON q.key = c.key AND q.window_end = p.window_start
    JOIN rows_ctr AS this_row ON this_row.key = c.key AND this_row.window_end = c.window_end
    JOIN rows_ctr AS last_row ON last_row.key = p.key AND last_row.window_end = p.window_end
), scored AS (
    SELECT
        *,
        CASE
            WHEN method = 'baseline' THEN {_z(*_CURRENT, "clicked_before", "shown_before")}
            WHEN pooled > 0 AND pooled < 1 THEN
                (current_ctr - previous_ctr)
                / sqrt(pooled * (1 - pooled) * (1.0::DOUBLE / current_impressions + 1.0::DOUBLE / previous_impressions))
        END AS z_score,
        {_z(*_CURRENT, *_PREVIOUS)} AS previous_z,
        {_z(*_CURRENT, *_SECOND)} AS second_z,
        {_z(*_PREVIOUS, *_SECOND)} AS step_z,
        CASE WHEN current_ctr > previous_ctr THEN 1 ELSE -1 END AS sign,
        CASE
            WHEN current_ctr > spike * previous_ctr THEN 'SPIKE'
            WHEN current_ctr < "drop" * previous_ctr THEN 'DROP'
        END AS alert_type
    FROM pairs JOIN rules USING (number)
)
SELECT *, method AS rule FROM scored
WHERE alert_type IS NOT NULL
    AND least(current_impressions, previous_impressions) >= min_impressions
    AND CASE method
        WHEN 'ratio' THEN TRUE
        WHEN 'significance' THEN COALESCE(abs(z_score) >= min_z, FALSE)
        WHEN 'baseline' THEN sign * z_score >= min_z AND (
            sign * previous_z >= min_previous_z
            OR (
                sign * previous_z >= min_halfway_z
                AND sign * second_z >= min_previous_z
                AND sign * step_z < min_previous_z
            )
        )
    END
"""  # noqa: S608 - names of this module, no value

_RULES = """
CREATE OR REPLACE TABLE rules
(number BIGINT, spike DOUBLE, "drop" DOUBLE, method VARCHAR, min_impressions BIGINT, min_z DOUBLE,
 min_previous_z DOUBLE, min_halfway_z DOUBLE);
CREATE OR REPLACE TABLE rule_ends (number BIGINT, "partition" BIGINT, until BIGINT);
"""

_ALERT_ROWS = f"SELECT alert_time, window_start, key, alert_type, rule, {', '.join(ALERT_NUMBERS)} FROM expected_alerts"  # noqa: S608
_EXACT = ("alert_type", "window_start", "rule", *(name for name in ALERT_NUMBERS if name != "z_score"))


def compare_alerts(
    db: DuckDBPyConnection,
    pipeline: Pipeline,
    earlier: Sequence[EarlierRule],
    found: Comparison,
    label: str = "alerts",
) -> None:
    """Compute every alert from the rows taken as right, by the rule of its time, and compare with `rows_alerts`."""
    expect_alerts(db, pipeline.rule, earlier)
    expected, there = by_key(db, _ALERT_ROWS), by_key(db, "SELECT * FROM rows_alerts")
    for key in sorted(expected.keys() | there.keys()):
        where = f"{label}: {key[1]} {utc(key[0])}"
        right, row = expected.get(key), there.get(key)
        if row is None and right is not None:
            found.missing += 1
            found.differences.append(f"{where} is missing ({right['alert_type']})")
        elif right is None and row is not None:
            found.unexpected += 1
            found.differences.append(f"{where} is unexpected ({row['alert_type']})")
        elif right is not None and row is not None:
            wrong = [f"{name} is {row[name]}, expected {right[name]}" for name in _EXACT if row[name] != right[name]]
            if not _near(row["z_score"], right["z_score"]):
                wrong.append(f"z_score is {row['z_score']}, expected {right['z_score']}")
            if wrong:
                found.different += 1
                found.differences.append(f"{where}: {'; '.join(wrong)}")
            else:
                found.compared += 1


def expect_alerts(db: DuckDBPyConnection, rule: AlertRule, earlier: Sequence[EarlierRule] = ()) -> None:
    """Fill `expected_alerts` from `accepted_ctr` and the places in `rows_ctr`.

    Args:
        db: with those two tables.
        rule: the rule in force.
        earlier: the rules before it, oldest first.
    """
    db.execute(_RULES)
    for number, one in enumerate([*(before.rule for before in earlier), rule]):
        least = (one.min_impressions, one.min_z, one.min_previous_z, one.min_halfway_z)
        values = [number, one.spike, one.drop, one.method, *least]
        db.execute("INSERT INTO rules VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    for number, before in enumerate(earlier):
        for partition, until in before.until.items():
            db.execute("INSERT INTO rule_ends VALUES (?, ?, ?)", [number, partition, until])
    db.execute(_ALERTS)


def by_key(db: DuckDBPyConnection, query: str) -> dict[tuple[int, str], dict[str, Any]]:
    """The rows of a query by their `alert_time` (ms since the epoch) and `key`."""
    cursor = db.execute(query)
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    return {(row["alert_time"], row["key"]): row for row in rows}


def _near(left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return left is right
    return abs(left - right) <= Z_TOLERANCE * max(1.0, abs(right))
