"""What was submitted last, kept under `ADCLICK_HOME`: `verify` and `watch` ask for its parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from adclick_cli.errors import AdclickError
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.settings import Settings


@dataclass(frozen=True)
class Submission:
    """One submission.

    Attributes:
        pipeline: its parameters.
        earlier: alert rules that were in force before its own, oldest first; empty unless it went on from a savepoint.
    """

    pipeline: Pipeline
    earlier: tuple[EarlierRule, ...] = ()

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        plain = {
            "pipeline": json.loads(self.pipeline.to_json()),
            "earlier_rules": [rule.to_plain() for rule in self.earlier],
        }
        return json.dumps(plain, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Submission:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: the text is not such an object.
        """
        plain = json.loads(text)
        rules = tuple(EarlierRule.from_plain(rule) for rule in plain["earlier_rules"])
        return cls(Pipeline.from_json(json.dumps(plain["pipeline"])), rules)


def _path(settings: Settings) -> Path:
    return settings.home / "submission.json"


def save(settings: Settings, submitted: Submission) -> None:
    """Remember `submitted` as the one that runs."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    _path(settings).write_text(submitted.to_json() + "\n", encoding="utf-8")


def made(settings: Settings) -> bool:
    """Whether anything was ever submitted in this home."""
    return _path(settings).exists()


def saved_ns(settings: Settings) -> int:
    """When the last submission was written down, ns since the epoch; 0 where nothing was ever submitted."""
    try:
        return _path(settings).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def current(settings: Settings) -> Submission | None:
    """The last submission, or None where nothing was submitted yet.

    Raises:
        AdclickError: the file was written by another version of adclick, or edited.
    """
    path = _path(settings)
    try:
        return Submission.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, TypeError, KeyError, ValueError) as error:
        raise AdclickError(
            f"the record of the last submission cannot be read: {path}",
            str(error),
            "Run `adclick submit --replace` to write it anew.",
        ) from error


def current_pipeline(settings: Settings) -> Pipeline | None:
    """The parameters of the last submission, or None where nothing was submitted yet.

    Raises:
        AdclickError: the file was written by another version of adclick, or edited.
    """
    found = current(settings)
    return found.pipeline if found else None
