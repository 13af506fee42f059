"""What was submitted last, kept under `ADCLICK_HOME`: `verify` and `watch` ask for its parameters."""

from __future__ import annotations

import json
from pathlib import Path

from adclick_cli.errors import AdclickError
from adclick_cli.pipeline import Pipeline
from adclick_cli.settings import Settings


def _path(settings: Settings) -> Path:
    return settings.home / "submission.json"


def save(settings: Settings, pipeline: Pipeline) -> None:
    """Remember `pipeline` as the one that runs."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _path(settings).write_text(pipeline.to_json() + "\n", encoding="utf-8")


def current_pipeline(settings: Settings) -> Pipeline | None:
    """The parameters of the last submission, or None where nothing was submitted yet.

    Raises:
        AdclickError: the file was written by another version of adclick, or edited.
    """
    path = _path(settings)
    try:
        return Pipeline.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, TypeError, KeyError, ValueError) as error:
        raise AdclickError(
            f"the record of the last submission cannot be read: {path}",
            str(error),
            "Run `adclick submit --replace` to write it anew.",
        ) from error
