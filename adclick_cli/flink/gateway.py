"""Running a script through a SQL Gateway (paths as in Flink's "SQL Gateway: REST endpoint" documentation, v3)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from adclick_cli.errors import FlinkError
from adclick_cli.flink.refusal import refused
from adclick_cli.settings import shown
from adclick_cli.sql.script import statements

TIMEOUT_S = 60.0
"""For one answer. A statement that takes longer is asked for again and again."""
POLL_S = 0.02
LONGEST_POLL_S = 0.5
_CAUSE = "Caused by: "


def run(url: str, script: str) -> None:
    """Run a script in a session of its own, statement after statement.

    Args:
        url: the gateway's, without a slash at its end.
        script: the SQL, as it was rendered.

    Raises:
        FlinkError: a statement failed (Flink's reason, the line of SQL), or the gateway does not answer.
    """
    with _session(url) as (http, session):
        for statement in statements(script):
            body = {"statement": statement.on_one_line}
            answer = _ask(http, "POST", f"{session}/statements", body)
            if answer.ok:
                operation = f"{session}/operations/{answer.json()['operationHandle']}"
                answer = _finish(http, f"{operation}/result/0?rowFormat=JSON")
                _ask(http, "DELETE", f"{operation}/close")
            if not answer.ok:
                raise refused(script, statement, reason(answer.text))


def reason(answer: str) -> str:
    """The last cause in the gateway's answer, which holds a whole stack trace: its class and its message."""
    try:
        trace = str(json.loads(answer)["errors"][-1])
    except (ValueError, KeyError, IndexError, TypeError):
        return answer.strip()
    lines = trace.splitlines()
    causes = [number for number, line in enumerate(lines) if line.startswith(_CAUSE)]
    found = []
    for line in lines[causes[-1] if causes else 0 :]:
        if line.startswith(("\tat ", "\t... ", "End of exception")):
            break
        found.append(line)
    return "\n".join(found).removeprefix(_CAUSE).removeprefix("<Exception on server side:\n").strip()


@contextmanager
def _session(url: str) -> Iterator[tuple[requests.Session, str]]:
    """A session, which ends with all its temporary tables whatever happens inside."""
    with requests.Session() as http:
        # A proxy of the environment must not stand between this machine and its own gateway.
        http.trust_env = False
        made = _ask(http, "POST", f"{url}/v3/sessions", {"properties": {}})
        if not made.ok:
            raise FlinkError("the SQL gateway opens no session", reason(made.text), "Look at `adclick logs gateway`.")
        session = f"{url}/v3/sessions/{made.json()['sessionHandle']}"
        try:
            yield http, session
        finally:
            _ask(http, "DELETE", session)


def _finish(http: requests.Session, result: str) -> requests.Response:
    """Wait until a statement's result is there, or its failure. A bounded job may take as long as it likes."""
    pause = POLL_S
    while True:
        answer = _ask(http, "GET", result)
        if not answer.ok or answer.json()["resultType"] != "NOT_READY":
            return answer
        time.sleep(pause)
        pause = min(pause * 1.2, LONGEST_POLL_S)


def _ask(http: requests.Session, method: str, url: str, body: dict[str, Any] | None = None) -> requests.Response:
    try:
        return http.request(method, url, json=body, timeout=TIMEOUT_S)
    except requests.RequestException as error:
        raise FlinkError(
            f"the SQL gateway does not answer at {shown(url.split('/v3/')[0])}",
            type(error).__name__,
            "Look at `adclick logs gateway`, or submit without --via gateway.",
        ) from error
