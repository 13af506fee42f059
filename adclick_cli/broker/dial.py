"""A connection to `host:port` within a time that is given: Python's own name look-up has no end that one could set."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

Address = tuple[str, int]
"""Host and port."""


class UnknownNameError(OSError):
    """A host's name cannot be resolved."""


def dial(host: str, port: int, patience_s: float) -> socket.socket:
    """Connect to the first of a host's addresses that answers.

    Args:
        host: a name or an address.
        port: its port.
        patience_s: how long it may take, the look-up of the name included.

    Raises:
        UnknownNameError: the name is not known, or not within that time.
        OSError: nobody answers.
    """
    until = time.monotonic() + patience_s
    found = _resolve(host, port, patience_s)
    silent: OSError = TimeoutError("timed out")
    for number, (family, kind, protocol, _, place) in enumerate(found):
        link = socket.socket(family, kind, protocol)
        link.settimeout(max(0.01, (until - time.monotonic()) / (len(found) - number)))
        try:
            link.connect(place)
        except OSError as error:
            link.close()
            silent = error
        else:
            return link
    raise silent


def dial_all(addresses: Sequence[Address], patience_s: float) -> Mapping[Address, OSError | None]:
    """Connect to several addresses at the same time and hang up; by address why that failed, or None."""
    ended: queue.Queue[tuple[Address, OSError | None]] = queue.Queue()

    def one(address: Address) -> None:
        try:
            dial(*address, patience_s).close()
        except OSError as error:
            ended.put((address, error))
        else:
            ended.put((address, None))

    wanted = tuple(dict.fromkeys(addresses))
    for address in wanted:
        threading.Thread(target=one, args=(address,), daemon=True).start()
    return dict(ended.get() for _ in wanted)


def _resolve(host: str, port: int, patience_s: float) -> list[Any]:
    answer: queue.Queue[list[Any] | OSError] = queue.Queue()

    def ask() -> None:
        try:
            answer.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answer.put(UnknownNameError(getattr(error, "strerror", None) or str(error)))

    # Not an executor: Python waits for an executor's threads before it ends, however long the name server is silent.
    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answer.get(timeout=patience_s)
    except queue.Empty:
        raise UnknownNameError(f"no answer from the name server within {patience_s:.0f} s") from None
    if isinstance(found, OSError):
        raise found
    return found
