"""Savepoints that `stop --savepoint` took: where Flink put them, and what was being computed.

Flink knows whether operators fit; it does not know what their state means. So each record keeps the parameters and the
ends of the result topics, and `submit --from-savepoint` looks at both before it asks Flink.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from adclick_cli import paths, submission
from adclick_cli.errors import AdclickError
from adclick_cli.settings import Settings, as_flags
from adclick_cli.submission import Submission

LATEST = "latest"
Offsets = dict[str, dict[int, int]]


@dataclass(frozen=True)
class Savepoint:
    """One savepoint of both jobs.

    Attributes:
        name: when it was taken, UTC, for example 20260131T120000Z; it is the record's name, too.
        submission: what the jobs computed.
        stages: the SQL of each stage whose state is in it, without what may change (`sql.fit`).
        paths: where Flink put each job's state, by the job's name.
        ends: by result topic and partition the first offset that the jobs have not written.
    """

    name: str
    submission: Submission
    stages: dict[str, str]
    paths: dict[str, str]
    ends: Offsets

    def flags(self, given: dict[str, Any]) -> dict[str, Any]:
        """The flags that give this savepoint's pipeline, with those of the user in front.

        Args:
            given: the user's flags, by setting.
        """
        own = as_flags(self.submission.pipeline)
        if given.get("threshold") is not None:
            # --threshold decides both factors, unless the user gives one of them as well.
            del own["spike"], own["drop"]
        return own | given

    def to_json(self) -> str:
        """One JSON object; `from_json` reads it back."""
        plain = {**vars(self), "submission": json.loads(self.submission.to_json())}
        return json.dumps(plain, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Savepoint:
        """Read what `to_json` wrote.

        Raises:
            ValueError, TypeError, KeyError: the text is not such an object.
        """
        plain: dict[str, Any] = json.loads(text)
        plain["submission"] = Submission.from_json(json.dumps(plain["submission"]))
        plain["ends"] = {
            topic: {int(number): offset for number, offset in ends.items()} for topic, ends in plain["ends"].items()
        }
        return cls(**plain)


def name_at(seconds: float) -> str:
    """The name of a savepoint taken at a time, seconds since the epoch."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _folder(settings: Settings) -> Path:
    return settings.home / "savepoints" / "records"


def save(settings: Settings, savepoint: Savepoint) -> Path:
    """Keep a record; return its path."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{savepoint.name}.json"
    path.write_text(savepoint.to_json() + "\n", encoding="utf-8")
    return path


def known(settings: Settings) -> list[Savepoint]:
    """All savepoints, newest first.

    Raises:
        AdclickError: a record was written by another version of adclick, or edited.
    """
    return [_read(path) for path in sorted(_folder(settings).glob("*.json"), reverse=True)]


def waiting(settings: Settings) -> str | None:
    """The name of the newest savepoint, if nothing was submitted since it was taken; else None.

    To compute all anew would then throw away what it keeps.
    """
    newest = max(_folder(settings).glob("*.json"), key=lambda path: path.name, default=None)
    if newest is None or newest.stat().st_mtime_ns < submission.saved_ns(settings):
        return None
    return newest.stem


def find(settings: Settings, wanted: str) -> Savepoint:
    """The savepoint that the user means.

    Args:
        settings: for the home.
        wanted: `latest`, a savepoint's name, the path of its record, or the path of one of its two parts.

    Raises:
        AdclickError: there is none like that, or its record cannot be read.
    """
    path = paths.of_home(wanted)
    if path and path.suffix == ".json" and path.is_file():
        return _read(path)
    found = known(settings)
    for savepoint in found:
        parts = {part.removeprefix("file:").rstrip("/") for part in savepoint.paths.values()}
        if wanted in (LATEST, savepoint.name) or wanted.removeprefix("file:").rstrip("/") in parts:
            return savepoint
    names = ", ".join(savepoint.name for savepoint in found)
    raise AdclickError(
        "there is no savepoint yet" if wanted == LATEST else f"there is no savepoint {wanted}",
        f"There are {names}." if names else "",
        "`adclick stop --savepoint` takes one; `adclick savepoints` lists them.",
    )


def _read(path: Path) -> Savepoint:
    try:
        return Savepoint.from_json(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, TypeError, KeyError, ValueError) as error:
        raise AdclickError(
            f"the record of a savepoint cannot be read: {path}",
            str(error),
            "Delete it, or restore it; `adclick submit --replace` computes all anew.",
        ) from error
