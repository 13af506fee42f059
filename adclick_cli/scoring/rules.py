"""Alert rules applied to CTR rows, without Flink: those of the pipeline as the verifier knows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from adclick_cli import defaults
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import METHODS, AlertRule, Method, least_z
from adclick_cli.scoring.measure import Alert
from adclick_cli.scoring.simulate import CtrRow
from adclick_cli.verify import alerts, oracle

RULES = METHODS


@dataclass(frozen=True)
class Rule:
    """One rule with its thresholds.

    Attributes:
        name: ratio, significance or baseline.
        spike, drop: factors against the previous window, as in `Pipeline`.
        min_impressions: both windows need so many.
        min_z: least |z|; not used by `ratio`.
    """

    name: Method
    spike: float = defaults.SPIKE
    drop: float = defaults.DROP
    min_impressions: int = defaults.MIN_IMPRESSIONS
    min_z: float = defaults.MIN_Z


def default(name: str) -> Rule:
    """A rule with the thresholds that it is meant to have.

    Raises:
        ParameterError: there is no such rule.
    """
    method = next((one for one in RULES if one == name), None)
    if method is None:
        raise ParameterError("rule", name, "There is no such rule.", f"Use one of {', '.join(RULES)}.")
    return Rule(method, min_z=least_z(method))


class Judge:
    """CTR rows, and the alerts that any rule makes of them.

    Args:
        rows: the rows; of a campaign's rows no two begin at the same time.
        window_ms: size of a window.
    """

    def __init__(self, rows: Iterable[CtrRow], window_ms: int) -> None:
        import pyarrow as pa

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
        alerts.expect_alerts(self._db, AlertRule(rule.spike, rule.drop, rule.name, rule.min_impressions, rule.min_z))
        found = self._db.execute("SELECT key, window_start, alert_type FROM expected_alerts").fetchall()
        return [Alert(*row) for row in sorted(found)]

    def close(self) -> None:
        """Let go of the rows."""
        self._db.close()
