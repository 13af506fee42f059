"""Events and results that `adclick.toml` declares: nested JSON, microseconds, money; from submit to proven rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from adclick_cli.broker.producer import open_producer
from adclick_cli.broker.whole import read_topic
from tests.builders.spend import EXAMPLE
from tests.cluster.conftest import Cluster
from tests.dashboard_process import start_page

pytestmark = pytest.mark.cluster
ASKED = ("--window", "4s", "--attribution", "6s", "--method", "ratio", "--watermark-delay", "1s")


@pytest.fixture
def env(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A project's folder, and names for the topics that it does not name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adclick.toml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    own = cluster.own_topics("spend")
    yield {
        name: topic for name, topic in own.items() if name not in ("ADCLICK_TOPIC_IMPRESSIONS", "ADCLICK_TOPIC_CLICKS")
    }
    cluster.run("cancel")


def test_nested_events_in_microseconds_give_spend_by_country_and_device(cluster: Cluster, env: dict[str, str]) -> None:
    cluster.run("submit", *ASKED, env=env)
    shares = ("--late", "0.05", "--malformed", "0.02", "--duplicates", "0.05")
    sent = cluster.json("generate", "--backfill", "2m", "--rate", "40", "--seed", "3", *shares, env=env)
    verdict = cluster.prove(env, int(sent["impressions"] * 0.8))
    assert verdict["results"]["spend"]["compared"] > 20
    assert verdict["results"]["ctr"]["compared"] > 20
    event = next(json.loads(one.value or b"") for batch in read_topic(cluster.servers, "shop.views") for one in batch)
    assert event["event"]["at"] > 10**15
    assert {"campaign", "device"} <= event.keys()

    rows = cluster.rows("watch", "spend", "--once", env=env)
    final = [row for row in rows if row["state"] == "FINAL"]
    assert len(final) >= verdict["results"]["spend"]["compared"]
    assert {"country", "device_type", "impression_count", "click_count", "spend", "cpc", "ecpm"} <= final[0].keys()
    clicked = next(row for row in final if row["click_count"] and row["spend"])
    assert clicked["cpc"] == pytest.approx(clicked["spend"] / clicked["click_count"])
    assert clicked["ecpm"] == pytest.approx(1000 * clicked["spend"] / clicked["impression_count"])
    table = cluster.run("watch", "spend", "--once", "--output", "table", env=env | {"COLUMNS": "140"}).stdout
    assert "country · device_type" in table
    chosen = cluster.rows("watch", "spend", "--once", "--where", "spend>0 and device_type=mobile", env=env)
    assert {row["device_type"] for row in chosen} == {"mobile"}

    with start_page(cluster.env | env) as page:
        picture = page.wait_for(lambda found: found["declared"])
    (shown,) = picture["declared"]
    assert (shown["name"], shown["by"]) == ("spend", ["country", "device_type"])
    assert shown["metrics"] == ["impression_count", "click_count", "spend", "cpc", "ecpm"]

    # One unit of the last digit too much is found.
    wrong = json.dumps(clicked | {"spend": 0}).replace(
        '"spend": 0', f'"spend": {Decimal(str(clicked["spend"])) + Decimal("0.000001")}'
    )
    producer = open_producer(cluster.servers)
    producer.send("spend_results", b"", wrong.encode())
    producer.close()
    found = cluster.run("verify", "--wait", "0s", "--output", "table", code=3, env=env)
    assert "spend:" in found.stderr
