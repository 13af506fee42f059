"""A benchmark's figures and picture, and the scripts that it compares."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from adclick_cli.bench import chart, run
from adclick_cli.bench.figures import figures
from adclick_cli.errors import ParameterError
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import render
from adclick_cli.sql.script import statements

SECONDS = {"read and parse": [1.0, 2.0, 1.0], "reference": [10.0, 30.0, 8.0], "final": [5.0, 6.0, 2.0]}


def test_ratios_are_those_within_a_round() -> None:
    found = {one.side: one for one in figures(1_000, SECONDS, "reference", "read and parse")}
    final = found["final"]
    assert (final.median_s, final.least_s, final.most_s, final.rounds) == (5.0, 2.0, 6.0, 3)
    assert final.events_per_s == 200
    assert final.against_reference == 4.0
    assert final.of_parsing == 0.333
    assert found["reference"].against_reference == 1.0


def test_without_the_other_side_there_is_no_ratio() -> None:
    only = figures(1_000, {"final": [1.0]}, "reference", "read and parse")[0]
    assert only.against_reference is None
    assert only.of_parsing is None


def test_the_picture_is_one_and_its_bars_are_as_long_as_the_times() -> None:
    root = ET.fromstring(chart.svg(figures(1_000, SECONDS, "reference", "read and parse"), "a < b"))
    name = "{http://www.w3.org/2000/svg}"
    widths = [float(one.get("width", "")) for one in root.iter(f"{name}rect")]
    assert [round(width / widths[0], 1) for width in widths] == [1.0, 10.0, 5.0]
    assert next(root.iter(f"{name}text")).text == "a < b"


def test_unknown_sides_are_refused_and_known_ones_run_in_order() -> None:
    assert run.parse_sides("final, reference") == ("reference", "final")
    with pytest.raises(ParameterError, match="sides"):
        run.parse_sides("final,fastest")


@pytest.mark.parametrize("name", render.BENCH_STAGES)
def test_every_side_starts_one_job(name: str) -> None:
    parts = statements(render.bench(Pipeline(bounded=True), name))
    assert sum(part.text.startswith("EXECUTE STATEMENT SET") for part in parts) == 1
    assert sum(part.text.startswith("INSERT INTO") for part in parts) == 0
