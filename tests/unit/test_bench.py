"""A benchmark's figures and picture, and the scripts that it compares."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli.bench import backlog, chart, files, freshness, scaling, suites
from adclick_cli.bench.figures import figures
from adclick_cli.bench.measures import Goal, Measured, measure, quantile
from adclick_cli.bench.place import Usage
from adclick_cli.broker.consumer import Message
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime import options
from adclick_cli.settings import load
from adclick_cli.sql import render
from adclick_cli.sql.script import statements

SECONDS = {"read and parse": [1.0, 2.0, 1.0], "reference": [10.0, 30.0, 8.0], "final": [5.0, 6.0, 2.0]}


def test_ratios_are_those_within_a_round() -> None:
    used = {"final": [Usage(4.0, 900), Usage(6.0, 1_100), Usage(5.0, None)]}
    states = {"final": [1_000_000, 126_340_000]}
    found = {one.side: one for one in figures(1_000, SECONDS, used, states, "reference", "read and parse")}
    final = found["final"]
    assert (final.median_s, final.least_s, final.most_s, final.rounds) == (5.0, 2.0, 6.0, 3)
    assert final.events_per_s == 200
    assert final.against_reference == 4.0
    assert final.of_parsing == 0.333
    assert (final.cpu_s, final.peak_mb, final.state_mb) == (5.0, 1_100, 126.3)
    assert found["reference"].against_reference == 1.0
    reference = found["reference"]
    assert (reference.cpu_s, reference.peak_mb, reference.state_mb) == (None, None, None)


def test_without_the_other_side_there_is_no_ratio() -> None:
    only = figures(1_000, {"final": [1.0]}, {}, {}, "reference", "read and parse")[0]
    assert only.against_reference is None
    assert only.of_parsing is None


def test_the_picture_is_one_and_its_bars_are_as_long_as_the_times() -> None:
    sides = figures(1_000, SECONDS, {}, {}, "reference", "read and parse")
    bars, title = files.bars(backlog.Record("backlog", 1_000, 10, sides, SECONDS, {}))
    assert title == "backlog: 1,000 events, seconds"
    root = ET.fromstring(chart.svg(bars, "a < b"))
    name = "{http://www.w3.org/2000/svg}"
    widths = [float(one.get("width", "")) for one in root.iter(f"{name}rect")]
    assert [round(width / widths[0], 1) for width in widths] == [1.0, 10.0, 5.0]
    assert next(root.iter(f"{name}text")).text == "a < b"


def test_unknown_sides_are_refused_and_known_ones_run_in_order() -> None:
    assert backlog.parse_sides("final, reference") == ("reference", "final")
    with pytest.raises(ParameterError, match="sides"):
        backlog.parse_sides("final,fastest")


@pytest.mark.parametrize("name", render.BENCH_STAGES)
def test_every_side_starts_one_job(name: str) -> None:
    parts = statements(render.bench(Pipeline(bounded=True), name))
    assert sum(part.text.startswith("EXECUTE STATEMENT SET") for part in parts) == 1
    assert sum(part.text.startswith("INSERT INTO") for part in parts) == 0


def test_a_stock_taskmanager_is_divided_as_flinks_documentation_says() -> None:
    # The example of "Configure Memory": 1728 MB come with metaspace 256, overhead 192, managed 512, network 128.
    found = options.stock_division(1728)
    assert (found.heap, found.direct, found.metaspace) == (512, 256, 256)
    told = {
        name.removeprefix("taskmanager.memory."): int(size.removesuffix("m")) for name, size in found.options.items()
    }
    for twice in ("network.max", "jvm-overhead.max"):
        assert told.pop(twice) == told[twice.replace("max", "min")]
    assert (told["managed.size"], told["task.heap.size"]) == (512, 384)
    assert sum(told.values()) == 1728


def test_a_goal_is_held_against_its_own_statistic() -> None:
    samples = [float(number) for number in range(1, 201)]
    found = measure("x", "s", samples)
    assert (found.median, found.p99, found.least, found.most, found.goal, found.reached) == (
        100.5, 198, 1, 200, None, None,
    )  # fmt: skip
    assert measure("x", "s", samples, Goal(100.5)).reached
    assert not measure("x", "s", samples, Goal(197.9, "p99")).reached
    assert measure("x", "s", samples, Goal(198, "p99")).reached
    assert not measure("x", "s", samples, Goal(199, "most")).reached
    assert not measure("x", "s", samples, Goal(101), Goal(197.9, "p99")).reached
    assert measure("x", "s", samples, Goal(101), Goal(198, "p99")).goal == "median at most 101, p99 at most 198"
    assert measure("x", "/s", samples, Goal(100, more=True)).reached
    assert not measure("x", "/s", samples, Goal(101, more=True)).reached


@given(st.lists(st.integers(-1000, 1000), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_sample_that_enough_do_not_exceed(samples: list[int], share: float) -> None:
    found = quantile(samples, share)
    assert found in samples
    assert sum(one <= found for one in samples) >= share * len(samples) * (1 - 1e-9)
    assert sum(one < found for one in samples) < share * len(samples) + 1


def test_a_picture_of_measures_shows_those_of_one_unit() -> None:
    found = Measured("scaling", [measure("a", "µs/event", [1.0, 3.0]), measure("b", "s", [9.0])])
    bars, title = files.bars(found)
    assert title == "scaling: µs/event"
    assert [(bar.label, bar.least, bar.median, bar.most, bar.said) for bar in bars] == [("a", 1, 2, 3, "2 µs/event")]


def test_an_unknown_suite_is_refused() -> None:
    request = suites.Request("fast", 1, 1.0, 1, (), 1.0, 1.0)
    with pytest.raises(ParameterError, match="suite"):
        suites.run(load(), request, print)
    assert set(suites.NAMES) == {"backlog", "stock", "tools", "freshness", "scaling", "start", "full"}


def test_each_axis_varies_one_thing_and_starts_at_the_same_point() -> None:
    start, *away = scaling.points()
    assert start == scaling.Point()
    assert len({point.told for point in away}) == len(away) == 8
    for point in away:
        differing = [name for name in ("times", "campaigns", "attribution", "parallelism")
                     if getattr(point, name) != getattr(start, name)]  # fmt: skip
        assert len(differing) == 1


def seen(at_ms: float, **row: object) -> freshness.Seen:
    return freshness.Seen(at_ms, Message("t", 0, 0, 0, b"k", json.dumps(row).encode()))


MINUTE = "2026-01-01T00:00:00Z"
START_MS = 1_767_225_600_000


def test_the_nth_impression_is_readable_with_the_first_row_that_counts_n() -> None:
    key = (START_MS, "camp-1")
    produced = {key: [1_000.0, 2_000.0, 3_000.0, 4_000.0], (START_MS, "camp-2"): [1_000.0]}
    live = [
        seen(2_500, window_start=MINUTE, campaign_id="camp-1", impression_count=1),
        seen(2_600, window_start=MINUTE, campaign_id="camp-1", impression_count=1),
        seen(5_000, window_start=MINUTE, campaign_id="camp-1", impression_count=3),
        freshness.Seen(5_500, Message("t", 0, 0, 0, b"k", None)),
    ]
    assert freshness.live_delays(produced, live, 0, 10_000) == [1.5, 3.0, 2.0]
    assert freshness.live_delays(produced, live, 1_500, 2_500) == [3.0]


def test_final_rows_wait_for_attribution_and_watermark_alerts_for_their_window() -> None:
    pipeline = Pipeline(attribution=Duration(15_000), watermark_delay=Duration(5_000))
    due = START_MS + pipeline.held_ms + 5_000
    assert pipeline.held_ms - 15_000 in (0, 1)
    rows = [seen(due + 700, window_end=MINUTE), seen(due + 900, window_end="2026-01-01T01:00:00Z")]
    assert freshness.final_delays(rows, pipeline, due, due + 1) == [0.7]
    assert freshness.final_delays(rows, pipeline, due + 1, due + 2) == []
    alerts = [seen(START_MS + 23_000, alert_time=MINUTE)]
    assert freshness.alert_delays(alerts, pipeline, due, due + 1) == [23.0]
