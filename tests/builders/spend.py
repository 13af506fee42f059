"""The example of money: `examples/spend`."""

from __future__ import annotations

from pathlib import Path

from adclick_cli.catalog.load import load

EXAMPLE = Path(__file__).parents[2] / "examples" / "spend" / "adclick.toml"
SPEND = load(EXAMPLE)
