"""A savepoint's record."""

from __future__ import annotations

from adclick_cli.pipeline import AlertRule, EarlierRule, Pipeline
from adclick_cli.savepoints import Savepoint
from adclick_cli.sql import fit, render
from adclick_cli.submission import Submission

RULE = AlertRule(1.5, 0.7, "ratio", 0, 4.0)


def taken(pipeline: Pipeline, name: str = "20260131T120000Z") -> Savepoint:
    submission = Submission(pipeline, (EarlierRule(RULE, {0: 3, 1: 7}),))
    paths = {job: f"file:/somewhere/{name}/{number}" for number, job in enumerate(render.JOBS)}
    return Savepoint(name, submission, fit.stages(pipeline), paths, {"ctr_results": {0: 5, 1: 8}})
