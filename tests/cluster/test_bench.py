"""A benchmark on the session's cluster: small, so that it proves the rows and not the speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

EVENTS = 20_000


def test_both_sides_write_the_same_rows(cluster: Cluster, tmp_path: Path) -> None:
    picture = tmp_path / "bench.svg"
    wanted = ("--events", str(EVENTS), "--rate", "100", "--rounds", "1", "--sides", "reference,final + live")
    found = cluster.json("bench", *wanted, "--svg", str(picture))
    assert [one["side"] for one in found["figures"]] == ["reference", "final + live"]
    assert found["rows"] > 30
    assert found["events"] > EVENTS
    assert all(one["median_s"] > 0 for one in found["figures"])
    assert all(one["cpu_s"] > 0 and one["peak_mb"] > 100 for one in found["figures"])
    assert all(one["state_mb"] is not None for one in found["figures"])
    assert picture.read_text(encoding="utf-8").startswith("<svg")
    other = cluster.run("bench", "--events", str(EVENTS + 1), code=1)
    assert f"--events {EVENTS}" in other.stderr
