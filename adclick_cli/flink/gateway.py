"""Running a script through a SQL Gateway (paths as in Flink's "SQL Gateway: REST endpoint" documentation, v3)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import requests

from adclick_cli.errors import FlinkError
from adclick_cli.flink.refusal import refused
from adclick_cli.settings import shown
from adclick_cli.sql.script import Statement, statements

TIMEOUT_S = 60.0
"""For one answer. A statement that takes longer is asked for again and again."""
POLL_S = 0.02
LONGEST_POLL_S = 0.5
_CAUSE = "Caused by: "


def run(url: str, script: str, look: Callable[[], None], *, side_by_side: bool = False) -> None:
    """Run a script, statement after statement; or each of its jobs in a session of its own, all at the same time.

    Planning is most of a submission, and a session plans one job at a time.

    Args:
        url: the gateway's, without a slash at its end.
        script: the SQL, as it was rendered.
        look: called again and again while a job is waited for; what it raises ends the waiting.
        side_by_side: only where no job needs another one to have ended.

    Raises:
        FlinkError: a statement failed (Flink's reason, the line of SQL), or the gateway does not answer. Other jobs of
            the script may run.
    """
    parts = statements(script)
    jobs = [part for part in parts if part.starts_job]
    if not side_by_side or len(jobs) < 2:
        _run_in_session(url, script, parts, look)
        return
    with ThreadPoolExecutor(len(jobs)) as sessions:
        runs = [
            sessions.submit(
                _run_in_session, url, script, [part for part in parts if not part.starts_job or part is job], look
            )
            for job in jobs
        ]
    for done in runs:
        done.result()


def _run_in_session(url: str, script: str, parts: Sequence[Statement], look: Callable[[], None]) -> None:
    with _session(url) as (http, session):
        for statement in parts:
            body = {"statement": statement.on_one_line}
            if statement.starts_job:
                answer = _ask(http, "POST", f"{session}/statements", body)
                if answer.ok:
                    operation = f"{session}/operations/{answer.json()['operationHandle']}"
                    answer = _finish(http, f"{operation}/result/0?rowFormat=JSON", look)
            else:
                # Answered when it is done: one request instead of three.
                answer = _ask(http, "POST", f"{session}/configure-session", body)
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


def _finish(http: requests.Session, result: str, look: Callable[[], None]) -> requests.Response:
    """Wait until a statement's result is there, or its failure. A bounded job may take as long as it likes."""
    pause = POLL_S
    while True:
        answer = _ask(http, "GET", result)
        if not answer.ok or answer.json()["resultType"] != "NOT_READY":
            return answer
        look()
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
