"""A good event of each raw topic, from which the corpus makes bad and peculiar messages."""

from __future__ import annotations

from typing import Any

from tests.builders.verify import click, impression

EVENTS: dict[str, dict[str, Any]] = {
    "impressions": impression(1, 0, campaign="camp-of-one"),
    "clicks": click(1, 1, 0) | {"click_id": "click-of-one"},
}
TEXT = {"impressions": "campaign_id", "clicks": "click_id"}
FIELDS = {"impressions": ("impression_id", "campaign_id", "device_type"), "clicks": ("click_id", "impression_id")}
