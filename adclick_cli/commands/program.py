"""The Typer app: each command's module is imported when the command is asked for."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

import typer
import typer.core
import typer.main

from adclick_cli import __version__, faults, streams
from adclick_cli.commands import examples, overview, table

_LOOK: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": "rich", "add_completion": False}


class _Commands(typer.core.TyperGroup):
    """The commands of the table; none is imported before it is looked up."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """Their names in the order of the table."""
        return [one.name for one in table.COMMANDS]

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """The command, or None where there is none of this name."""
        if cmd_name not in self.commands:
            entry = next((one for one in table.COMMANDS if one.name == cmd_name), None)
            if entry is None:
                return None
            self.commands[cmd_name] = _load(entry)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is asked for; a name like none of the table's is refused with the one that is meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            names = [one.name for one in table.COMMANDS if not one.hidden]
            meant = difflib.get_close_matches(args[0].lower(), names, 1)
            hint = f"Did you mean {meant[0]!r}?" if meant else "`adclick --help` lists them."
            ctx.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run it. Typer would end any broken pipe, also one of a socket, with exit code 1 and no word."""
        with faults.typed():
            return super().invoke(ctx)

    def format_help(self, _ctx: Any, formatter: Any) -> None:
        """The overview, which needs no command's module."""
        formatter.write(streams.fitting(overview.text()))


app = typer.Typer(
    name=table.PROGRAM,
    cls=_Commands,
    help=table.HELP,
    context_settings={"help_option_names": [*table.HELP_FLAGS]},
    **(_LOOK | {"add_completion": True}),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{table.PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help=table.OPTIONS[0][1]),
) -> None:
    pass


def _load(entry: table.Entry) -> Any:
    module, name = entry.place.split(":")
    found = getattr(import_module(f"{__package__}.{module}"), name)
    if isinstance(found, typer.Typer):
        for info in found.registered_commands:
            info.epilog = examples.epilog(info.name)
        made = typer.main.get_command(found)
        made.name = entry.name
        made.epilog = examples.epilog(entry.name)
        return made
    own = typer.Typer(**_LOOK)
    own.command(entry.name, hidden=entry.hidden, epilog=examples.epilog(entry.name))(found)
    return typer.main.get_command(own)
