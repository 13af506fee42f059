"""The early lane against the oracle: the same windows with a short attribution, their alerts, and what became of those.

Its topics are upsert topics: the newest row of a key counts, and one that comes again is no fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adclick_cli import schema
from adclick_cli.pipeline import Pipeline
from adclick_cli.verify import alerts, compare, oracle
from adclick_cli.verify.compare import Comparison, utc

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_PLACES = ("copies", "place")
"""What tells where a row was found."""
NAMES = tuple(record.name for record in schema.EARLY)

_FINAL = """
SELECT
    a.window_end AS alert_time, a.key, a.impressions AS final_impressions, a.clicks AS final_clicks,
    e.alert_type AS final_type
FROM accepted_ctr AS a
LEFT JOIN expected_alerts AS e ON e.alert_time = a.window_end AND e.key = a.key
"""


def check_early(
    db: DuckDBPyConnection,
    tables: dict[str, pa.Table],
    pipeline: Pipeline,
    partitions: int,
    fields: Mapping[str, pa.Table] | None = None,
    *,
    one_rule: bool,
    judged_after: int | None = None,
) -> dict[str, Comparison]:
    """Check the early lane's three topics.

    Args:
        db: in which the final lane has been checked.
        tables: impressions, clicks and those of `NAMES`, as `raw.TopicTable` gives them.
        pipeline: the parameters, with an early lane.
        partitions: how many the two topics of events have together; 0 where it is not known.
        fields: of impressions and clicks, as `oracle.compute` takes them.
        one_rule: whether all alerts are the present rule's; the early ones of another one are not looked at.
        judged_after: as `compare.compare_windows` takes it.

    Returns:
        A comparison by name.
    """
    own = oracle.connect()
    try:
        short = replace(pipeline, attribution=pipeline.early)
        oracle.compute(own, tables["impressions"], tables["clicks"], short, partitions, fields)
        results = {"ctr_early": compare.load_windows(own, "ctr", "campaign_id", tables["ctr_early"], newest=True)}
        compare.compare_windows(own, "ctr", results["ctr_early"], label="ctr_early", judged_after=judged_after)
        if one_rule:
            results["early_alerts"] = compare.load_alerts(own, tables["early_alerts"], newest=True)
            alerts.compare_alerts(own, short, (), results["early_alerts"], label="early_alerts")
            results["early_verdicts"] = compare.load_verdicts(own, tables["early_verdicts"])
            _compare_verdicts(db, own, results["early_verdicts"])
        return results
    finally:
        own.close()


def _compare_verdicts(db: DuckDBPyConnection, own: DuckDBPyConnection, found: Comparison) -> None:
    early, final = alerts.by_key(own, "SELECT * FROM rows_alerts"), alerts.by_key(db, _FINAL)
    there = alerts.by_key(own, "SELECT * FROM rows_verdicts")
    for key in sorted(early.keys() | there.keys()):
        where = f"early_verdicts: {key[1]} {utc(key[0])}"
        raised, judged, row = early.get(key), final.get(key), there.get(key)
        if row is None:
            if judged is None:
                found.pending += 1
            else:
                found.missing += 1
                found.differences.append(f"{where} is missing")
        elif raised is None:
            found.unexpected += 1
            found.differences.append(f"{where} is unexpected ({row['verdict']})")
        elif judged is None:
            # The final row is written, and not committed yet.
            found.pending += 1
        else:
            wrong = _wrong(row, raised, judged)
            if wrong:
                found.different += 1
                found.differences.append(f"{where}: {'; '.join(wrong)}")
            else:
                found.compared += 1


def _wrong(row: dict[str, Any], raised: dict[str, Any], judged: dict[str, Any]) -> list[str]:
    same = judged["final_type"] == raised["alert_type"]
    expected = raised | judged | {"verdict": "CONFIRMED" if same else "WITHDRAWN"}
    expected["final_ctr"] = judged["final_clicks"] / judged["final_impressions"]
    names = (*(name for name in raised if name not in _PLACES), "verdict", *compare.VERDICT_NUMBERS)
    return [f"{name} is {row[name]}, expected {expected[name]}" for name in names if row[name] != expected[name]]
