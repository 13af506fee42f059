"""The help of `adclick` itself, from the table of commands."""

from __future__ import annotations

from adclick_cli.commands import table
from adclick_cli.views import overview


def text() -> str:
    """What `adclick --help` prints here and now."""
    panels = [
        (panel, [(one.name, one.summary) for one in table.COMMANDS if one.panel == panel and not one.hidden])
        for panel in table.PANELS
    ]
    options = ("Options", table.OPTIONS)
    return overview.text(table.PROGRAM, table.HELP, [options, *panels], overview.width(), colours=overview.coloured())
