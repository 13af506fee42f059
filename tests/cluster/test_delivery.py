"""Alerts from a real broker to a real command, once each, over several runs of `adclick watch alerts --exec`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.dashboard_rows import Rows

pytestmark = pytest.mark.cluster


def test_each_alert_reaches_a_command_once(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("told") | {"ADCLICK_HOME": str(tmp_path / "home")}
    rows = Rows.own(cluster.servers, env)
    rows.make_topics()
    told = tmp_path / "told"
    script = tmp_path / "tell"
    script.write_text(f'#!/bin/sh\necho "$ADCLICK_ALERT_TYPE $ADCLICK_ALERT_CAMPAIGN_ID" >> "{told}"\n')
    script.chmod(0o700)
    command = ("watch", "alerts", "--exec", str(script))

    rows.alert(9, "camp-1", "DROP")
    rows.alert(5, "camp-2")
    first = cluster.run(*command, "--once", env=env)
    assert first.stderr.count("Delivered (exec)") == 2
    assert cluster.run(*command, "--once", env=env).stderr.count("Delivered") == 0

    running = subprocess.Popen(
        [sys.executable, "-m", "adclick_cli", *command],
        env={**os.environ, **cluster.env, **env},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        rows.alert(1, "camp-3")
        end = time.monotonic() + 180
        while "camp-3" not in told.read_text():
            assert time.monotonic() < end
            time.sleep(0.2)
        refused = cluster.run(*command, "--once", code=1, env=env)
        assert "being delivered already" in refused.stderr
        running.send_signal(signal.SIGINT)
        assert running.wait(120) == 0
    finally:
        running.kill()
        running.communicate()
    assert told.read_text().splitlines() == ["DROP camp-1", "SPIKE camp-2", "SPIKE camp-3"]


def test_an_alert_that_cannot_be_delivered_fails_the_command(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("untold") | {"ADCLICK_HOME": str(tmp_path)}
    rows = Rows.own(cluster.servers, env)
    rows.make_topics()
    rows.alert(5, "camp-1")
    failed = cluster.run("watch", "alerts", "--once", "--exec", "false", env=env, code=1)
    assert "1 alerts could not be delivered" in failed.stderr
    assert "Traceback" not in failed.stderr
