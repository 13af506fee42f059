"""What a user types becomes a typed value, or an error that names field, value and mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adclick_cli import settings
from adclick_cli.errors import ParameterError
from adclick_cli.parameters import MAX_DURATION_MS, Duration, parse_servers, parse_topic
from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import quoting, render


@pytest.fixture(autouse=True)
def _no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADCLICK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.mark.parametrize("text", ["1m; DROP TABLE x", "0", "0s", "-5s", "", "1", "m", "1.5m", "1m ", "\u0661m", "100d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Duration.parse(text, "window")
    assert "window" in caught.value.what
    assert repr(text) in caught.value.what
    assert caught.value.mend


@given(st.integers(1, MAX_DURATION_MS))
def test_a_duration_reads_back_from_its_text(ms: int) -> None:
    assert Duration.parse(str(Duration(ms)), "x") == Duration(ms)


@given(st.integers(0, MAX_DURATION_MS))
def test_an_interval_literal_says_the_same_length(ms: int) -> None:
    sql = quoting.interval(Duration(ms))
    units = {"DAY": 86_400_000, "HOUR": 3_600_000, "MINUTE": 60_000, "SECOND": 1_000}
    single = re.fullmatch(r"INTERVAL '(\d{1,2})' (DAY|HOUR|MINUTE|SECOND)", sql)
    if single:
        assert int(single.group(1)) * units[single.group(2)] == ms
        return
    long = re.fullmatch(r"INTERVAL '(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?' DAY TO SECOND(?:\(3\))?", sql)
    assert long is not None
    days, hours, minutes, seconds, rest = (int(part or 0) for part in long.groups())
    assert ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000 + rest == ms


@given(st.text())
def test_nothing_breaks_out_of_a_literal(text: str) -> None:
    if text.splitlines() not in ([], [text]):
        with pytest.raises(ParameterError, match="SQL text"):
            quoting.literal(text)
        return
    sql = quoting.literal(text)
    assert sql[0] == sql[-1] == "'"
    assert "'" not in sql[1:-1].replace("''", "")
    assert sql[1:-1].replace("''", "'") == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_literal_reads_back(value: float) -> None:
    assert float(quoting.double(value)) == value
    assert re.fullmatch(r"-?\d+(\.\d+)?E[+-]?\d+", quoting.double(value))


@given(st.text(min_size=1))
def test_a_topic_holds_no_sql(text: str) -> None:
    try:
        parse_topic(text, "topic-ctr")
    except ParameterError:
        return
    assert re.fullmatch(r"[A-Za-z0-9._-]+", text)


@pytest.mark.parametrize("text", ["", "host", "host:0", "host:70000", "h:1,", "h:1;DROP", "a b:1", "h:1'"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse_servers(text, "bootstrap-servers")


@pytest.mark.parametrize("value", [0, 1, -0.5, 1.5, float("nan"), float("inf")])
def test_a_threshold_lies_between_0_and_1(value: float) -> None:
    with pytest.raises(ParameterError, match="threshold"):
        settings.load(threshold=value).pipeline()


def test_threshold_sets_both_factors() -> None:
    pipeline = settings.load(threshold=0.4).pipeline()
    assert (pipeline.drop, pipeline.spike) == (0.4, 2.5)
    assert settings.load(threshold=0.4, spike=9.0).pipeline().spike == 9.0


def test_a_window_is_whole_seconds() -> None:
    with pytest.raises(ParameterError, match="window"):
        settings.load(window="1500ms").pipeline()


def test_two_topics_may_not_share_a_name() -> None:
    with pytest.raises(ParameterError, match="topic-clicks"):
        settings.load(topic_clicks="ad-impressions").topics()


def test_flag_before_environment_before_file_before_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user = tmp_path / "config" / "adclick"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('window = "2m"\nattribution = "2m"\nrate = 2.0\nseed = 2\n')
    Path("adclick.toml").write_text('window = "3m"\nattribution = "3m"\nrate = 3.0\n')
    monkeypatch.setenv("ADCLICK_WINDOW", "4m")
    monkeypatch.setenv("ADCLICK_ATTRIBUTION", "4m")
    loaded = settings.load(window="5m")
    assert (loaded.window, loaded.attribution, loaded.rate, loaded.seed) == ("5m", "4m", 3.0, 2)
    origins = {name: origin for name, (_, origin) in settings.sources(loaded, window="5m").items()}
    assert origins["window"] == "flag"
    assert origins["attribution"] == "ADCLICK_ATTRIBUTION"
    assert origins["rate"] == "adclick.toml:3"
    assert origins["seed"].endswith("config.toml:4")
    assert origins["drop"] == "default"


def test_a_running_clusters_ports_stand_behind_everything_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = settings.ports_file(tmp_path / "home")
    path.parent.mkdir(parents=True)
    path.write_text('{"kafka_port": 1111, "ui_port": 2222}')
    assert (settings.load().kafka_port, settings.load().ui_port) == (1111, 2222)
    monkeypatch.setenv("ADCLICK_KAFKA_PORT", "3333")
    assert settings.load().kafka_port == 3333


def test_a_wrong_type_names_the_setting_and_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_KAFKA_PORT", "many")
    with pytest.raises(ParameterError) as caught:
        settings.load()
    assert "kafka-port" in caught.value.what
    assert "ADCLICK_KAFKA_PORT" in caught.value.why


def test_a_pipeline_survives_its_file() -> None:
    pipeline = settings.load(threshold=0.3, window="30s", method="significance").pipeline(bounded=True)
    assert Pipeline.from_json(pipeline.to_json()) == pipeline


def test_an_unknown_stage_is_refused() -> None:
    with pytest.raises(ParameterError, match="stage"):
        render.stage(Pipeline(), "x; DROP TABLE y")
