"""The built-in catalog: the events, metrics and results that are there without a word of declaration."""

from __future__ import annotations

from adclick_cli import defaults
from adclick_cli.catalog.expressions import Expressions
from adclick_cli.catalog.model import Catalog, EventField, EventSource, Metric, Result
from adclick_cli.catalog.tree import Binary, Clicks, Impressions


def _text(name: str, *, optional: bool = True) -> EventField:
    return EventField(name, (name,), optional=optional)


CATALOG = Catalog(
    impressions=EventSource(
        "impressions",
        id=("impression_id",),
        time=("event_timestamp",),
        fields=(
            _text("user_id"),
            _text("campaign_id", optional=False),
            _text("ad_id"),
            _text("device_type", optional=False),
            _text("browser"),
            EventField("cost", ("cost",), "decimal", optional=True),
        ),
    ),
    clicks=EventSource(
        "clicks",
        id=("click_id",),
        parent=("impression_id",),
        time=("event_timestamp",),
        fields=(_text("user_id"),),
    ),
    # Parsed beforehand: the parser takes longer to import than most commands run.
    metrics=(Metric("ctr", "clicks / impressions", Binary("/", Clicks(), Impressions())),),
    results=(
        Result("ctr", defaults.TOPIC_CTR, ("campaign_id",), ("impressions", "clicks", "ctr")),
        Result("engagement", defaults.TOPIC_ENGAGEMENT, ("device_type",), ("impressions", "clicks")),
    ),
)
"""Two topics of JSON, click-through rates by campaign, engagement by device."""
_METRICS = {(one.name, one.text): one for one in CATALOG.metrics}


def metric(name: str, text: str, expressions: Expressions) -> Metric:
    """A metric of its text; a built-in one is not parsed.

    Args:
        name: its name.
        text: as it is declared.
        expressions: all metrics of the catalog, this one among them.

    Raises:
        ExpressionError: the text is no metric.
    """
    return _METRICS.get((name, text)) or Metric(name, text, expressions.tree(name))
