"""Rendered Flink SQL: stages, and the script of both jobs that `submit` sends."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adclick_cli import defaults, private, resources, schema
from adclick_cli.catalog import records
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import declared, options, quoting

JOB_CTR = "adclick ctr"
JOB_ANOMALY = "adclick anomaly"
JOBS = (JOB_CTR, JOB_ANOMALY)
MARKS = "'pipeline.global-job-parameters'"
MARK = "adclick.submission"
"""The global job parameter with the pipeline's fingerprint."""

STAGES = ("settings", "sources", "join", "sinks", "dead_letters", "aggregation", "anomaly")
"""The stages in the order in which a script runs them."""

_STARTS = {"aggregation": JOB_CTR, "anomaly": JOB_ANOMALY}
"""The stages that start a job."""

_BUCKETS = 128
"""As many as Flink has key groups unless it is told otherwise."""
_PORTABLE = ("sources", "join", "aggregation", "live_counts")
"""The templates that plain SQL has a `portable_` one instead of."""
_SCORING = {"baseline": "_score_baseline.sql.j2", "significance": "_score_pairs.sql.j2", "ratio": "_score_pairs.sql.j2"}
_ANOMALY_MEMORY = Duration(3_600_000)
_BASELINE_MEMORY = Duration(8 * 86_400_000)
"""Time of the clock, not of events: longer than the broker keeps what is still to be read (a week by default)."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resources.folder("sql_templates")),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - SQL, not HTML; values pass through the filters of sql/quoting.py
        keep_trailing_newline=False,
    )
    environment.filters.update(literal=quoting.literal, interval=quoting.interval, double=quoting.double)
    return environment


def _context(pipeline: Pipeline, transport: options.Transport) -> dict[str, Any]:
    ratio = pipeline.method == "ratio"
    return {
        "pipeline": pipeline,
        "session": options.session(pipeline),
        "records": {
            record.name: schema.written(record, gross=pipeline.dedups) for record in (*schema.ALL, *_declared(pipeline))
        },
        "names": {"ctr": JOB_CTR, "anomaly": JOB_ANOMALY},
        "lanes": _lanes(pipeline),
        "early": {
            "lanes": {"early": "early_counts", "final": "window_counts"},
            "views": ["early.sql.j2"] if pipeline.early.ms else [],
            "times": ("window_time",) if pipeline.early.ms else (),
            "wait": Duration(pipeline.held_ms - pipeline.early_held_ms),
            "scoring": _SCORING[pipeline.method],
        },
        "buckets": 1 if pipeline.unique_ids.ms or pipeline.dedup_columns else _BUCKETS,
        "function": _function(pipeline),
        "columns": {
            "impression": declared.event_columns(pipeline, "impressions"),
            "click": declared.event_columns(pipeline, "clicks"),
        },
        "dimensions": declared.dimensions(pipeline.catalog),
        "sums": declared.sums(pipeline.catalog),
        "declared": declared.results(pipeline.catalog),
        "letter_characters": defaults.DEAD_LETTER_CHARACTERS,
        "heartbeat_id": schema.HEARTBEAT_ID,
        "dedup_key": pipeline.dedup_columns,
        "gross": (schema.GROSS.name,) if pipeline.dedups else (),
        "stamp": schema.STAMP,
        "longest": schema.LONGEST_TEXT,
        "source": transport.sources,
        "sink": transport.sinks,
        "arrival": transport.arrival,
        "notes": transport.notes,
        "anomaly": {
            "memory": Duration(_ANOMALY_MEMORY.ms + pipeline.window.ms),
            "kept": f"{_BASELINE_MEMORY.ms + (defaults.BASELINE_WINDOWS + 1) * pipeline.window.ms} ms",
            "backs": range(1, defaults.BASELINE_WINDOWS + 1),
            "min_z": 0.0 if ratio else pipeline.min_z,
            "min_previous_z": pipeline.rule.min_previous_z,
            "min_halfway_z": pipeline.rule.min_halfway_z,
            "z_where_undefined": 0.0 if ratio else -1.0,
        },
    }


def _declared(pipeline: Pipeline) -> list[schema.Record]:
    """The rows of the declared results, those of open windows only where they are asked for."""
    return [*records.final(pipeline.catalog), *(records.live(pipeline.catalog) if pipeline.live else ())]


def _lanes(pipeline: Pipeline) -> list[str]:
    """What the job of the windows writes besides the built-in final rows."""
    wanted = {
        "declared.sql.j2": bool(_declared(pipeline)),
        "live.sql.j2": pipeline.live,
        "early_insert.sql.j2": pipeline.early.ms > 0,
        "dead_letters_insert.sql.j2": pipeline.dead_letters,
    }
    return [name for name, on in wanted.items() if on]


def _function(pipeline: Pipeline) -> dict[str, str]:
    """The arguments of the function `attribution`: its durations, and the names of what is in its arrays."""
    times = {
        "window_size": pipeline.window,
        "attribution": pipeline.attribution,
        "clock_skew": pipeline.clock_skew,
        "dedup_window": pipeline.dedup_window,
        "unique_ids": pipeline.unique_ids,
        "early": pipeline.early,
    }
    found = {name: f"{time.ms} ms" for name, time in times.items() if time.ms}
    found["dimensions"] = ", ".join(pipeline.catalog.dimensions)
    if summed := declared.sums(pipeline.catalog):
        found["sums"] = ", ".join(one.name for one in summed)
    if pipeline.dedup_columns:
        found["dedup_key"] = ", ".join(pipeline.dedup_columns)
    return found


def _templates(pipeline: Pipeline, stage: str) -> tuple[str, ...]:
    """The templates of a stage, in order."""
    if stage == "dead_letters" and not pipeline.dead_letters:
        return ()
    if stage == "anomaly" and pipeline.method == "baseline":
        return ("anomaly_baseline",)
    names = [stage]
    if stage == "sinks" and _declared(pipeline):
        return ("sinks", "declared_sinks")
    if stage == "aggregation":
        live = ["live_sinks", "live_counts"] if pipeline.live else []
        names = [*live, *(["early_sinks"] if pipeline.early.ms else []), stage]
    return tuple(f"portable_{name}" if pipeline.portable and name in _PORTABLE else name for name in names)


def _render(template: str, context: dict[str, Any]) -> str:
    return _environment().get_template(f"{template}.sql.j2").render(context).strip() + "\n"


def stage(pipeline: Pipeline, name: str, transport: options.Transport | None = None) -> str:
    """The SQL of one stage, on Kafka topics unless another transport is given.

    Raises:
        ParameterError: there is no such stage.
    """
    if name not in STAGES:
        raise ParameterError("stage", name, "There is no such stage.", f"Use one of {', '.join(STAGES)}.")
    context = _context(pipeline, transport or options.kafka(pipeline))
    return "\n".join(_render(template, context) for template in _templates(pipeline, name))


def script(
    pipeline: Pipeline, transport: options.Transport | None = None, state: Mapping[str, str] | None = None
) -> str:
    """Both jobs as one script that any Flink SQL client runs.

    Args:
        pipeline: the parameters.
        transport: what the tables are connected to; Kafka topics unless another is given.
        state: by job name the path of a savepoint that the job begins with.
    """
    parts = []
    for name in STAGES:
        if name == "sources":
            mark = quoting.literal(f"{MARK}:{pipeline.fingerprint}")
            parts.append(f"-- Flink shows it with each job; by it adclick knows its own.\nSET {MARKS} = {mark};\n")
        if state and name in _STARTS:
            path = quoting.literal(state[_STARTS[name]])
            parts.append(f"SET 'execution.state-recovery.path' = {path};\n")
        parts.append(stage(pipeline, name, transport))
    return "\n".join(part for part in parts if part)


BENCH_STAGES = {
    "parse": ("settings", "sources", "bench_parse"),
    "reference": ("settings", "sinks", "bench_reference"),
    "stock": ("settings", "bench_stock", "sinks", "bench_reference"),
    "final": ("settings", "sources", "join", "sinks", "dead_letters", "aggregation"),
}
"""What `adclick bench` compares, as the stages of each script."""


def bench(pipeline: Pipeline, name: str, transport: options.Transport | None = None) -> str:
    """One side of a benchmark as a script that starts a single job.

    Args:
        pipeline: the parameters, bounded; with its live lane or without.
        name: one of `BENCH_STAGES`.
        transport: what the tables are connected to; Kafka topics unless another is given.
    """
    transport = transport or options.kafka(pipeline)
    return "\n".join(
        stage(pipeline, one, transport) if one in STAGES else _render(one, _context(pipeline, transport))
        for one in BENCH_STAGES[name]
    )


def write(
    pipeline: Pipeline, folder: Path, only: str | None = None, transport: options.Transport | None = None
) -> list[Path]:
    """One file for each stage, numbered in running order, made as the user's umask says; return their paths.

    Raises:
        ParameterError: `only` names no stage, or the folder cannot be written.
    """
    texts = {name: stage(pipeline, name, transport) for name in ([only] if only is not None else STAGES)}
    paths = []
    try:
        with private.users_own_file():
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                path = folder / f"{STAGES.index(name) + 1:02d}_{name}.sql"
                path.write_text(text, encoding="utf-8")
                paths.append(path)
    except OSError as error:
        raise ParameterError("out", str(folder), str(error), "Name a folder that you may write.") from error
    return paths
