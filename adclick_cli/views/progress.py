"""Progress of downloads: a bar on a terminal, a line at each tenth elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from adclick_cli.views import console

MIB = 1_048_576


@contextmanager
def downloads() -> Iterator[Callable[[int, int], None]]:
    """A callback for bytes done and bytes in all; nothing is shown if it is never called."""
    screen = console.err()
    if not screen.is_terminal:
        yield _lines()
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("Fetching jars"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("jars", total=None, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)


def _lines() -> Callable[[int, int], None]:
    shown = -1

    def tell(done: int, total: int) -> None:
        nonlocal shown
        tenth = done * 10 // total if total else 10
        if tenth > shown:
            shown = tenth
            console.say(f"Fetching jars: {done / MIB:.1f} of {total / MIB:.1f} MiB")

    return tell
