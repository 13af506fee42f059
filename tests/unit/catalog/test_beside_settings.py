"""The catalog's tables and the settings share one file, and `adclick catalog` shows what comes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adclick_cli import settings
from adclick_cli.commands.program import app
from adclick_cli.errors import ParameterError

FILE = """rate = 3.0
[events.clicks]
id = "c"
[metrics]
spend = "sum(cost)"
[results.spend]
by = ["ad"]
metrics = ["spend"]
"""
FIELDS = '[events.impressions.fields]\nad = "ad.id"\n'


@pytest.fixture(autouse=True)
def _no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADCLICK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_the_catalogs_tables_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("adclick.toml").write_text(FILE)
    loaded = settings.load()
    assert (loaded.rate, loaded.metrics) == (3.0, False)
    assert settings.sources(loaded)["metrics"] == (False, "default")
    # The table takes the name in the file, and the setting can still come from elsewhere.
    assert settings.load(metrics=True).metrics is True
    monkeypatch.setenv("ADCLICK_METRICS", "true")
    assert settings.load().metrics is True
    assert settings.project_file() == Path("adclick.toml")


def test_a_truth_value_under_metrics_is_the_setting() -> None:
    assert settings.project_file() is None
    Path("adclick.toml").write_text("metrics = true\n")
    assert settings.load().metrics is True


@pytest.mark.parametrize("text", ["events = 5\n", "results = true\n", "[event]\n", "[metric]\na = 1\n"])
def test_what_only_looks_like_a_table_of_the_catalog_is_still_refused(text: str) -> None:
    Path("adclick.toml").write_text(text)
    with pytest.raises(ParameterError, match=text.strip("[")[:5]):
        settings.load()


@pytest.mark.parametrize("words", [["catalog"], ["catalog", "check"]])
def test_a_table_of_a_mistyped_name_is_refused_with_its_line(words: list[str]) -> None:
    Path("adclick.toml").write_text("# mine\n[event.clicks]\n")
    ran = CliRunner().invoke(app, words)
    assert isinstance(ran.exception, ParameterError)
    assert ran.exception.why == "There is no such setting (from adclick.toml:2)."
    assert ran.exception.mend == "Did you mean events?"


def test_the_users_own_file_holds_no_catalog(tmp_path: Path) -> None:
    user = tmp_path / "config" / "adclick"
    user.mkdir(parents=True)
    (user / "config.toml").write_text("[events.clicks]\n")
    with pytest.raises(ParameterError, match="events"):
        settings.load()


def test_the_command_shows_the_catalog_of_the_folder() -> None:
    ran = CliRunner().invoke(app, ["catalog", "--output", "json"])
    assert ran.exit_code == 0
    built_in = json.loads(ran.stdout)
    assert [one["name"] for one in built_in["results"]] == ["ctr", "engagement"]
    assert built_in["events"]["clicks"]["topic"] is None
    assert built_in["results"][0]["columns"] == [
        *("window_start", "window_end", "campaign_id", "impression_count", "click_count", "ctr")
    ]
    Path("adclick.toml").write_text(FILE + FIELDS)
    found = json.loads(CliRunner().invoke(app, ["catalog", "-o", "json"]).stdout)
    assert found["events"]["clicks"]["id"] == "c"
    assert found["metrics"][-1] == {
        "name": "spend",
        "column": "spend",
        "means": "sum(cost)",
        "type": "decimal(38, 6)",
        "additive": True,
    }
    table = CliRunner().invoke(app, ["catalog", "-o", "table"], env={"COLUMNS": "200"}).stdout
    for text in ("topic_impressions", "ad.id", "sum(cost)", "spend_results", "decimal(18, 6)", "no event"):
        assert text in table
    rows = CliRunner().invoke(app, ["catalog", "-o", "csv"]).stdout.splitlines()
    assert rows[0] == "events,name,path,type,if missing"
    assert "impressions,ad,ad.id,text,no event" in rows


def test_the_check_says_one_line_or_all_problems() -> None:
    ran = CliRunner().invoke(app, ["catalog", "check"])
    assert (ran.exit_code, ran.stdout) == (0, "The built-in catalog: 7 fields, 1 metric, 2 results, nothing wrong.\n")
    Path("adclick.toml").write_text(FILE + FIELDS)
    ran = CliRunner().invoke(app, ["catalog", "check"])
    assert (ran.exit_code, ran.stdout) == (0, "adclick.toml: 8 fields, 2 metrics, 3 results, nothing wrong.\n")
    Path("adclick.toml").write_text(FILE)
    ran = CliRunner().invoke(app, ["catalog", "check"])
    assert ran.exit_code != 0
    assert str(ran.exception).splitlines()[0] == "adclick.toml:7: results.spend.by: 'ad' cannot be used"
