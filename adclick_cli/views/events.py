"""How the report of `generate` and `replay` looks."""

from __future__ import annotations

from datetime import datetime, timezone

from adclick_cli.events.sending import Report
from adclick_cli.views import console


def show_sent(report: Report, form: str | None) -> None:
    """A JSON object where that was asked for, else two lines for a person."""
    if form == "json":
        console.write_json(report.to_json())
        return
    ended = "Interrupted; what was sent is delivered. " if report.interrupted else ""
    console.say(
        f"{ended}Sent {report.impressions:,} impressions and {report.clicks:,} clicks in {report.seconds:.1f} s"
        f" ({report.rate:,.0f} messages/s)."
    )
    if report.first_ms is not None and report.last_ms is not None:
        console.say(f"Event time: {_utc(report.first_ms)} to {_utc(report.last_ms)}.")


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
