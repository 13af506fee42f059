"""The reader of events in Python, against the corpus."""

from __future__ import annotations

from adclick_cli.events.reading import read
from tests import event_corpus
from tests.builders.outcomes import told


def test_every_message_of_the_corpus_is_what_the_corpus_says() -> None:
    cases = event_corpus.cases()
    assert len({case.name for case in cases}) == len(cases) > 300
    wrong = {case.name: found for case in cases if (found := told(case, read(case.value, case.schema)))}
    assert wrong == {}
