"""Two ways for an alert to reach people: a command of theirs, and a web address.

An attempt ends in one of three: delivered, refused (it certainly did not happen, and may be tried again), or unsure (it
may have happened; trying again could tell people twice).
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from adclick_cli.errors import ParameterError

TIMEOUT_S = 30.0
_PREFIX = "ADCLICK_ALERT_"


class Outcome(Enum):
    """How an attempt ended."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Attempt:
    """One attempt's end, and what was said about it."""

    outcome: Outcome
    why: str = ""


class Way(Protocol):
    """One way."""

    @property
    def name(self) -> str:
        """`exec` or `webhook`."""

    def deliver(self, alert: Mapping[str, Any]) -> Attempt:
        """Try once."""


class Command:
    """Runs a command for each alert, without a shell: JSON on stdin, each field as `ADCLICK_ALERT_…`.

    Args:
        text: the command and its arguments, quoted as for a shell.

    Raises:
        ParameterError: it cannot be read, or there is no such program.
    """

    name = "exec"

    def __init__(self, text: str, timeout_s: float = TIMEOUT_S) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise ParameterError("exec", text, f"{error}.", "Quote it as for a shell.") from None
        if not self._words or shutil.which(self._words[0]) is None:
            raise ParameterError("exec", text, "There is no such program.", "Give a program and its arguments.")
        self._timeout_s = timeout_s

    def deliver(self, alert: Mapping[str, Any]) -> Attempt:
        """Run it; exit code 0 is delivered, another one refused, and one that had to be killed is unsure."""
        try:
            done = subprocess.run(
                self._words,
                input=json.dumps(alert).encode(),
                env=os.environ | environment(alert),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Attempt(Outcome.UNSURE, f"it ran for more than {self._timeout_s:g} s and was ended")
        except OSError as error:
            return Attempt(Outcome.REFUSED, str(error))
        if done.returncode == 0:
            return Attempt(Outcome.DELIVERED)
        tail = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return Attempt(Outcome.REFUSED, ": ".join([f"exit code {done.returncode}", *tail]))


class Webhook:
    """Posts each alert as JSON, with a digest of its id as `Idempotency-Key`.

    Args:
        url: an http or https address.

    Raises:
        ParameterError: it is no such address.
    """

    name = "webhook"

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        if not url.startswith(("http://", "https://")):
            raise ParameterError("webhook", "…", "It is no web address.", "Give one that begins with https://.")
        self._url = url
        self._timeout_s = timeout_s

    def deliver(self, alert: Mapping[str, Any]) -> Attempt:
        """Post it; 2xx is delivered, another answer or none reached refused, an answer that does not come unsure."""
        import requests

        try:
            answer = requests.post(
                self._url,
                json=dict(alert),
                headers={"Idempotency-Key": idempotency_key(alert), "User-Agent": "adclick"},
                timeout=self._timeout_s,
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            # Only what failed before a connection stood has certainly not been read.
            before = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
            return Attempt(Outcome.REFUSED if before else Outcome.UNSURE, type(error).__name__)
        except requests.RequestException as error:
            return Attempt(Outcome.UNSURE, type(error).__name__)
        if answer.ok and not answer.is_redirect:
            return Attempt(Outcome.DELIVERED)
        return Attempt(Outcome.REFUSED, f"status {answer.status_code}")


def idempotency_key(alert: Mapping[str, Any]) -> str:
    """The same for the same alert, whatever is in its campaign's name: SHA-256 of its id, in hex."""
    return hashlib.sha256(str(alert["id"]).encode("utf-8", "surrogatepass")).hexdigest()


def environment(alert: Mapping[str, Any]) -> dict[str, str]:
    """Each field as an environment variable: `alert_type` is `ADCLICK_ALERT_TYPE`; null is empty."""
    return {
        # No variable can hold a NUL, and a campaign may be named with one.
        _PREFIX + name.removeprefix("alert_").upper(): "" if value is None else str(value).replace("\0", "")
        for name, value in alert.items()
    }
