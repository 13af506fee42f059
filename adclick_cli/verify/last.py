"""The last verdict, kept under `ADCLICK_HOME` for whoever shows it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from adclick_cli.verify.check import Verdict

LIMIT = 20
"""How many differences of each kind are kept."""


def path(home: Path) -> Path:
    """Where the verdict is kept."""
    return home / "last_verify.json"


def save(home: Path, verdict: Verdict, at: datetime) -> None:
    """Keep a verdict; a reader finds the old one or the new one, never half of one.

    Args:
        home: `ADCLICK_HOME`.
        verdict: what the check found.
        at: when it was found, UTC.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = path(home)
    fresh = kept.with_suffix(".new")
    plain = {"at_ms": int(at.timestamp() * 1000), **verdict.to_json(LIMIT)}
    fresh.write_text(json.dumps(plain, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(kept)


def load(home: Path) -> dict[str, Any] | None:
    """The last verdict as `Verdict.to_json` gives it, and `at_ms`; None where there is none that can be read."""
    try:
        plain = json.loads(path(home).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fits = isinstance(plain, dict) and isinstance(plain.get("results"), dict) and isinstance(plain.get("ledger"), dict)
    return plain if fits and isinstance(plain.get("at_ms"), int) else None
