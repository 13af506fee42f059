"""Whether the state of one pipeline means the same in another: stage by stage, by the SQL itself.

Flink takes state over wherever the operators fit, and they do even where a window has another size. So two pipelines
fit only if every stage reads the same but for what may change.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace

from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import render

MAY_CHANGE = (
    "spike",
    "drop",
    "min_impressions",
    "min_z",
    "idle_timeout",
    "partition_discovery",
    "checkpoint_interval",
    "transaction_timeout",
    "bootstrap_servers",
)
"""Parameters without a trace in any state: an alert's windows are kept, not how they were judged.

`ratio` and `significance` keep the same, too; `baseline` keeps more."""

STAGES = tuple(name for name in render.STAGES if name != "settings")
_NO_MATTER = re.compile(r"^\s*(?:--|'scan\.topic-partition-discovery\.interval').*\n?", re.MULTILINE)
"""Comments, and an option that savepoints of older versions do not have."""


def stages(pipeline: Pipeline) -> dict[str, str]:
    """The SQL of each stage without comments and without what may change."""
    standard = Pipeline()
    same = {name: getattr(standard, name) for name in MAY_CHANGE}
    plain = replace(pipeline, **same, method="baseline" if pipeline.method == "baseline" else "ratio")
    return {name: _NO_MATTER.sub("", render.stage(plain, name)).strip() for name in STAGES}


def changed_stages(recorded: dict[str, str], pipeline: Pipeline) -> list[str]:
    """The stages that do not read as recorded, in running order."""
    now = stages(pipeline)
    return [name for name in STAGES if recorded.get(name) != now[name]]


def changed_parameters(before: Pipeline, after: Pipeline) -> list[str]:
    """What differs, as `window 10s, was 1m`; parameters that may change are left out."""
    found = []
    for field in fields(Pipeline):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name == "topics":
            found += [
                f"topic-{name.replace('_', '-')} {value}, was {getattr(old, name)}"
                for name, value in vars(new).items()
                if value != getattr(old, name)
            ]
        elif field.name == "catalog" and old != new:
            found.append("the events, metrics or results of adclick.toml are not those of before")
        elif field.name == "method" and "baseline" not in (old, new):
            continue
        elif old != new and field.name not in MAY_CHANGE:
            found.append(f"{field.name.replace('_', '-')} {new}, was {old}")
    return found
