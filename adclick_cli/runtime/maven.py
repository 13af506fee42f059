"""Where jars come from: the setting, the user's Maven settings, or Maven Central.

Mirrors and credentials follow Maven's "Settings Reference" (`mirrorOf` patterns) and "Using Mirrors for Repositories".
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from adclick_cli import faults, paths
from adclick_cli.errors import DownloadError

CENTRAL = "central"
_VARIABLE = re.compile(r"\$\{env\.([A-Za-z0-9_]+)\}")


@dataclass(frozen=True)
class Repository:
    """A Maven repository.

    Attributes:
        url: without a slash at its end.
        auth: user and password, where the Maven settings hold them. Never printed.
    """

    url: str
    auth: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Repository({self.url!r})"


def repository(setting: str | None) -> Repository:
    """The repository to use: `ADCLICK_MAVEN_URL` > a mirror in the user's Maven settings > Maven Central.

    Raises:
        DownloadError: a Maven settings file is there but cannot be read.
    """
    if setting:
        return Repository(setting.rstrip("/"))
    for path in settings_files():
        found = mirror(path)
        if found:
            return found
    # Imported late: only a download needs it. apache-flink always brings apache-beam.
    from apache_beam.utils.subprocess_server import JavaJarServer

    return Repository(str(JavaJarServer.MAVEN_CENTRAL_REPOSITORY).rstrip("/"))


def settings_files() -> list[Path]:
    """The Maven settings files that are there, the user's own first."""
    homes = [Path(os.environ[name]) / "conf" for name in ("M2_HOME", "MAVEN_HOME") if os.environ.get(name)]
    own = paths.of_home("~/.m2")
    found = [folder / "settings.xml" for folder in ([own, *homes] if own else homes)]
    with faults.typed():
        return [path for path in found if path.is_file()]


def mirror(path: Path) -> Repository | None:
    """The mirror of Maven Central that a settings file names, if any.

    Raises:
        DownloadError: the file is not XML, or this user may not read it.
    """
    mend = "Correct the file, or set ADCLICK_MAVEN_URL."
    try:
        # As bytes: the file itself says in which encoding it is.
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - the user's own file
    except OSError as error:
        known = faults.of_os_error(error)
        raise DownloadError(f"the Maven settings cannot be read: {path}", known.why, f"{known.mend} {mend}") from error
    except (ET.ParseError, ValueError, LookupError) as error:
        raise DownloadError(f"the Maven settings cannot be read: {path}", f"{error}.", mend) from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    for entry in root.iterfind("mirrors/mirror"):
        if _covers_central(_text(entry, "mirrorOf")):
            return Repository(_text(entry, "url").rstrip("/"), _credentials(root, _text(entry, "id")))
    return None


def _credentials(root: ET.Element, server_id: str) -> tuple[str, str] | None:
    for server in root.iterfind("servers/server"):
        if _text(server, "id") == server_id and _text(server, "username"):
            return _text(server, "username"), _text(server, "password")
    return None


def _text(element: ET.Element, name: str) -> str:
    text = (element.findtext(name) or "").strip()
    return _VARIABLE.sub(lambda match: os.environ.get(match.group(1), ""), text)


def _covers_central(pattern: str) -> bool:
    entries = [entry.strip() for entry in pattern.split(",")]
    if f"!{CENTRAL}" in entries:
        return False
    return any(entry in {"*", "external:*", CENTRAL} for entry in entries)
