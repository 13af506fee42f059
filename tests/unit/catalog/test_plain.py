"""A catalog in a submission's record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load
from adclick_cli.catalog.model import Catalog
from adclick_cli.catalog.plain import from_plain, to_plain
from adclick_cli.pipeline import Pipeline
from tests.builders.spend import SPEND

MORE = """
[events.impressions.fields]
bid = { path = "a.b", type = "decimal", precision = 9, scale = 3, default = 0.5 }
slot = { type = "integer", default = 7 }
seen = { type = "boolean", default = false }
[metrics]
bids = "sum(bid) - 2.50 * count(cost)"
[results.bids]
by = ["slot", "seen"]
metrics = ["bids", "ctr"]
live = false
"""


@pytest.fixture
def more(tmp_path: Path) -> Catalog:
    (tmp_path / "adclick.toml").write_text(MORE, encoding="utf-8")
    return load(tmp_path / "adclick.toml")


def test_it_comes_back_from_json_as_it_was(more: Catalog) -> None:
    for catalog in (CATALOG, SPEND, more):
        assert from_plain(json.loads(json.dumps(to_plain(catalog)))) == catalog
        pipeline = Pipeline(catalog=catalog)
        assert Pipeline.from_json(pipeline.to_json()) == pipeline


def test_a_submission_is_another_one_where_the_catalog_is(more: Catalog) -> None:
    assert len({Pipeline(catalog=one).fingerprint for one in (CATALOG, SPEND, more)}) == 3
    assert "catalog" not in json.loads(Pipeline().to_json())
