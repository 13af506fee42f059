"""How `adclick verify` looks."""

from __future__ import annotations

from adclick_cli.verify.check import Verdict
from adclick_cli.verify.compare import utc
from adclick_cli.verify.oracle import NEVER
from adclick_cli.views import console

_COLUMNS = ("compared", "missing", "unexpected", "different", "pending", "indeterminate", "repeated")
_DELETED = "beyond_retention"


def show(verdict: Verdict, form: str | None, limit: int) -> None:
    """One JSON object; or the ledger and the comparison as tables, and the differences by name."""
    chosen = console.choose_format(form)
    if chosen == "json":
        console.write_json(verdict.to_json(limit))
        return
    ledger = [
        {"topic": topic, "class": name, "messages": count}
        for topic, classes in verdict.ledger.items()
        for name, count in classes.items()
        if count or name == "raw" or chosen == "csv"
    ]
    console.write_rows(ledger, ("topic", "class", "messages"), chosen, "Ledger: each message in exactly one class")
    columns = (*_COLUMNS, _DELETED) if verdict.deleted or chosen == "csv" else _COLUMNS
    rows = [{"rows": name, **{key: getattr(found, key) for key in columns}} for name, found in verdict.results.items()]
    console.write_rows(rows, ("rows", *columns), chosen, "Results against the recomputation")
    for found in verdict.results.values():
        for line in found.differences[:limit]:
            console.say(line)
        if len(found.differences) > limit:
            console.say(f"… and {len(found.differences) - limit} more (--limit).")
    for one in verdict.conflicts[:limit]:
        console.say(
            f"conflict: {one.topic} {one.id} at partition {one.partition}, offset {one.offset} differs in"
            f" {', '.join(one.differs)} from partition {one.first_partition}, offset {one.first_offset}"
        )
    if len(verdict.conflicts) > limit:
        console.say(f"… and {len(verdict.conflicts) - limit} more conflicts (--limit).")
    late = verdict.late
    if late.possible or (late.dropped is not None and late.dropped.rows):
        dropped = "unknown" if late.dropped is None else late.dropped.rows
        console.say(
            f"Late: missing in final rows are {late.impressions} impressions and {late.clicks} clicks;"
            f" rows dropped by Flink's windows: {dropped} (at most {late.possible} can have been late)."
        )
    if late.contradiction:
        console.say(late.contradiction)
    for gone in verdict.deleted:
        until = "no event remains there" if gone.until_ms >= NEVER else f"the last of them at {utc(gone.until_ms)}"
        console.say(
            f"Deleted: up to {gone.messages} messages of {gone.topic}, partition {gone.partition}; {until}."
            " Rows that may have counted them are not judged (beyond_retention)."
        )
    for hidden in verdict.hidden:
        console.say(
            f"Hidden: {hidden.rows} rows of {hidden.topic} (partition {hidden.partition}) are there, but no reader sees"
            f" them behind {hidden.transaction or 'a transaction that no coordinator knows'}, open since"
            f" {utc(hidden.since_ms)}. `adclick up` aborts it where no job will end it; the broker does in time."
        )
    wrong = (late.contradiction is not None) + sum(found.wrong for found in verdict.results.values())
    console.say(f"Differences: {wrong}. Checked in {verdict.seconds:.1f} s.")
