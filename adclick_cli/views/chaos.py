"""How `adclick chaos` looks."""

from __future__ import annotations

from adclick_cli.chaos.record import COLUMNS, Record
from adclick_cli.views import console


def show(record: Record, form: str | None) -> None:
    """One JSON object, or recovery by kind as a table, and what the check found."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(record.to_json())
        return
    console.write_rows(record.by_kind(), COLUMNS, chosen, "Time to recover, seconds")
    for found in record.verdict.results.values():
        for line in found.differences[:20]:
            console.say(line)
    for name, count in record.sent.items():
        if record.held[name] != count:
            console.say(f"{count} {name} were acknowledged, {record.held[name]} are in the topic.")
    if not record.covered:
        console.say("The check did not reach past the last fault.")
    compared = sum(found.compared for found in record.verdict.results.values())
    console.say(f"Faults: {len(record.recoveries)}. Rows compared: {compared}. Differences: {record.differences}.")
