"""What the shipped Grafana dashboard and Prometheus rules ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "docs" / "observability"
METRIC = re.compile(r"\bflink_\w+")


def dashboard() -> dict[str, Any]:
    """The Grafana dashboard."""
    return dict(json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8")))


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    """Every PromQL expression of either."""
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for rule in rules()]


def names_used() -> set[str]:
    """Flink's metrics in them."""
    return {name for expression in expressions() for name in METRIC.findall(expression)}


def names_in(text: str) -> set[str]:
    """The metrics that have at least one value in a scraped text."""
    return {found.group() for line in text.splitlines() if (found := METRIC.match(line))}
