"""What a path means that a user writes, in a setting or a flag; and the folders of this user."""

from __future__ import annotations

import os
from pathlib import Path

NO_HOME = "This user has no home folder: HOME is not set, and the user id has no entry in the passwd file."


def given(text: str) -> Path:
    """The path that a user means: `~` is the home, wherever the shell has left it.

    Raises:
        ValueError: no path can be written so; the message says why and what to do.
    """
    if not text.strip():
        raise ValueError("It is empty. Write . for the current folder.")
    if "\0" in text:
        raise ValueError("No path holds a zero byte.")
    path = of_home(text)
    if path is None:
        why = NO_HOME if text.split("/", 1)[0] == "~" else "There is no such user."
        raise ValueError(f"{why} Write the whole path (./~ is a file named ~).")
    return path


def of_home(text: str) -> Path | None:
    """The path, with the home in the place of `~`; None where there is no such home (or HOME is no whole path)."""
    # `Path.expanduser` and `Path.home` raise a RuntimeError in that case.
    whole = os.path.expanduser(text)  # noqa: PTH111
    unknown = text.startswith("~") and not Path(whole).is_absolute()
    return None if unknown else Path(whole)
