"""The config files and the environment: unknown names, values that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adclick_cli import settings
from adclick_cli.doctor.finding import Finding
from adclick_cli.errors import ParameterError
from adclick_cli.settings import Settings


def examine(loaded: Settings) -> list[Finding]:
    """What is wrong with the settings, each with its place."""
    found = [
        Finding(
            "setting",
            "warning",
            f"{name} is set in the environment, and there is no such setting.",
            f"Unset it, or write ADCLICK_{meant.upper()}." if meant else "Unset it; `adclick config show` lists all.",
        )
        for name, meant in settings.unknown_variables()
    ]
    for use in (loaded.pipeline, lambda: loaded.servers, loaded.require_own_ports):
        problem = _problem(use)
        if problem and problem not in found:
            found.append(problem)
    return found or [Finding("settings", "ok", f"{_files()} Every setting can be used.")]


def _problem(use: Callable[[], Any]) -> Finding | None:
    try:
        use()
    except ParameterError as error:
        return refused(error)
    return None


def refused(error: ParameterError) -> Finding:
    """A setting that stops every command."""
    place = settings.place(error.field.replace("-", "_"))
    at = f" ({place})" if place != "default" and place not in error.why else ""
    return Finding("setting", "wrong", f"{error.what}{at}. {error.why}", error.mend)


def _files() -> str:
    files = settings.files()
    return f"Read: {', '.join(files)}." if files else "There is no config file."
