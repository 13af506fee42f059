"""What the program imports comes with an install of it."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "adclick_cli"
BROUGHT_BY = {
    "apache_beam": "apache-flink",
    "kafka": "kafka-python",
    "py4j": "apache-flink",
    "pydantic": "pydantic-settings",
    "ruamel": "ruamel-yaml",
}
"""The package that a module comes with, where it has another name; what that one needs itself is there with it."""


def _imported(path: Path) -> set[str]:
    """The modules outside Python that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found} - {"adclick_cli", "_typeshed", *sys.stdlib_module_names}


def test_every_module_that_is_imported_comes_with_an_install() -> None:
    """What only the development environment has would be missing from a user's."""
    wanted = [
        text for text in importlib.metadata.requires("adclick") or [] if not re.search("extra == .(dev|build)", text)
    ]
    declared = {re.split(r"[^\w-]", text, maxsplit=1)[0] for text in wanted}
    imported = {name: path.name for path in PACKAGE.rglob("*.py") for name in _imported(path)}
    lacking = {
        name: file for name, file in imported.items() if BROUGHT_BY.get(name, name.replace("_", "-")) not in declared
    }
    assert lacking == {}
    assert set(BROUGHT_BY) <= set(imported)
