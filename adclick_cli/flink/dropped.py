"""What Flink itself says that it dropped as late."""

from __future__ import annotations

from adclick_cli.errors import FlinkError
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.settings import Settings
from adclick_cli.sql.render import JOB_CTR
from adclick_cli.verify.late import Dropped


def read(settings: Settings) -> Dropped | None:
    """The late rows of the newest job that computes windows; None where Flink does not answer or tells nothing."""
    rest = FlinkRest(settings.flink_rest)
    try:
        job = next((one for one in rest.jobs() if one.name == JOB_CTR), None)
        rows = rest.late_rows_dropped(job.id) if job else None
        return None if job is None or rows is None else Dropped(rows, whole=rest.restarts(job.id) == 0)
    except FlinkError:
        return None
