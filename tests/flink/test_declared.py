"""A declared catalog on Flink: nested fields, microseconds, defaults, money, and results by other fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adclick_cli.catalog.load import load
from adclick_cli.parameters import Duration
from tests.builders.sent import T0
from tests.flink.conftest import EmbeddedFlink, RunPipeline, read_rows

pytestmark = pytest.mark.flink
DECLARED = """
[events.impressions]
id = "event.id"
time = "event.at"
time_unit = "us"
[events.impressions.fields]
campaign_id = "campaign.id"
device_type = { path = "device.type", default = "unknown" }
country = { path = "geo.country", default = "??" }
position = { path = "slot", type = "integer" }
cost = "price"
weight = { type = "integer", optional = true }
[events.clicks]
parent = "view_id"
[metrics]
spend = "sum(cost)"
priced = "count(cost)"
weights = "sum(weight)"
cpc = "spend / clicks"
ecpm = "1000 * spend / impressions"
mean = "avg(cost)"
net = "spend * 0.75 - 1"
[results.spend]
by = ["country", "position"]
metrics = ["spend", "impressions", "clicks", "cpc", "ecpm", "priced", "weights", "mean", "net"]
[results.total]
by = ["position"]
metrics = ["clicks"]
"""


def _shown(number: int, at_ms: int, country: str | None, price: Any, **more: Any) -> dict[str, Any]:
    geo = {} if country is None else {"geo": {"country": country}}
    found = {"event": {"id": f"i{number}", "at": (T0 + at_ms) * 1000 + 999}, "campaign": {"id": "c"}, "slot": 1}
    return found | geo | ({} if price is None else {"price": price}) | more


def _clicked(number: int, of: int, at_ms: int) -> dict[str, Any]:
    return {"click_id": f"c{number}", "view_id": f"i{of}", "event_timestamp": T0 + at_ms}


def test_sums_are_of_impressions_once_and_money_is_exact(
    embedded: EmbeddedFlink, run_pipeline: RunPipeline, tmp_path: Path
) -> None:
    (tmp_path / "adclick.toml").write_text(DECLARED, encoding="utf-8")
    catalog = load(tmp_path / "adclick.toml")
    impressions = [
        _shown(1, 0, "CH", 0.1, weight=3),
        _shown(2, 10, "CH", "0.2000001"),
        # Again: an id counts once.
        _shown(1, 0, "CH", 0.1, weight=3),
        _shown(3, 20, None, "12345678901.123456"),
        _shown(4, 59_999, "FR", None),
        _shown(5, 60_000, "CH", 7),
    ]
    clicks = [_clicked(1, 1, 500), _clicked(2, 1, 600), _clicked(3, 2, 700), _clicked(4, 4, 60_100)]
    rows = run_pipeline(impressions, clicks, catalog=catalog, watermark_delay=Duration(60_000))
    assert [(row["campaign_id"], row["impression_count"], row["click_count"]) for row in rows.ctr] == [
        ("c", 4, 4),
        ("c", 1, 0),
    ]
    assert {row["device_type"] for row in rows.engagement} == {"unknown"}

    text = "".join(path.read_text() for path in (embedded.folder / "spend").rglob("*") if path.is_file())
    assert '"spend":0.300000,' in text
    assert '"spend":12345678901.123456,' in text
    found = {
        (row["window_start"][14:16], row["country"], row["position"]): row
        for row in read_rows(embedded.folder / "spend")
    }
    assert found.keys() == {("00", "CH", 1), ("00", "??", 1), ("00", "FR", 1), ("01", "CH", 1)}
    ours = found["00", "CH", 1]
    assert list(ours) == [
        *("window_start", "window_end", "country", "position", "spend", "impression_count", "click_count"),
        *("cpc", "ecpm", "priced", "weights", "mean", "net"),
    ]
    assert (ours["impression_count"], ours["click_count"], ours["priced"], ours["weights"]) == (2, 3, 2, 3)
    assert (ours["cpc"], ours["ecpm"], ours["mean"]) == (0.3 / 3, 150.0, 0.15)
    assert ours["net"] == pytest.approx(-0.775)
    nothing = found["00", "FR", 1]
    assert (nothing["spend"], nothing["cpc"], nothing["priced"], nothing["weights"]) == (None, None, 0, None)
    assert nothing["click_count"] == 1
    assert [row["click_count"] for row in read_rows(embedded.folder / "total")] == [4, 0]
