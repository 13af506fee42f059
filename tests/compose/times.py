"""How long the steps on a real engine took; shown at the end of a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

TAKEN: dict[str, float] = {}
"""Seconds by step, in order."""


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Note how long the block takes."""
    begun = time.monotonic()
    try:
        yield
    finally:
        TAKEN[step] = time.monotonic() - begun
