"""Log files as lines: the last ones there are, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLLOW_POLL_S = 0.2


def lines(paths: Mapping[str, Path], *, follow: bool, tail: int) -> Iterator[str]:
    """Lines of some services' logs, each with its service's name in front where there are several.

    Args:
        paths: by service; a file need not be there yet.
        follow: go on with what comes, without an end.
        tail: how many lines of each there are to begin with, at most.
    """
    prefixes = {name: "" if len(paths) == 1 else f"{name:<12}| " for name in paths}
    positions: dict[str, int] = {}
    for name, path in paths.items():
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        positions[name] = path.stat().st_size if path.exists() else 0
        yield from (prefixes[name] + line for line in text.splitlines()[-tail:])
    while follow:
        quiet = True
        for name, path in paths.items():
            found, positions[name] = _new(path, positions[name])
            quiet = quiet and not found
            yield from (prefixes[name] + line for line in found)
        if quiet:
            time.sleep(FOLLOW_POLL_S)


def _new(path: Path, position: int) -> tuple[list[str], int]:
    if not path.exists():
        return [], 0
    size = path.stat().st_size
    if size < position:
        position = 0
    with path.open("rb") as file:
        file.seek(position)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", errors="replace").splitlines(), position + len(whole)
