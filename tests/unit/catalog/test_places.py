"""The line of a key in a TOML text."""

from __future__ import annotations

import pytest

from adclick_cli.catalog.toml_places import line_of

TEXT = '''# [metrics] """
top = 1
[ events . "impressions" ]   # a comment
id = "x = 1"
fields.cost = { path = "a", type = "decimal" }
"odd name" = 2
note = """
id = "not here"
[results.spend]
"""
[metrics]
spend = "a"
quote = 'b'
long = \'\'\'
[results.spend]\'\'\'
[results.spend]
by = [
  "x",
]
metrics.deep.er = 1
[events]
other = 1
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("top", 2),
        ("events", 21),
        ("events.impressions", 3),
        ("events.impressions.id", 4),
        ("events.impressions.fields.cost", 5),
        ("events.impressions.fields.cost.type", 5),
        ("events.impressions.odd name", 6),
        ("events.impressions.missing", 3),
        ("events.clicks.id", 21),
        ("event", None),
        ("results", 16),
        ("metrics", 11),
        ("metrics.spend", 12),
        ("metrics.quote", 13),
        ("results.spend", 16),
        ("results.spend.by", 17),
        ("results.spend.metrics.deep.er", 20),
    ],
)
def test_the_line_of_a_key_is_its_own_or_that_of_the_nearest_above(key: str, line: int | None) -> None:
    assert line_of(TEXT, tuple(key.split("."))) == line
