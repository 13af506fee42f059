"""Which runtime `auto` takes, by what a docker command answers: a script in its place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.runtime import choose
from adclick_cli.runtime.compose import docker

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("no_settings")]
ABSENT = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


def _fake_docker(folder: Path, script: str) -> str:
    folder.mkdir(exist_ok=True)
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


ENGINE = """\
[ "$1" = version ] && echo 28.0.0
[ "$1" = compose ] && [ -z "$COMPOSE_IS_THERE" ] && { echo "unknown command" >&2; exit 1; }
exit 0"""


def test_auto_takes_compose_where_an_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _fake_docker(tmp_path / "bin", ENGINE))
    loaded = settings.load()
    assert choose.decide(loaded) == choose.Choice("local", "docker compose: unknown command")
    monkeypatch.setenv("COMPOSE_IS_THERE", "yes")
    assert choose.decide(loaded) == choose.Choice("compose", "A Docker engine answers.")


def test_auto_takes_local_at_once_where_no_engine_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = settings.load()
    monkeypatch.setenv("PATH", _fake_docker(tmp_path / "bin", f'echo "{ABSENT}" >&2; exit 1'))
    assert choose.decide(loaded) == choose.Choice("local", ABSENT)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose.decide(loaded) == choose.Choice("local", "There is no docker command.")


def test_an_engine_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "PROBE_TIMEOUT_S", 0.2)
    monkeypatch.setenv("PATH", _fake_docker(tmp_path / "bin", "exec sleep 60"))
    begun = time.monotonic()
    choice = choose.decide(settings.load())
    assert choice.name == "local"
    assert "does not answer within" in choice.why
    assert time.monotonic() - begun < 30
