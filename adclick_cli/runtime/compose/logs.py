"""The containers' logs: as lines, their last lines, and kept as files when the containers go."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping

from adclick_cli.runtime.compose import project
from adclick_cli.runtime.process import inherited
from adclick_cli.runtime.service import NAMES
from adclick_cli.settings import Settings

_PREFIX = re.compile(r"^([a-z-]+)-\d+\s*\| ?")


def lines(settings: Settings, env: Mapping[str, str], service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
    """Lines as they come; ends with the containers, or when the caller stops asking."""
    which = [service] if service else list(NAMES)
    options = ["--no-color", "--tail", str(tail)]
    if service:
        options.append("--no-log-prefix")
    if follow:
        options.append("--follow")
    process = subprocess.Popen(
        project.command(settings, "logs", *options, *which),
        env=inherited(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            yield _PREFIX.sub(lambda found: f"{found.group(1):<12}| ", line.rstrip("\n"), count=1)
    finally:
        process.terminate()
        process.wait()


def tail(settings: Settings, env: Mapping[str, str], service: str, count: int) -> str:
    """The last lines of one service's log."""
    return "\n".join(lines(settings, env, service, follow=False, tail=count))


def keep(settings: Settings, env: Mapping[str, str], services: Iterable[str]) -> None:
    """Write each service's whole log into the home's folder of logs, where the local runtime has them, too."""
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for service in services:
        with (folder / f"{service}.log").open("w", encoding="utf-8") as file:
            subprocess.run(
                project.command(settings, "logs", "--no-color", "--no-log-prefix", service),
                env=inherited(env),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
