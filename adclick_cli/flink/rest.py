"""Flink's REST interface, as far as adclick needs it (paths as in Flink's "REST API" documentation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from adclick_cli.errors import FlinkError

TIMEOUT_S = 10.0
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})


@dataclass(frozen=True)
class Job:
    """One job as the JobManager sees it.

    Attributes:
        id: 32 hexadecimal digits.
        name: `pipeline.name` of its session.
        state: Flink's job status, for example RUNNING, RESTARTING, FINISHED.
    """

    id: str
    name: str
    state: str

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ENDED


class FlinkRest:
    """A client of one JobManager.

    Args:
        url: for example `http://127.0.0.1:8081`.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        # A proxy of the environment must not stand between this machine and its own JobManager.
        self._session.trust_env = False

    def overview(self) -> dict[str, Any]:
        """`/overview`: TaskManagers, slots, jobs by state."""
        return self._call("GET", "/overview")

    def jobs(self) -> list[Job]:
        """All jobs that the JobManager remembers, newest first."""
        found = self._call("GET", "/jobs/overview")["jobs"]
        found.sort(key=lambda job: -int(job["start-time"]))
        return [Job(job["jid"], job["name"], job["state"]) for job in found]

    def job(self, job_id: str) -> dict[str, Any]:
        """`/jobs/:id`: the job with its vertices."""
        return self._call("GET", f"/jobs/{job_id}")

    def failure(self, job_id: str) -> str:
        """The newest failure's stack trace, or an empty text."""
        history = self._call("GET", f"/jobs/{job_id}/exceptions").get("exceptionHistory", {})
        entries = history.get("entries", [])
        return str(entries[0].get("stacktrace", "")) if entries else ""

    def cancel(self, job_id: str) -> None:
        """Ask for the job's cancellation; it has not ended yet when this returns."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def _call(self, method: str, path: str) -> dict[str, Any]:
        try:
            answer = self._session.request(method, self.url + path, timeout=TIMEOUT_S)
        except requests.RequestException as error:
            raise FlinkError(
                f"Flink's REST interface does not answer at {self.url}",
                type(error).__name__,
                "Start the cluster with `adclick up`, or look at it with `adclick status`.",
            ) from error
        if not answer.ok:
            raise FlinkError(f"Flink refused {method} {path} with status {answer.status_code}", answer.text.strip())
        return dict(answer.json()) if answer.content else {}
