"""Which open transactions are nobody's, and how what is hidden behind one is told."""

from __future__ import annotations

import pytest

from adclick_cli.broker.transactions import Hidden, Open
from adclick_cli.flink.leftovers import sort
from adclick_cli.flink.rest import Checkpoints
from adclick_cli.verify.check import Verdict
from adclick_cli.views import verify as view


@pytest.mark.parametrize(
    ("state", "abandoned", "unsure"),
    [
        # No restart yet: all up to the one after the next checkpoint are the job's own.
        (Checkpoints(0, 10, 11), [14, 99], []),
        # Just restored from 8: what 8 holds may still be committed.
        (Checkpoints(8, 0, 8), [11, 12, 13, 14, 99], [3, 8]),
        (Checkpoints(8, 9, 10), [13, 14, 99], [3, 8]),
        # Two checkpoints later it is not any more; what the job itself began since is never touched.
        (Checkpoints(8, 10, 11), [3, 8, 14, 99], []),
    ],
)
def test_a_transaction_is_judged_by_the_number_of_its_checkpoint(
    state: Checkpoints, abandoned: list[int], unsure: list[int]
) -> None:
    found = [Open(f"sink-0-{number}", "sink", number) for number in (3, 8, 9, 10, 11, 12, 13, 14, 99)]
    judged = sort(found, state)
    assert judged.abandoned == [f"sink-0-{number}" for number in abandoned]
    assert judged.unsure == [f"sink-0-{number}" for number in unsure]


def test_rows_that_are_hidden_are_told_with_their_transaction(capsys: pytest.CaptureFixture[str]) -> None:
    hidden = [Hidden("ctr", 2, 123, "sink-0-7", 1_770_000_000_000), Hidden("alerts", 0, 1, None, 1_770_000_000_000)]
    verdict = Verdict({}, {}, None, hidden=hidden)
    view.show(verdict, "table", 20)
    told = " ".join(capsys.readouterr().err.split())
    assert "123 rows of ctr (partition 2) are there, but no reader sees them behind sink-0-7" in told
    assert "open since 2026-02-02T02:40:00Z" in told
    assert "behind a transaction that no coordinator knows" in told
    assert verdict.to_json(20)["hidden"][0]["since"] == "2026-02-02T02:40:00Z"
