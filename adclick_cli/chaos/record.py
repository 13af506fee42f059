"""What a run of chaos found, as JSON and as Markdown."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import Any

import psutil

from adclick_cli.chaos.recovery import Recovery
from adclick_cli.submission import Submission
from adclick_cli.verify.check import Verdict

SHOWN_DIFFERENCES = 20


@dataclass(frozen=True)
class Record:
    """One run.

    Attributes:
        seed, rate, gap_s: as asked for; `rate` in impressions a second.
        submission: what the jobs computed.
        recoveries: one for each fault that was made.
        sent, held: messages by topic: what the generator had acknowledged, and what the topics gained.
        verdict: the check of every result.
        covered: whether the check reached past the last fault.
        seconds: how long all of it took.
    """

    seed: int
    rate: float
    gap_s: float
    submission: Submission
    recoveries: list[Recovery]
    sent: dict[str, int]
    held: dict[str, int]
    verdict: Verdict
    covered: bool
    seconds: float

    @property
    def recovered(self) -> bool:
        """Whether results were committed again after every fault."""
        return all(one.committed_s is not None for one in self.recoveries)

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, repeated or left broken."""
        return self.verdict.ok and self.recovered and self.covered and self.sent == self.held

    @property
    def differences(self) -> int:
        """Rows that are missing, unexpected, different or there twice."""
        return sum(found.wrong for found in self.verdict.results.values())

    def by_kind(self) -> list[dict[str, Any]]:
        """Recovery times by kind of fault: count, and median and worst in seconds; None where one never came."""
        rows = []
        for kind in dict.fromkeys(one.kind for one in self.recoveries):
            own = [one for one in self.recoveries if one.kind == kind]
            row: dict[str, Any] = {"fault": kind, "times": len(own), "outage_s": own[0].outage_s}
            for name in ("running_s", "committed_s"):
                values = [getattr(one, name) for one in own]
                known = [value for value in values if value is not None]
                row[f"{name}_median"] = round(statistics.median(known), 1) if known else None
                row[f"{name}_worst"] = max(known) if len(known) == len(values) else None
            rows.append(row)
        return rows

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        pipeline = self.submission.pipeline
        return {
            "ok": self.ok,
            "seed": self.seed,
            "rate": self.rate,
            "gap_s": self.gap_s,
            "parameters": {
                "window": str(pipeline.window),
                "attribution": str(pipeline.attribution),
                "checkpoint_interval": str(pipeline.checkpoint_interval),
                "idle_timeout": str(pipeline.idle_timeout),
                "parallelism": pipeline.parallelism,
            },
            "machine": {"cores": os.cpu_count(), "memory_gb": round(psutil.virtual_memory().total / 2**30)},
            "faults": len(self.recoveries),
            "recovered": self.recovered,
            "differences": self.differences,
            "repeated": sum(found.repeated for found in self.verdict.results.values()),
            "sent": self.sent,
            "held": self.held,
            "covered": self.covered,
            "left_open": [name for one in self.recoveries for name in one.left_open],
            "recovery": self.by_kind(),
            "recoveries": [one.to_json() for one in self.recoveries],
            "verdict": self.verdict.to_json(SHOWN_DIFFERENCES),
            "seconds": round(self.seconds, 1),
        }


COLUMNS = (
    "fault",
    "times",
    "outage_s",
    "running_s_median",
    "running_s_worst",
    "committed_s_median",
    "committed_s_worst",
)


def markdown(record: Record) -> str:
    """The run as a page of Markdown: what was done, recovery by kind, each fault, the check."""
    plain = record.to_json()
    parameters = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in plain["parameters"].items())
    compared = ", ".join(f"{found.compared} {name}" for name, found in record.verdict.results.items())
    sent = ", ".join(f"{count:,} {name}" for name, count in record.sent.items())
    held = ", ".join(f"{count:,} {name}" for name, count in record.held.items())
    lines = [
        f"- {plain['faults']} faults, seed {record.seed}, {record.rate:,.0f} impressions a second, {parameters};"
        f" {plain['machine']['cores']} cores, {plain['machine']['memory_gb']} GB; {record.seconds:.0f} s",
        f"- sent and acknowledged: {sent}; in the topics: {held}",
        f"- rows compared and right: {compared}",
        f"- differences: {record.differences}, of which repeated rows: {plain['repeated']}",
        f"- transactions that no job would have ended, aborted: {', '.join(plain['left_open']) or 'none'}",
        "",
        *_table(COLUMNS, plain["recovery"]),
        "",
        *_table(("number", "kind", "at", "after_s", "running_s", "committed_s"), plain["recoveries"]),
    ]
    return "\n".join(lines) + "\n"


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> list[str]:
    def line(values: list[str]) -> str:
        return f"| {' | '.join(values)} |"

    head = [line([column.replace("_s_", " s, ").replace("_s", " s") for column in columns])]
    body = [line(["never" if row[column] is None else str(row[column]) for column in columns]) for row in rows]
    return [*head, line(["---"] * len(columns)), *body]
