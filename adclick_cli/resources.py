"""Where the SQL templates and the Compose file are, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name` (`sql_templates` or `compose`) that was shipped with this copy of adclick.

    Raises:
        FileNotFoundError: the installation is incomplete (a bug of the package, not of its user).
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the {name} folder is missing from this installation of adclick")
