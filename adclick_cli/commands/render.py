from __future__ import annotations


def render() -> None:
    """Print the SQL that submit sends."""
