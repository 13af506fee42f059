"""What a reader made of a message, compared with what the corpus says."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from adclick_cli.events.reading import Row
from tests.event_corpus import Bad, Case


def told(case: Case, rows: Sequence[Row]) -> str:
    """What is wrong with the rows of a case; nothing where all is right."""
    if [row.record for row in rows] != list(range(len(rows))):
        return f"records {[row.record for row in rows]}"
    if len(rows) != len(case.rows):
        return f"{len(rows)} rows instead of {len(case.rows)}: {rows}"
    for row, wanted in zip(rows, case.rows, strict=True):
        if isinstance(wanted, Bad):
            raw = case.value if wanted.raw is None else wanted.raw
            # The older corpus gives words of a reason.
            right = row.values is None and wanted.reason in (row.reason or "") and row.raw == raw
        else:
            values = {k: format(v, "f") if isinstance(v, Decimal) else v for k, v in (row.values or {}).items()}
            raw, alone = row.raw or b"", len(rows) == 1
            right = row.reason is None and values == wanted and (raw == case.value if alone else _is_record(raw, case))
        if not right:
            return f"{row} instead of {wanted}"
    return ""


def _is_record(raw: bytes, case: Case) -> bool:
    """Whether these bytes are an object of the message, and not all of it."""
    return raw != case.value and raw in (case.value or b"") and raw[:1] == b"{" and raw[-1:] == b"}"
