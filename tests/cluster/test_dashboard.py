"""The dashboard against a real broker: cold start, rows as they come, emptied topics, a broker that goes and comes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adclick_cli import schema, settings
from adclick_cli.broker import admin
from adclick_cli.broker.tail import Tail
from adclick_cli.runtime.local import broker
from adclick_cli.runtime.local.layout import free_port, prepare
from adclick_cli.security import Servers
from tests.cluster.conftest import Cluster, make_env
from tests.cluster.dashboard_rows import LETTERS, RESULTS, Rows
from tests.dashboard_process import start_page

pytestmark = pytest.mark.cluster


def _campaigns(picture: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in picture["campaigns"]["rows"]}


def _servers(cluster: Cluster) -> Servers:
    return cluster.servers


def test_from_a_cold_start_to_rows_as_they_come(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("page-cold") | {"ADCLICK_HOME": str(tmp_path)}
    rows = Rows.own(_servers(cluster), env)
    with start_page(cluster.env | env) as page:
        found = page.wait_for(lambda picture: picture["source"]["nothing"] is not None)
        assert found["source"]["state"] == "connected"
        assert not any(found["source"]["topics"].values())
        assert rows.topics["ctr"] in found["source"]["nothing"]["why"]
        assert found["source"]["nothing"]["command"]

        rows.make_topics()
        rows.windows(schema.CTR_LIVE, 3, {"camp-1": (100, 9)})
        rows.windows(schema.CTR_LIVE, 2, {"camp-1": (100, 30), "camp-2": (50, 5)})
        rows.windows(schema.CTR_LIVE, 0, {"camp-3": (1, 0)})
        found = page.wait_for(
            lambda picture: (
                all(picture["source"]["topics"][rows.topics[one.name]] for one in RESULTS)
                and len(_campaigns(picture)) == 2
            )
        )
        assert _campaigns(found)["camp-1"]["state"] == "LIVE"
        assert _campaigns(found)["camp-1"]["change"] == pytest.approx(0.3 / 0.09)
        assert found["movers"]["up"][0]["name"] == "camp-1"

        # The final row takes the live one's place, and a later live row does not come back.
        rows.windows(schema.CTR, 2, {"camp-1": (100, 31)})
        rows.windows(schema.CTR_LIVE, 2, {"camp-1": (100, 99)})
        rows.delete(schema.CTR_LIVE, 2, "camp-2")
        found = page.wait_for(lambda picture: "camp-2" not in _campaigns(picture))
        assert (_campaigns(found)["camp-1"]["state"], _campaigns(found)["camp-1"]["clicks"]) == ("FINAL", 31)

        rows.windows(schema.ENGAGEMENT, 2, {"mobile": (60, 20), "desktop": (40, 11)})
        rows.alert(2, "camp-1")
        rows.send(rows.topics["ctr"], [(b"", b"not a row")])
        found = page.wait_for(lambda picture: picture["alerts"]["total"] and picture["quality"]["unreadable"])
        assert [one["name"] for one in found["devices"]["rows"]] == ["desktop", "mobile"]
        assert found["alerts"]["marks"][0]["name"] == "camp-1"
        assert found["total"]["clicks"][found["axis"].index(found["campaigns"]["start"])] == 31
        assert found["freshness"]["final"]["written"] <= found["now"]


def test_emptied_topics_empty_the_page(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("page-emptied") | {"ADCLICK_HOME": str(tmp_path)}
    rows = Rows.own(_servers(cluster), env)
    rows.make_topics()
    rows.windows(schema.CTR, 2, {"old": (100, 9)})
    with start_page(cluster.env | env) as page:
        page.wait_for(lambda picture: "old" in _campaigns(picture))
        admin.delete_records(rows.servers, [rows.topics["ctr"]])
        page.wait_for(lambda picture: not _campaigns(picture))
        rows.windows(schema.CTR, 2, {"new": (100, 9)})
        found = page.wait_for(lambda picture: "new" in _campaigns(picture))
        assert set(_campaigns(found)) == {"new"}


def test_the_last_verify(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("page-checked") | {"ADCLICK_HOME": str(tmp_path)}
    rows = Rows.own(_servers(cluster), env)
    rows.make_topics()
    cluster.run("generate", "--backfill", "1m", "--rate", "5", "--orphans", "0.5", env=env | _ports(cluster))
    with start_page(cluster.env | env) as page:
        assert page.wait_for(lambda picture: picture["source"]["state"] == "connected")["verify"] is None
        # No row is there yet: nothing is wrong, and nothing is proven.
        cluster.run("verify", "--wait", "0s", env=env, code=1)
        found = page.wait_for(lambda picture: picture["verify"])
        assert found["verify"]["ok"] is False
        assert found["verify"]["wrong"] == 0
        assert found["quality"]["ledger"]["clicks"]["orphan"] > 0
        assert found["verify"]["at"] <= found["now"]

        rows.windows(schema.CTR, 5, {"ghost": (1, 0)})
        cluster.run("verify", "--wait", "0s", env=env, code=3)
        found = page.wait_for(lambda picture: picture["verify"]["wrong"])
        assert found["verify"]["results"]["ctr"]["unexpected"] == found["verify"]["wrong"] == 1


def _ports(cluster: Cluster) -> dict[str, str]:
    return {name: cluster.env[name] for name in ("ADCLICK_KAFKA_PORT", "ADCLICK_UI_PORT")}


class OwnBroker:
    """A broker that may be stopped, without Flink."""

    def __init__(self, env: dict[str, str], loaded: settings.Settings) -> None:
        self.env = env
        self._loaded = loaded
        self._controller_port = free_port("127.0.0.1")
        self.start()

    def start(self) -> None:
        layout = prepare(self._loaded, lambda *_: None)
        self._service = broker.service(layout, self._loaded, self._controller_port)
        self._service.start()
        admin.wait_for_broker(self._loaded.servers, 60)

    def stop(self) -> None:
        self._service.stop()

    def rows(self) -> Rows:
        made = Rows.own(self._loaded.servers, self.env)
        made.make_topics()
        return made


@pytest.fixture
def own_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnBroker]:
    env = make_env(tmp_path)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    made = OwnBroker(env, settings.load())
    yield made
    made.stop()


def test_a_broker_that_goes_is_told_and_one_that_comes_is_read_anew(own_broker: OwnBroker) -> None:
    rows = own_broker.rows()
    rows.windows(schema.CTR, 2, {"before": (100, 9)})
    with start_page(own_broker.env) as page:
        page.wait_for(lambda picture: "before" in _campaigns(picture))
        own_broker.stop()
        found = page.wait_for(lambda picture: picture["source"]["state"] == "gone")
        assert "before" in _campaigns(found), "what was known stays on the page"
        assert found["source"]["why"]
        own_broker.start()
        rows.windows(schema.CTR, 2, {"after": (100, 9)})
        found = page.wait_for(lambda picture: "after" in _campaigns(picture))
        assert found["source"]["state"] == "connected"
        assert set(_campaigns(found)) == {"before", "after"}


def test_dead_letters_are_counted_by_reason(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("page-letters") | {"ADCLICK_HOME": str(tmp_path)}
    rows = Rows.own(_servers(cluster), env)
    rows.make_topics()
    topic = rows.topics[LETTERS.name]
    with start_page(cluster.env | env) as page:
        assert page.wait_for(lambda picture: picture["source"]["state"] == "connected")["quality"]["dead"] is None
        admin.ensure_topics(rows.servers, {topic: LETTERS})
        values = [json.dumps({"reason": reason}).encode() for reason in ("not JSON", "not JSON", "no campaign_id")]
        rows.send(topic, [(b"", value) for value in (*values, b"\xff", b'{"reason":7}')])
        found = page.wait_for(lambda picture: (picture["quality"]["dead"] or {}).get("total") == 5)
        assert found["quality"]["dead"]["reasons"] == {"not JSON": 2, "no campaign_id": 1}
        assert found["quality"]["dead"]["at_least"] is False


def test_a_tail_reads_the_newest_and_knows_when_the_topics_are_others(cluster: Cluster) -> None:
    rows = Rows.own(_servers(cluster), cluster.own_topics("tail"))
    rows.make_topics()
    alerts, letters = rows.topics["alerts"], rows.topics[LETTERS.name]
    rows.send(alerts, [(b"", str(number).encode()) for number in range(10)])
    with Tail(rows.servers, {alerts: 3, letters: 3}) as tail:
        assert tail.topics == {alerts}
        assert tail.skipped == {alerts: 7}
        assert _read(tail, 3) == [b"7", b"8", b"9"]
        rows.send(alerts, [(b"", b"10")])
        assert _read(tail, 1) == [b"10"]
        assert not tail.stale()
        admin.ensure_topics(rows.servers, {letters: LETTERS})
        assert tail.stale()
    with Tail(rows.servers, {alerts: 100, letters: 3}) as tail:
        assert len(_read(tail, 11)) == 11
        admin.delete_records(rows.servers, [alerts])
        assert tail.stale()


def _read(tail: Tail, count: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    end = time.monotonic() + 180
    while len(found) < count:
        assert time.monotonic() < end, found
        found += [message.value for message in tail.poll()]
    return found
