"""What is installed is what is in the checkout: a wheel is built, unpacked elsewhere and run."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from adclick_cli.pipeline import Pipeline
from adclick_cli.sql import render

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def _python(installed: Path, *args: str) -> str:
    # Away from the checkout, so that nothing of it is found by chance.
    env = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, *args], env=env, cwd=installed.parent, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_an_installed_wheel_finds_its_folders(installed: Path) -> None:
    code = "from adclick_cli import resources; print(*map(resources.folder, ('sql_templates', 'compose')), sep='\\n')"
    folders = [Path(line) for line in _python(installed, "-c", code).splitlines()]
    assert all(folder.is_relative_to(installed) for folder in folders)
    for folder in folders:
        shipped = {path.name for path in folder.iterdir()}
        assert shipped == {path.name for path in (ROOT / folder.name).iterdir()}


def test_an_installed_wheel_holds_the_dashboards_files(installed: Path) -> None:
    shipped, made = (folder / "adclick_cli" / "dashboard" / "static" for folder in (installed, ROOT))
    names = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    assert Path("vendor/uPlot.LICENSE.txt") in names
    assert {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} == names


def test_an_installed_wheel_holds_the_java_sources(installed: Path) -> None:
    code = "from adclick_cli.functions import jar; print(jar.sources())"
    shipped, made = Path(_python(installed, "-c", code).strip()), ROOT / "adclick_cli" / "_data" / "functions"
    assert shipped.is_relative_to(installed)
    names = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    assert Path("META-INF/services/org.apache.flink.table.factories.Factory") in names
    assert {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()} == names


def test_an_installed_wheel_renders_the_same_sql(installed: Path) -> None:
    assert _python(installed, "-m", "adclick_cli", "render") == render.script(Pipeline())
