"""The name of the jar of Java classes, and when it is made."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from adclick_cli import settings
from adclick_cli.errors import DownloadError
from adclick_cli.functions import jar
from adclick_cli.runtime import compiled, functions, jars

COMPILER = jar.Compiler(Path("java"), Path("ecj-1.jar"), (Path("flink-dist.jar"),), "2.2.1")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "A.java").write_text("class A {}")
    (folder / "a" / "B.java").write_text("class B {}")
    return folder


def test_the_name_follows_from_sources_flink_and_compiler(sources: Path, tmp_path: Path) -> None:
    def name(compiler: jar.Compiler = COMPILER) -> str:
        return jar.path(tmp_path, sources, compiler).name

    names = [name(), name(replace(COMPILER, flink_version="2.3.0")), name(replace(COMPILER, jar=Path("ecj-2.jar")))]
    (sources / "a" / "A.java").write_text("class A { }")
    names.append(name())
    (sources / "a" / "A.java").rename(sources / "A.java")
    names.append(name())
    (sources / "META-INF").mkdir()
    (sources / "META-INF" / "some").write_text("")
    names.append(name())
    # One file with what stood in two.
    (sources / "META-INF" / "some").unlink()
    (sources / "a" / "B.java").write_text("class B {}")
    (sources / "a" / "C.java").write_text("")
    names.append(name())
    (sources / "a" / "C.java").unlink()
    (sources / "a" / "B.java").write_text("class B {}a/C.java 0\na/C.java\n")
    names.append(name())
    (sources / "a" / "B.java").write_text("class B {}a/C.java\n")
    names.append(name())
    assert len(set(names)) == len(names)


def test_the_name_does_not_follow_from_the_place(sources: Path, tmp_path: Path) -> None:
    before = jar.path(tmp_path, sources, COMPILER).name
    (sources / ".DS_Store").write_text("x")
    (sources / "a" / ".A.java.swp").write_text("x")
    elsewhere = replace(COMPILER, java=Path("other"), class_path=(), jar=Path("cache", "ecj-1.jar"))
    assert jar.path(tmp_path, sources.rename(tmp_path / "moved"), elsewhere).name == before


def _provided(sources: Path, cache: Path) -> tuple[threading.Thread, list[Path]]:
    """Ask for the jar on another thread."""
    found: list[Path] = []
    asking = threading.Thread(
        target=lambda: found.append(jar.provide(cache, COMPILER, cache / "log", sources)), daemon=True
    )
    asking.start()
    return asking, found


def test_a_jar_that_is_there_is_taken_at_once(sources: Path, tmp_path: Path) -> None:
    """No process is started, and no lock waited for."""
    made = jar.path(tmp_path, sources, COMPILER)
    made.write_bytes(b"x")
    with FileLock(tmp_path / jar.LOCK):
        asking, found = _provided(sources, tmp_path)
        asking.join(10)
        assert found == [made]
    assert made.read_bytes() == b"x"


def test_a_jar_that_another_process_makes_meanwhile_is_waited_for(sources: Path, tmp_path: Path) -> None:
    made = jar.path(tmp_path, sources, COMPILER)
    with FileLock(tmp_path / jar.LOCK):
        waiting, found = _provided(sources, tmp_path)
        waiting.join(0.2)
        assert waiting.is_alive()
        made.write_bytes(b"x")
    waiting.join(10)
    assert found == [made]


def test_the_shipped_sources_are_found_and_name_one_jar(tmp_path: Path) -> None:
    names = {path.name for path in jar.sources().rglob("*") if path.is_file()}
    assert {"EventFormatFactory.java", "org.apache.flink.table.factories.Factory"} <= names
    compiler = functions.compiler(tmp_path, Path("java"), tmp_path)
    pin = next(one for one in jars.pinned() if one.artifact == functions.COMPILER)
    assert compiler.jar == tmp_path / pin.file_name
    assert jar.path(tmp_path, jar.sources(), compiler).name.startswith("adclick-functions-")


def test_a_compiler_that_is_not_the_pinned_one_is_not_run(tmp_path: Path) -> None:
    pin = next(one for one in jars.pinned() if one.artifact == functions.COMPILER)
    (tmp_path / pin.file_name).write_bytes(b"x")
    with pytest.raises(DownloadError, match=f"{pin.file_name} is not the file that was pinned"):
        functions.provide(tmp_path, Path("java"), tmp_path, tmp_path / "log")


def test_where_the_jar_is_the_compiler_is_not_asked_for(tmp_path: Path) -> None:
    made = jar.path(tmp_path, jar.sources(), functions.compiler(tmp_path, Path("java"), tmp_path))
    made.write_bytes(b"x")
    assert functions.provide(tmp_path, Path("java"), tmp_path, tmp_path / "log") == made


def test_the_name_is_known_without_java_and_flink(tmp_path: Path) -> None:
    named = jar.path(tmp_path, jar.sources(), functions.compiler(tmp_path, Path("java"), tmp_path))
    assert functions.expected(tmp_path) == named


def test_a_jar_that_is_there_is_had_without_fetching_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` on a warm machine pays nothing, whatever became of compiler and Java."""
    monkeypatch.delattr(jars, "fetch")
    monkeypatch.delattr(functions, "provide")
    loaded = settings.load(home=tmp_path, jar_cache=tmp_path, java_home=tmp_path / "nowhere")
    functions.expected(tmp_path).write_bytes(b"x")
    assert compiled.obtain(loaded, lambda *_: None) == functions.expected(tmp_path)
