"""The SQL that Flink will run, kept as files: a review sees every change of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from adclick_cli import resources
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline, Topics
from adclick_cli.sql import render
from tests.builders.spend import SPEND

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {
    "default": Pipeline(),
    "bounded": Pipeline(bounded=True, live=False, window=Duration(3_600_000)),
    "portable": Pipeline(portable=True, dead_letters=False),
    "no_dead_letters": Pipeline(dead_letters=False),
    "early": Pipeline(early=Duration(60_000), dead_letters=False),
    "early_ratio": Pipeline(early=Duration(60_000), method="ratio", min_z=4.0, dead_letters=False, live=False),
    "dedup_user_ad": Pipeline(
        dedup_window=Duration(2_000), dedup_key="user+ad", unique_ids=Duration(600_000), dead_letters=False
    ),
    "ratio": Pipeline(method="ratio", min_z=4.0),
    "declared": Pipeline(
        catalog=SPEND, topics=replace(Topics(), impressions="shop.views", clicks="shop.clicks"), dead_letters=False
    ),
    "significance": Pipeline(method="significance", min_impressions=100, min_z=4.5, spike=1 / 0.3, drop=0.3),
}


@pytest.mark.parametrize("name", CASES)
def test_rendered_sql_is_the_golden_file(name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.sql"
    text = render.script(CASES[name])
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "run pytest --update-golden and read the diff"


BENCH = ("parse", "reference", "stock")
BENCH_PIPELINE = Pipeline(bounded=True, live=False, portable=True)


@pytest.mark.parametrize("name", BENCH)
def test_what_bench_compares_with_is_the_golden_file(name: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"bench_{name}.sql"
    text = render.bench(BENCH_PIPELINE, name)
    if request.config.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "run pytest --update-golden and read the diff"


def test_every_template_is_in_a_golden_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is rendered for a golden file loads it: a template that nothing renders is under no review."""
    loaded: set[str] = set()

    class Loader(FileSystemLoader):
        def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
            loaded.add(template)
            return super().get_source(environment, template)

    folder = resources.folder("sql_templates")
    own = render._environment().overlay(loader=Loader(folder))
    monkeypatch.setattr(render, "_environment", lambda: own)
    for pipeline in CASES.values():
        render.script(pipeline)
    for name in BENCH:
        render.bench(BENCH_PIPELINE, name)
    assert loaded == {path.name for path in folder.iterdir()}


def test_there_is_no_golden_file_that_nothing_is_compared_with() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*CASES, *(f"bench_{name}" for name in BENCH)}


def test_every_parameter_changes_the_sql() -> None:
    default = Pipeline()
    changes: dict[str, object] = {
        "window": Duration(120_000),
        "attribution": Duration(300_000),
        "clock_skew": Duration(2_000),
        "early": Duration(15_000),
        "dedup_window": Duration(30_000),
        "unique_ids": Duration(600_000),
        "watermark_delay": Duration(7_000),
        "idle_timeout": Duration(11_000),
        "partition_discovery": Duration(9_000),
        "max_ahead": Duration(7_200_000),
        "spike": 3.0,
        "drop": 0.25,
        "method": "significance",
        "min_impressions": 5,
        "parallelism": 4,
        "bounded": True,
        "live": False,
        "dead_letters": False,
        "portable": True,
        "checkpoint_interval": Duration(3_000),
        "transaction_timeout": Duration(60_000),
        "bootstrap_servers": "kafka:9999",
        "topics": replace(default.topics, ctr="other"),
        "catalog": SPEND,
    }
    assert set(changes) | {"min_z", "dedup_key"} == set(Pipeline.__dataclass_fields__)
    for name, value in changes.items():
        assert render.script(replace(default, **{name: value})) != render.script(default), name  # type: ignore[arg-type]
    dedup = replace(default, dedup_window=Duration(30_000))
    assert render.script(replace(dedup, dedup_key="user+ad")) != render.script(dedup)
    assert render.script(replace(default, method="significance", min_z=5.0)) != render.script(
        replace(default, method="significance")
    )


def test_partitions_that_are_added_are_looked_for_before_their_events_are_late() -> None:
    pipeline = Pipeline()
    script = render.script(pipeline)
    assert (
        script.count("'scan.topic-partition-discovery.interval' = '2000 ms'")
        == script.count("'scan.startup.mode'")
        == 3
    )
    assert pipeline.partition_discovery < pipeline.watermark_delay
    assert "discovery" not in render.script(replace(pipeline, bounded=True))


def test_a_statement_ends_where_its_line_ends() -> None:
    for line in re.findall(r"^(?!--).*;.*$", render.script(Pipeline()), re.MULTILINE):
        assert line.lstrip().startswith("--") or line.endswith(";")


@pytest.mark.parametrize(("parallelism", "tables"), [(1, 3), (2, 2)])
def test_impressions_may_fall_idle_only_where_one_task_reads_them(parallelism: int, tables: int) -> None:
    script = render.script(replace(Pipeline(), parallelism=parallelism))
    idle = [table for table in script.split("CREATE TEMPORARY TABLE ") if "'scan.watermark.idle-timeout'" in table]
    assert len(idle) == tables
    assert any(table.startswith("impression_events") for table in idle) == (parallelism == 1)
