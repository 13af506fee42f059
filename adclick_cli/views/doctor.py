"""How `adclick doctor` looks."""

from __future__ import annotations

from adclick_cli.doctor.examine import Examination
from adclick_cli.doctor.judge import instant, length
from adclick_cli.doctor.picture import Picture
from adclick_cli.views import console


def show(found: Examination, form: str | None) -> None:
    """One JSON object; or the answer, then findings, partitions and watermarks as tables (CSV: the findings)."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(found.to_json())
        return
    rows = [one.to_json() for one in found.findings]
    if chosen == "csv":
        console.write_rows(rows, ("state", "name", "what", "mend", "fixable"), chosen)
        return
    console.write(f"{found.answer}\n")
    for row in rows:
        if row["mend"]:
            row["what"] = f"{row['what']} Mend: {row['mend']}"
    console.write_rows(rows, ("state", "name", "what"), chosen, "Findings")
    if found.picture:
        _pipeline(found.picture)
        console.say("Watermarks and offsets are Flink's own figures, some seconds old.")


def _pipeline(picture: Picture) -> None:
    rows = [
        {
            "topic": one.topic,
            "no.": one.number,
            "newest event": _at(one.newest_ms),
            "heartbeat": _at(one.beat_ms),
            "came": f"{length(picture.now_ms - one.arrived_ms)} ago" if one.arrived_ms else "never",
            "watermark": "idle" if one.idle else _at(one.watermark_ms),
            "to read": one.lag,
        }
        for one in picture.partitions
    ]
    columns = ("topic", "no.", "newest event", "heartbeat", "came", "watermark", "to read")
    console.write_rows(rows, columns, "table", "Partitions")
    marks = [{"operator": name, "watermark": _at(mark)} for name, mark in picture.operators.items()]
    console.write_rows(marks, ("operator", "watermark"), "table", "Watermarks")


def _at(ms: int | None) -> str:
    return "" if ms is None else instant(ms)[len("2026-") : -1].replace("T", " ")
