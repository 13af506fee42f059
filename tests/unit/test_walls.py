"""Every package stands under the import rules, also one that is added tomorrow: no rule lists what it forbids."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
CHILDREN = {
    path.stem
    for path in (ROOT / "adclick_cli").iterdir()
    if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
} - {"__init__"}
KEPT_OUT = {"typer", "click", "rich", "kafka", "confluent_kafka", "starlette", "uvicorn"}


@pytest.fixture(scope="module")
def contracts() -> list[dict[str, Any]]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    assert isinstance(found, list)
    return found


def test_each_library_that_one_package_owns_is_forbidden_to_all_others_by_wildcard(
    contracts: list[dict[str, Any]],
) -> None:
    forbidding = [one for one in contracts if KEPT_OUT & set(one.get("forbidden_modules", ()))]
    assert {name for one in forbidding for name in one["forbidden_modules"]} == KEPT_OUT
    for one in forbidding:
        assert one["source_modules"] == ["adclick_cli.*"], one["name"]
        # One package is let through, and no other is.
        assert len({edge.partition(".**")[0] for edge in one["ignore_imports"]}) == 1, one["name"]


def test_each_package_and_module_has_its_layer(contracts: list[dict[str, Any]]) -> None:
    layered = next(one for one in contracts if one["type"] == "layers")
    assert layered["containers"] == ["adclick_cli"]
    assert layered["exhaustive"] is True
    assert "exhaustive_ignores" not in layered
    assert {name.strip() for layer in layered["layers"] for name in layer.split(":")} == CHILDREN
