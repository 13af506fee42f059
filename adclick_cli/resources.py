"""Where the SQL templates, the Compose file and the Java sources are, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from adclick_cli.errors import AdclickError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name` (`sql_templates`, `compose` or `functions`) that was shipped with this copy of adclick.

    Raises:
        AdclickError: the installation is incomplete.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise AdclickError(
        f"the folder {name} is missing from this installation of adclick",
        f"It was looked for in {_PACKAGE}.",
        "Install adclick again.",
    )
