"""The compiled functions, and the core in a process of its own, once for all tests."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions.compiled import classes
from tests.functions.driver import Driver


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of compiled classes."""
    return classes(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="session")
def driver(compiled: Path) -> Iterator[Driver]:
    """The core's process."""
    started = Driver(compiled)
    yield started
    started.close()


@pytest.fixture(scope="session")
def jar(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The functions as a jar."""
    path = tmp_path_factory.mktemp("jar") / "adclick-functions.jar"
    with zipfile.ZipFile(path, "w") as archive:
        for one in compiled.rglob("*.class"):
            archive.write(one, one.relative_to(compiled))
    return path
