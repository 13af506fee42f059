"""The process that writes heartbeats: for which brokers it is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adclick_cli import settings
from adclick_cli.runtime import heartbeat

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("given", "begun"),
    [({}, True), ({"heartbeat": False}, False), ({"bootstrap_servers": "kafka.example:9093"}, False)],
)
def test_a_broker_of_the_users_own_gets_none_unasked(tmp_path: Path, given: dict[str, Any], begun: bool) -> None:
    own = settings.Settings(home=tmp_path, **given)
    writer = heartbeat.begin(own, "local", lambda _: None)
    try:
        assert (writer is not None) == begun
        assert heartbeat.service(own, "local").record.exists() == begun
    finally:
        heartbeat.service(own, "local").stop()
