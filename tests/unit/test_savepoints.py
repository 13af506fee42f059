"""Savepoints: their records, what may change, and what may not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from adclick_cli import defaults, savepoints, settings
from adclick_cli.errors import AdclickError, SavepointError
from adclick_cli.flink.submit import require_fit
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline, Topics
from adclick_cli.savepoints import Savepoint
from adclick_cli.sql import fit, render
from tests.builders.savepoint import taken


def minutes(count: int) -> Duration:
    return Duration(count * 60_000)


def test_a_record_reads_back_as_it_was() -> None:
    savepoint = taken(Pipeline(spike=3.0, window=minutes(2)))
    assert Savepoint.from_json(savepoint.to_json()) == savepoint


@pytest.mark.parametrize(
    "change",
    [
        {"spike": 9.0, "drop": 0.1},
        {"method": "significance", "min_z": 2.0},
        {"min_impressions": 50},
        {"checkpoint_interval": minutes(1), "transaction_timeout": minutes(60)},
        {"idle_timeout": minutes(1), "partition_discovery": minutes(1)},
        {"bootstrap_servers": "127.0.0.1:1"},
    ],
)
def test_thresholds_and_intervals_may_change(change: dict[str, object]) -> None:
    assert set(change) <= {*fit.MAY_CHANGE, "method"}
    before = Pipeline(method="ratio")
    require_fit(taken(before), dataclasses.replace(before, **change))  # type: ignore[arg-type]


def test_a_savepoint_of_before_partition_discovery_was_a_setting_fits() -> None:
    savepoint = taken(Pipeline())
    assert not any("discovery" in text for text in savepoint.stages.values())


@pytest.mark.parametrize(
    ("change", "stages", "told"),
    [
        ({"window": minutes(2)}, ["join", "anomaly"], "window 2m, was 1m"),
        ({"method": "ratio"}, ["anomaly"], "method ratio, was baseline"),
        ({"attribution": minutes(5)}, ["join"], "attribution 5m, was 10m"),
        ({"watermark_delay": minutes(1)}, ["sources"], "watermark-delay 1m, was 5s"),
        ({"max_ahead": minutes(1)}, ["sources", "dead_letters"], "max-ahead 1m, was 1h"),
        ({"live": False}, ["join", "aggregation"], "live False, was True"),
        ({"topics": Topics(clicks="other")}, ["sources"], "topic-clicks other, was ad-clicks"),
        ({"topics": Topics(alerts="other")}, ["sinks"], "topic-alerts other, was anomaly_alerts"),
    ],
)
def test_what_gives_state_another_meaning_is_refused_by_stage(
    change: dict[str, object], stages: list[str], told: str
) -> None:
    after = dataclasses.replace(Pipeline(), **change)  # type: ignore[arg-type]
    with pytest.raises(SavepointError) as refused:
        require_fit(taken(Pipeline()), after)
    assert f"the stage{'s' if len(stages) > 1 else ''} {', '.join(stages)} changed" in refused.value.what
    assert told in refused.value.why
    assert "--replace" in refused.value.mend


def test_sql_of_another_version_is_refused_though_every_parameter_is_the_same() -> None:
    savepoint = taken(Pipeline())
    older = dataclasses.replace(savepoint, stages=savepoint.stages | {"join": "CREATE TEMPORARY VIEW attributed"})
    with pytest.raises(SavepointError, match="the stage join changed") as refused:
        require_fit(older, Pipeline())
    assert "another one" in refused.value.why


def test_a_savepoint_is_found_by_name_by_path_and_as_the_latest(tmp_path: Path) -> None:
    home = settings.load(home=tmp_path)
    with pytest.raises(AdclickError, match="there is no savepoint yet"):
        savepoints.find(home, "latest")
    old, new = taken(Pipeline()), taken(Pipeline(spike=3.0), "20260131T130000Z")
    record = savepoints.save(home, old)
    savepoints.save(home, new)
    assert savepoints.find(home, "latest") == new
    for wanted in (old.name, str(record), "/somewhere/20260131T120000Z/1", "file:/somewhere/20260131T120000Z/0/"):
        assert savepoints.find(home, wanted) == old
    with pytest.raises(AdclickError) as missing:
        savepoints.find(home, "/somewhere/else")
    assert new.name in missing.value.why
    record.write_text("{}")
    with pytest.raises(AdclickError, match=f"cannot be read: {record}"):
        savepoints.find(home, old.name)


def test_parameters_come_from_the_savepoint_unless_a_flag_says_otherwise(tmp_path: Path) -> None:
    before = Pipeline(window=minutes(2), spike=3.0, drop=0.25, live=False, topics=Topics(ctr="mine"))
    savepoint = taken(before)
    again = settings.load(home=tmp_path, **savepoint.flags({})).pipeline()
    assert dataclasses.replace(again, bootstrap_servers=before.bootstrap_servers) == before
    changed = settings.load(home=tmp_path, **savepoint.flags({"threshold": 0.5})).pipeline()
    assert (changed.spike, changed.drop, changed.window) == (2.0, 0.5, minutes(2))
    one = settings.load(home=tmp_path, **savepoint.flags({"spike": 4.0})).pipeline()
    assert (one.spike, one.drop) == (4.0, 0.25)


def test_each_job_begins_with_its_own_state() -> None:
    paths = {job: f"file:/state/{number}" for number, job in enumerate(render.JOBS)}
    script = render.script(Pipeline(), state=paths)
    settings_of_state = [line for line in script.splitlines() if "state-recovery" in line]
    assert settings_of_state == [f"SET 'execution.state-recovery.path' = 'file:/state/{number}';" for number in (0, 1)]
    assert script.index("file:/state/0") < script.index("EXECUTE STATEMENT SET") < script.index("file:/state/1")
    assert script.index("file:/state/1") < script.index(f"INSERT INTO {defaults.TOPIC_ALERTS}")
    assert "state-recovery" not in render.script(Pipeline())
