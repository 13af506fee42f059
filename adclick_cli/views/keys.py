"""The keyboard of a terminal, read key by key; the terminal gets back what it had, however the block ends."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b[5~": "pageup",
    b"\x1b[6~": "pagedown",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
}
_SIGNS = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x1b": "esc"}


def decode(data: bytes) -> list[str]:
    """The keys in what a terminal sent: signs as they are, others by name; other sequences are left out."""
    found: list[str] = []
    while data:
        if data[:1] == b"\x1b" and data[1:2] in (b"[", b"O") and len(data) > 2:
            end = next((place for place in range(2, len(data)) if 0x40 <= data[place] <= 0x7E), len(data) - 1)
            name = _NAMES.get(data[: end + 1])
            found += [name] if name else []
            data = data[end + 1 :]
            continue
        size = 1 if data[0] < 0xC0 else 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
        sign = data[:size].decode("utf-8", errors="ignore")
        found += [_SIGNS.get(sign, sign)] if sign else []
        data = data[size:]
    return found


class Keyboard:
    """Keys of a terminal, or of none: then only time passes."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @property
    def there(self) -> bool:
        """Whether keys can come."""
        return self._descriptor is not None

    def wait(self, seconds: float) -> list[str]:
        """The keys that were pressed, at the latest after so many seconds."""
        watched = [] if self._descriptor is None else [self._descriptor]
        if self._descriptor is None or not select.select(watched, [], [], seconds)[0]:
            if not watched:
                select.select([], [], [], seconds)
            return []
        data = os.read(self._descriptor, 1024)
        if not data:
            self._descriptor = None
        return decode(data)


@contextmanager
def keyboard(*, wanted: bool) -> Iterator[Keyboard]:
    """The keyboard while the block runs, without echo and line by line no more; Ctrl-C stays what it is."""
    if not wanted or not sys.stdin.isatty():
        yield Keyboard(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield Keyboard(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSANOW, before)
