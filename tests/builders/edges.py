"""Streams that a process may find at its edges, inside the test's own process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from adclick_cli import streams


@contextmanager
def full() -> Iterator[TextIO]:
    """A stdout on a disk without room."""
    number = os.open("/dev/full", os.O_WRONLY)
    with _stream(number) as made:
        yield made


@contextmanager
def closed() -> Iterator[TextIO]:
    """A stdout that was closed before the program began."""
    number = os.open(os.devnull, os.O_RDONLY)
    with _stream(number) as made:
        yield made


@contextmanager
def without_a_reader() -> Iterator[TextIO]:
    """A stdout whose reader has ended."""
    reading, number = os.pipe()
    os.close(reading)
    with _stream(number) as made:
        yield made


@contextmanager
def _stream(number: int) -> Iterator[TextIO]:
    made = streams.stdout(number, "utf-8")
    try:
        yield made
    finally:
        buffer: Any = made.buffer
        buffer.raw.silent = True
        made.detach()
        os.close(number)
