"""Flink's REST interface, as far as adclick needs it (paths as in Flink's "REST API" documentation)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from adclick_cli import defaults
from adclick_cli.errors import FlinkError
from adclick_cli.settings import shown

TIMEOUT_S = 10.0
NAMES_AT_ONCE = 20
"""Flink's server takes a request's first line up to 4,096 characters."""
LONGEST_KIND = 60
"""Characters of a foreign server's content type that an error shows."""
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})
_NO_ZSTD = "com.github.luben.zstd"
TROUBLED = frozenset({"RESTARTING", "FAILING", "FAILED"})


@dataclass(frozen=True)
class Job:
    """One job as the JobManager sees it.

    Attributes:
        id: 32 hexadecimal digits.
        name: `pipeline.name` of its session.
        state: Flink's job status, for example RUNNING, RESTARTING, FINISHED.
        reason: why it does not run, one line; empty where it does, or has ended as it should.
    """

    id: str
    name: str
    state: str
    reason: str = ""

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ENDED


@dataclass(frozen=True)
class Checkpoints:
    """Numbers of a job's checkpoints, 0 where there is none.

    Attributes:
        restored: the one that the job, or a part of it, began from the last time.
        completed: the newest that is complete; those of before a restart count as restored only.
        newest: the newest that has begun.
    """

    restored: int
    completed: int
    newest: int


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
        found = self._call("GET", "/jobs/overview").get("jobs")
        if not isinstance(found, list):
            raise self._no_flink("The answer lists no jobs.")
        found.sort(key=lambda job: -int(job["start-time"]))
        return [Job(job["jid"], job["name"], job["state"], self._reason(job)) for job in found]

    def _reason(self, job: dict[str, Any]) -> str:
        state, tasks = job["state"], job.get("tasks", {})
        if state in TROUBLED:
            return " ".join(root_causes(self.failure(job["jid"])).splitlines()[-1:])
        running, total = tasks.get("running", 0) + tasks.get("finished", 0), tasks.get("total", 0)
        if state == "RUNNING" and running < total:
            return f"{running} of {total} tasks run."
        return ""

    def job(self, job_id: str) -> dict[str, Any]:
        """`/jobs/:id`: the job with its vertices."""
        return self._call("GET", f"/jobs/{job_id}")

    def parameters(self, job_id: str) -> dict[str, str]:
        """The job's global parameters (`pipeline.global-job-parameters`), as `/jobs/:id/config` shows them."""
        return dict(self._call("GET", f"/jobs/{job_id}/config").get("execution-config", {}).get("user-config", {}))

    def failure(self, job_id: str) -> str:
        """The newest failure's stack trace, or an empty text."""
        return self.newest_failure(job_id)[1]

    def newest_failure(self, job_id: str) -> tuple[int, str]:
        """When the job failed last, ms since the epoch, and the stack trace; 0 and no text without a failure."""
        history = self._call("GET", f"/jobs/{job_id}/exceptions").get("exceptionHistory", {})
        entries = history.get("entries", [])
        return (int(entries[0].get("timestamp") or 0), str(entries[0].get("stacktrace", ""))) if entries else (0, "")

    def cancel(self, job_id: str) -> None:
        """Ask for the job's cancellation; it has not ended yet when this returns."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def stop(self, job_id: str) -> str:
        """Ask the job to commit what it has computed, to leave a savepoint in the configured place, and to end.

        Returns:
            A trigger for `savepoint`.
        """
        return str(self._call("POST", f"/jobs/{job_id}/stop", {"drain": False})["request-id"])

    def savepoint(self, job_id: str, trigger: str) -> str | None:
        """The place of the savepoint that `stop` asked for, or None while it is under way.

        Raises:
            FlinkError: it failed; with Flink's reason.
        """
        found = self._call("GET", f"/jobs/{job_id}/savepoints/{trigger}")
        if found["status"]["id"] != "COMPLETED":
            return None
        operation = found["operation"]
        if "failure-cause" in operation:
            raise FlinkError("the savepoint failed", root_causes(str(operation["failure-cause"]["stack-trace"])))
        return str(operation["location"])

    def dispose(self, path: str) -> None:
        """Ask Flink to delete a savepoint; it may still be there when this returns."""
        self._call("POST", "/savepoint-disposal", {"savepoint-path": path})

    def last_checkpoint(self, job_id: str) -> dict[str, Any] | None:
        """The newest completed checkpoint (`id`, `trigger_timestamp` in ms, …), or None before the first one."""
        latest = self.checkpoint_statistics(job_id).get("latest") or {}
        found = latest.get("completed")
        return dict(found) if found else None

    def checkpoints(self, job_id: str) -> Checkpoints:
        """How far the job's checkpoints are, by number."""
        found = self.checkpoint_statistics(job_id)
        latest = found.get("latest") or {}
        restored, completed = (int((latest.get(name) or {}).get("id", 0)) for name in ("restored", "completed"))
        begun = [int(one["id"]) for one in found.get("history") or []]
        return Checkpoints(restored, completed, max(restored, completed, *begun))

    def late_rows_dropped(self, job_id: str) -> int | None:
        """What the job left out as late since it began or went on; None where nothing in it counts that.

        The function counts events, window operators count rows. An interval join counts none, whatever it leaves
        out; an OVER aggregation has a count of its own.
        """
        counts = [
            count
            for vertex in self.job(job_id)["vertices"]
            for count in self.metrics(
                job_id,
                vertex["id"],
                lambda name: (
                    name.endswith(("adclick_late_impressions", "adclick_late_clicks"))
                    or ("WindowAggregate" in name and name.endswith("numLateRecordsDropped"))
                ),
                "sum",
            ).values()
        ]
        return int(sum(counts)) if counts else None

    def metrics(
        self, job_id: str, vertex_id: str, wanted: Callable[[str], object], of_subtasks: str
    ) -> dict[str, float]:
        """Metrics of a vertex by name, as old as the JobManager's last look (`metrics.fetcher.update-interval`).

        Args:
            job_id: the job.
            vertex_id: one of its vertices.
            wanted: which names.
            of_subtasks: min, max, avg or sum.
        """
        path = f"/jobs/{job_id}/vertices/{vertex_id}/subtasks/metrics"
        names = [one["id"] for one in self._list(path) if wanted(one["id"])]
        found = {}
        for at in range(0, len(names), NAMES_AT_ONCE):
            asked = quote(",".join(names[at : at + NAMES_AT_ONCE]), safe=",")
            for one in self._list(f"{path}?get={asked}&agg={of_subtasks}"):
                found[one["id"]] = float(one[of_subtasks])
        return found

    def metric_by_taskmanager(self, job_id: str, vertex_id: str, wanted: Callable[[str], object]) -> dict[str, float]:
        """Sums of a vertex's metrics over the subtasks of each TaskManager, by its id; as old as those of `metrics`.

        Args:
            job_id: the job.
            vertex_id: one of its vertices.
            wanted: which names, the number of the subtask and a dot in front.
        """
        vertex = f"/jobs/{job_id}/vertices/{vertex_id}"
        names = [one["id"] for one in self._list(f"{vertex}/metrics") if wanted(one["id"])]
        if not names:
            return {}
        at = {str(one["subtask"]): str(one["taskmanager-id"]) for one in self._call("GET", vertex)["subtasks"]}
        found: dict[str, float] = {}
        for first in range(0, len(names), NAMES_AT_ONCE):
            asked = quote(",".join(names[first : first + NAMES_AT_ONCE]), safe=",")
            for one in self._list(f"{vertex}/metrics?get={asked}"):
                taskmanager = at.get(one["id"].partition(".")[0])
                if taskmanager is not None:
                    found[taskmanager] = found.get(taskmanager, 0) + float(one["value"])
        return found

    def task_heap(self, taskmanager: str) -> int | None:
        """Bytes of heap that a TaskManager has for its tasks; None where it tells none."""
        configured = self._call("GET", f"/taskmanagers/{quote(taskmanager)}").get("memoryConfiguration") or {}
        return configured.get("taskHeap")

    def checkpoint_statistics(self, job_id: str) -> dict[str, Any]:
        """`/jobs/:id/checkpoints`: counts, and the newest completed and failed one."""
        return self._call("GET", f"/jobs/{job_id}/checkpoints")

    def largest_checkpoint(self, job_id: str) -> int | None:
        """Bytes of state in the largest completed checkpoint, also of a job that has ended; None before the first one.

        State on the heap is written as a whole each time, so that this is all of it.
        """
        found = self.checkpoint_statistics(job_id)
        if not (found.get("counts") or {}).get("completed"):
            return None
        return int(found["summary"]["state_size"]["max"])

    def job_metric(self, job_id: str, name: str) -> float | None:
        """One metric of a job; None where it is not known yet."""
        values = self._list(f"/jobs/{job_id}/metrics?get={quote(name)}")
        return float(values[0]["value"]) if values else None

    def restarts(self, job_id: str) -> int:
        """How often the job was restarted."""
        values = self._list(f"/jobs/{job_id}/metrics?get=numRestarts")
        return sum(int(one["value"]) for one in values)

    def _list(self, path: str) -> list[dict[str, Any]]:
        found = self._answer("GET", path)
        if not isinstance(found, list):
            raise self._no_flink("The answer is no JSON array.")
        return found

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        found = self._answer(method, path, body)
        if not isinstance(found, dict):
            raise self._no_flink("The answer is no JSON object.")
        return found

    def _answer(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON value of Flink's answer; an empty object where the answer is empty.

        Raises:
            FlinkError: nobody answers, somebody else answers, or Flink refuses the request.
        """
        try:
            answer = self._session.request(method, self.url + path, timeout=TIMEOUT_S, json=body)
        except requests.RequestException as error:
            raise FlinkError(
                f"Flink's REST interface does not answer at {shown(self.url)}",
                type(error).__name__,
                "Start the cluster with `adclick up`, look at it with `adclick status`, or correct ADCLICK_FLINK_URL.",
            ) from error
        try:
            found = answer.json() if answer.content else {}
        except ValueError:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()[:LONGEST_KIND]
            raise self._no_flink(f"Status {answer.status_code}, {kind or 'no JSON'}.") from None
        if answer.ok:
            return found
        errors = found.get("errors") if isinstance(found, dict) else None
        if not isinstance(errors, list):
            raise self._no_flink(f"Status {answer.status_code} without Flink's list of errors.")
        why = "\n".join(str(one).strip() for one in errors)
        raise FlinkError(f"Flink refused {method} {path} with status {answer.status_code}", why)

    def _no_flink(self, why: str) -> FlinkError:
        return FlinkError(
            f"what answers at {shown(self.url)} is not Flink's REST interface",
            why,
            "Correct ADCLICK_FLINK_URL or ADCLICK_UI_PORT, or end the other program.",
        )


def root_causes(trace: str) -> str:
    """The first line of a Java stack trace and its last `Caused by`, which is the reason."""
    lines = trace.splitlines()
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return "\n".join(dict.fromkeys(_explained(line) for line in [lines[0], *causes[-1:]])) if lines else ""


def _explained(line: str) -> str:
    """A line of a stack trace, with what to do where the cause is known."""
    if _NO_ZSTD in line.replace("/", ".") and re.search("NotFound|NoClassDef", line):
        jar = f"zstd-jni-{defaults.ZSTD_VERSION}.jar"
        return (
            f"{line} (Flink cannot read zstd messages: put {jar} into the lib/ of each of its machines: docs/remote.md)"
        )
    return line
