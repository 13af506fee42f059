"""Ctrl-C between two steps and never within one, so that what was done is also counted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Holds Ctrl-C back while a step is done; a second one is not held. Entered again for each step.

    It has a say only in the main thread, and over those of `SIGNALS` that raise KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self._within = False
        self._asked = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """As long as this lasts, signals wait for the end of a step."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            raising = [one for one in SIGNALS if signal.getsignal(one) is signal.default_int_handler]
            before = {one: signal.signal(one, self._take) for one in raising}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def __enter__(self) -> None:
        self._within = True

    def __exit__(self, *_: object) -> None:
        self._within = False
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._asked or not self._within:
            self._asked = False
            raise KeyboardInterrupt
        self._asked = True
