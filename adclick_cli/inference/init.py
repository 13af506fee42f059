"""`adclick init`: the text of `adclick.toml`, written and checked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from adclick_cli import private
from adclick_cli.catalog.load import load_text
from adclick_cli.catalog.model import Catalog
from adclick_cli.errors import ParameterError
from adclick_cli.inference import logs, propose, toml, topics
from adclick_cli.inference.errors import InferenceError
from adclick_cli.settings import PROJECT_FILE, Settings


@dataclass(frozen=True)
class Request:
    """What to propose a catalog from; nothing at all is the built-in one.

    Attributes:
        impressions, clicks: topics.
        log: a file.
    """

    impressions: str | None = None
    clicks: str | None = None
    log: Path | None = None


def require_room(path: Path = PROJECT_FILE) -> None:
    """See that there is no file yet, before anything is looked at.

    Raises:
        InferenceError: there is one.
    """
    if path.exists() or path.is_symlink():
        raise _there(path)


def text(settings: Settings, request: Request, report: Callable[[str], None]) -> str:
    """What is to stand in the file.

    Raises:
        ParameterError: two flags contradict each other, or a topic has no such name.
        BrokerError: the broker does not answer.
        InputFileError: the log cannot be read.
        InferenceError: what was looked at does not tell what a catalog needs.
    """
    now_ms = time.time_ns() // 1_000_000
    named = request.impressions or request.clicks
    if request.log is not None:
        if named:
            raise ParameterError("from-file", str(request.log), "A topic is named, too.", "Name a log or topics.")
        return toml.of_proposal(propose.of_log(logs.of_file(request.log), now_ms))
    if not named and settings.bootstrap_servers is None:
        return toml.of_default()
    found = topics.of_broker(settings, request.impressions, request.clicks, now_ms, report)
    own = f"{settings.listen}:{settings.kafka_port}"
    servers = settings.bootstrap_servers
    return toml.of_proposal(found if servers == own else replace(found, servers=servers))


def write(found: str, *, force: bool, path: Path = PROJECT_FILE) -> None:
    """Write the file.

    Raises:
        InferenceError: there is one already.
        ParameterError: it cannot be written.
    """
    try:
        with private.users_own_file(), path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(found)
    except FileExistsError:
        raise _there(path) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise ParameterError("config file", str(path), f"{why}.", "Use a folder that you may write.") from error


def check(found: str, path: Path = PROJECT_FILE) -> Catalog:
    """What the text declares.

    Raises:
        CatalogError: something in it cannot work.
    """
    return load_text(found, str(path))


def _there(path: Path) -> InferenceError:
    return InferenceError(
        f"there is a file {path} already",
        "It may hold settings and declarations of yours.",
        "Use --stdout to see what would be written, or --force to replace the file.",
    )
