"""What keeps a catalog from being proposed."""

from __future__ import annotations

from adclick_cli.errors import AdclickError


class InferenceError(AdclickError):
    """The samples do not tell what a catalog needs."""
