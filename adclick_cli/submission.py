"""What was submitted last, kept under `ADCLICK_HOME`: `verify` and `watch` ask for its parameters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from adclick_cli import private
from adclick_cli.errors import AdclickError
from adclick_cli.pipeline import EarlierRule, Pipeline
from adclick_cli.settings import Settings


@dataclass(frozen=True)
class Submission:
    """One submission.

    Attributes:
        pipeline: its parameters.
        earlier: alert rules that were in force before its own, oldest first; empty unless it went on from a savepoint.
        fingerprint: what its jobs are marked with in Flink (`Pipeline.fingerprint` at that time); empty in records of
            versions that marked none.
    """

    pipeline: Pipeline
    earlier: tuple[EarlierRule, ...] = ()
    fingerprint: str = ""

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        plain = {
            "pipeline": json.loads(self.pipeline.to_json()),
            "earlier_rules": [rule.to_plain() for rule in self.earlier],
            "fingerprint": self.fingerprint,
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
        return cls(Pipeline.from_json(json.dumps(plain["pipeline"])), rules, str(plain.get("fingerprint", "")))


def _path(settings: Settings) -> Path:
    return settings.home / "submission.json"


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def save(settings: Settings, submitted: Submission) -> Callable[[], None]:
    """Remember `submitted` as the one that runs or is about to; the record is replaced as a whole.

    It is written before the first job can start. At that time no earlier job runs, and the results that it left are
    gone (or judged the same, where the submission goes on from a savepoint). So the record holds whenever adclick ends.

    Returns:
        A function that restores the record as it was before, unless a later submission has replaced it.
    """
    path = _path(settings)
    before, then, written = _text(path), saved_ns(settings), submitted.to_json() + "\n"
    private.write(path, written)

    def restore() -> None:
        if _text(path) != written:
            return
        if before is None:
            path.unlink(missing_ok=True)
        else:
            private.write(path, before)
            os.utime(path, ns=(then, then))

    return restore


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
