"""The recipes of docs/recipes.md, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from tests.cluster.conftest import Cluster
from tests.cluster.test_interactive import _make_topics, _send_row

pytestmark = pytest.mark.cluster
RECIPES = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")


def _recipe(title: str, language: str) -> str:
    part = RECIPES.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)```", part, re.DOTALL)
    assert found, title
    return found.group(1)


def test_kcat_reads_the_final_rows(cluster: Cluster) -> None:
    if shutil.which("kcat") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("kcat is not installed (Debian's package kcat)")
    env = cluster.own_topics("kcat")
    topic = env["ADCLICK_TOPIC_CTR"]
    _make_topics(cluster, env)
    _send_row(cluster, topic, "camp-kcat")
    script = _recipe("kcat", "sh").replace("ctr_results", topic)
    done = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "KAFKA": str(cluster.servers)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [json.loads(line)["campaign_id"] for line in done.stdout.splitlines()] == ["camp-kcat"]


def test_duckdb_reads_what_watch_writes(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = cluster.own_topics("duck")
    _make_topics(cluster, env)
    for name in ("camp-a", "camp-b"):
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], name)
    wanted = re.fullmatch(r"adclick (.*) > ctr.json\n", _recipe("DuckDB", "sh"))
    assert wanted
    (tmp_path / "ctr.json").write_text(cluster.run(*wanted.group(1).split(), env=env).stdout, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    answer = duckdb.sql(_recipe("DuckDB", "sql"))
    assert answer is not None
    assert sorted(answer.fetchall()) == [("camp-a", 0.25), ("camp-b", 0.25)]
    chosen = cluster.rows("watch", "ctr", "--once", "--where", "campaign=camp-b and ctr>0.2", "--sort", "-ctr", env=env)
    assert [row["campaign_id"] for row in chosen] == ["camp-b"]
    refused = cluster.run("watch", "ctr", "--once", "--where", "cpr>1", env=env, code=2)
    assert "There is no field 'cpr' here." in refused.stderr


def test_flinks_own_sql_client_reads_the_final_rows(cluster: Cluster, tmp_path: Path) -> None:
    env = cluster.own_topics("client")
    _make_topics(cluster, env)
    for name in ("camp-a", "camp-b"):
        _send_row(cluster, env["ADCLICK_TOPIC_CTR"], name)
    wanted = re.fullmatch(r"adclick (.*) > tables.sql\n", _recipe("Flink's SQL client", "sh"))
    assert wanted
    tables = cluster.run(*wanted.group(1).split(), env=env).stdout
    script = tmp_path / "read.sql"
    script.write_text(tables + _recipe("Flink's SQL client", "sql"), encoding="utf-8")
    home = Path(cluster.json("status")["flink_home"])
    done = subprocess.run(
        [str(home / "bin" / "sql-client.sh"), "-f", str(script)],
        env={
            **os.environ,
            "PATH": cluster.env["PATH"],
            "JAVA_HOME": "",
            "FLINK_CONF_DIR": str(home / "conf"),
            "FLINK_LOG_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "[ERROR]" not in done.stdout
    assert sorted(re.findall(r"camp-[ab]", done.stdout.split("SELECT", 1)[-1])) == ["camp-a", "camp-b"]
    assert all(job["state"] != "RUNNING" for job in cluster.rows("jobs", env=env))
