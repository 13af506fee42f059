"""The Java sources of the product's functions and of these tests, compiled for the session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from adclick_cli.functions import jar
from tests.builders import compiled as builder

DRIVERS = Path(__file__).parent / "java"


def classes(folder: Path) -> Path:
    """A folder of classes: of the functions, and of the drivers that these tests run.

    Raises:
        AssertionError: the compiler has something to say; a warning is an error here.
    """
    compiler, shipped = builder.compiler(), jar.sources()
    sources = sorted([*shipped.glob("Attribution*.java"), *shipped.glob("Slice*.java"), *DRIVERS.glob("*.java")])
    class_path = ":".join(map(str, compiler.class_path))
    done = subprocess.run(
        [compiler.java, "-jar", compiler.jar, "-17", "-proc:none", "-cp", class_path, "-d", folder, *sources],
        capture_output=True,
        text=True,
        timeout=300,
        env={name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return folder
