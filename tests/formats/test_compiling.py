"""The jar of Java classes, made by the real compiler."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest

from adclick_cli.errors import CompileError
from adclick_cli.functions import jar

pytestmark = pytest.mark.process

SERVICES = "META-INF/services/some.Service"


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "some" / "within").mkdir(parents=True)
    (folder / "some" / "A.java").write_text("package some; public class A { some.within.B b; record R(int x) {} }")
    (folder / "some" / "within" / "B.java").write_text("package some.within; public class B {}")
    (folder / SERVICES).parent.mkdir(parents=True)
    (folder / SERVICES).write_text("some.A\n")
    return folder


def test_two_compilations_give_the_same_bytes(compiler: jar.Compiler, sources: Path, tmp_path: Path) -> None:
    one, other = (jar.provide(tmp_path / name, compiler, tmp_path / "log", sources) for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    with zipfile.ZipFile(one) as made:
        names = made.namelist()
        assert names == ["META-INF/MANIFEST.MF", SERVICES, "some/A$R.class", "some/A.class", "some/within/B.class"]
        assert made.read(SERVICES) == b"some.A\n"
        # The version of the class file: Java 17.
        assert made.read("some/A.class")[6:8] == bytes([0, 61])
        assert {entry.date_time[0] for entry in made.infolist()} == {1980}
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == [jar.LOCK, one.name]


def test_a_second_call_compiles_nothing(compiler: jar.Compiler, sources: Path, tmp_path: Path) -> None:
    made = jar.provide(tmp_path, compiler, tmp_path / "log", sources)
    before = made.stat()
    gone = jar.Compiler(tmp_path / "no-java", compiler.jar, (), compiler.flink_version)
    assert jar.provide(tmp_path, gone, tmp_path / "log", sources) == made
    assert made.stat() == before


def test_two_at_once_compile_once(compiler: jar.Compiler, sources: Path, tmp_path: Path) -> None:
    found: list[tuple[Path, int]] = []

    def provide() -> None:
        made = jar.provide(tmp_path / "cache", compiler, tmp_path / "log", sources)
        found.append((made, made.stat().st_ino))

    threads = [threading.Thread(target=provide) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_what_cannot_be_compiled_is_refused_with_the_compilers_words(
    compiler: jar.Compiler, sources: Path, tmp_path: Path
) -> None:
    (sources / "some" / "A.java").write_text("package some; public class A { Missing missing; }")
    log = tmp_path / "logs" / "functions.log"
    with pytest.raises(CompileError, match="cannot be compiled") as refused:
        jar.provide(tmp_path / "cache", compiler, log, sources)
    assert "Missing cannot be resolved to a type" in refused.value.why
    assert str(log) in refused.value.mend
    assert "Missing cannot be resolved to a type" in log.read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [jar.LOCK]


def test_a_compiler_that_is_not_there_is_refused(compiler: jar.Compiler, sources: Path, tmp_path: Path) -> None:
    nowhere = jar.Compiler(compiler.java, tmp_path / "ecj.jar", (), "1")
    with pytest.raises(CompileError, match="cannot be compiled") as refused:
        jar.provide(tmp_path / "cache", nowhere, tmp_path / "log", sources)
    assert jar.MAIN in refused.value.why


def test_the_shipped_sources_are_compiled_for_all_of_flinks_javas(functions_jar: Path) -> None:
    with zipfile.ZipFile(functions_jar) as made:
        classes = [name for name in made.namelist() if name.endswith(".class")]
        assert "adclick/events/EventFormatFactory.class" in classes
        assert {made.read(name)[6:8] for name in classes} == {bytes([0, 61])}
        services = [name for name in made.namelist() if name.startswith("META-INF/services/")]
        assert "META-INF/services/org.apache.flink.table.factories.Factory" in services
        for service in services:
            named = made.read(service).decode().split()
            assert {f"{name.replace('.', '/')}.class" for name in named} <= set(classes)
