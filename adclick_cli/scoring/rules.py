"""Alert rules applied to CTR rows, without Flink: those of the pipeline as the verifier knows them, and candidates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adclick_cli import defaults
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import METHODS, AlertRule
from adclick_cli.scoring.measure import Alert
from adclick_cli.scoring.simulate import CtrRow
from adclick_cli.verify import compare, oracle

BASELINE = "baseline"
RULES = (*METHODS, BASELINE)

BASELINE_WINDOWS = 4
BASELINE_MIN_Z = 4.75
PREVIOUS_LESS = 1.25
"""|z| against the previous window alone may be so much smaller than against the baseline: the same difference is less
sure with a fourth of the impressions. It may not be dropped: after a change the baseline holds some of both CTRs."""


@dataclass(frozen=True)
class Rule:
    """One rule with its thresholds.

    Attributes:
        name: ratio, significance or baseline.
        spike, drop: factors against the previous window, as in `Pipeline`.
        min_impressions: both windows need so many.
        min_z: least |z|; not used by `ratio`.
    """

    name: str
    spike: float = defaults.SPIKE
    drop: float = defaults.DROP
    min_impressions: int = defaults.MIN_IMPRESSIONS
    min_z: float = defaults.MIN_Z


def default(name: str) -> Rule:
    """A rule with the thresholds that it is meant to have.

    Raises:
        ParameterError: there is no such rule.
    """
    if name not in RULES:
        raise ParameterError("rule", name, "There is no such rule.", f"Use one of {', '.join(RULES)}.")
    return Rule(name, min_z=BASELINE_MIN_Z if name == BASELINE else defaults.MIN_Z)


# Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35 (1948): the variance of
# asin(sqrt((x + 3/8) / (n + 3/4))) is 1 / (4 n + 2) whatever the rate, so few clicks judge no worse than many.
# least(): an impression clicked twice makes more clicks than impressions.
_ANGLE = "asin(sqrt(least(({clicks} + 0.375::DOUBLE) / ({shown} + 0.75::DOUBLE), 1)))"
_Z = (
    f"({_ANGLE.format(clicks='current_clicks', shown='current_impressions')}"
    f" - {_ANGLE.format(clicks='{clicks}', shown='{shown}')})"
    " / sqrt(1 / (4.0::DOUBLE * current_impressions + 2) + 1 / (4.0::DOUBLE * {shown} + 2))"
)
_BASELINE = f"""
WITH pooled AS (
    SELECT
        any_value(a) AS alert, sum(b.impressions)::BIGINT AS shown, sum(b.clicks)::BIGINT AS clicks
    FROM expected_alerts AS a
    JOIN accepted_ctr AS b
        ON b.key = a.key AND b.window_end > a.window_start - $windows * $window AND b.window_end <= a.window_start
    GROUP BY a.key, a.window_start
), scored AS (
    SELECT
        alert.key AS key, alert.window_start AS window_start, alert.alert_type AS alert_type,
        {_Z.format(clicks="clicks", shown="shown")} AS z,
        {_Z.format(clicks="previous_clicks", shown="previous_impressions")} AS previous_z
    FROM (SELECT *, unnest(alert) FROM pooled)
)
SELECT key, window_start, alert_type FROM scored
WHERE CASE alert_type WHEN 'SPIKE' THEN least(z - $min_z, previous_z - $min_previous_z)
    ELSE least(-z - $min_z, -previous_z - $min_previous_z) END >= 0
"""  # noqa: S608 - names of this module, no value


class Judge:
    """CTR rows, and the alerts that any rule makes of them.

    Args:
        rows: the rows; of a campaign's rows no two begin at the same time.
        window_ms: size of a window.
    """

    def __init__(self, rows: Iterable[CtrRow], window_ms: int) -> None:
        import pyarrow as pa

        self._window_ms = window_ms
        self._db = oracle.connect()
        given = list(rows)
        table = {
            "window_start": pa.array([row.window_ms for row in given], pa.int64()),
            "key": pa.array([row.campaign for row in given], pa.string()),
            "impressions": pa.array([row.impressions for row in given], pa.int64()),
            "clicks": pa.array([row.clicks for row in given], pa.int64()),
        }
        self._db.register("given", pa.table(table))
        self._db.execute(
            "CREATE TABLE accepted_ctr AS"
            " SELECT window_start, window_start + $window AS window_end, key, impressions, clicks FROM given",
            {"window": window_ms},
        )
        self._db.execute(
            "CREATE TABLE rows_ctr AS SELECT window_start, window_end, key, {'p': 0, 'o': 0} AS place FROM accepted_ctr"
        )

    def alerts(self, rule: Rule) -> list[Alert]:
        """What the rule makes of the rows, in order of campaign and time."""
        # Those of a candidate are some of the ratio rule's.
        method = next((one for one in METHODS if one == rule.name), "ratio")
        compare.expect_alerts(
            self._db,
            AlertRule(rule.spike, rule.drop, method, rule.min_impressions, rule.min_z),  # type: ignore[arg-type]
        )
        if rule.name == BASELINE:
            values = {
                "windows": BASELINE_WINDOWS,
                "window": self._window_ms,
                "min_z": rule.min_z,
                "min_previous_z": rule.min_z - PREVIOUS_LESS,
            }
            found = self._db.execute(_BASELINE, values).fetchall()
        else:
            found = self._db.execute("SELECT key, window_start, alert_type FROM expected_alerts").fetchall()
        return [Alert(*row) for row in sorted(found)]

    def close(self) -> None:
        """Let go of the rows."""
        self._db.close()
