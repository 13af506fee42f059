"""The flags that decide what is computed, shared by `render` and `submit`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer

from adclick_cli import defaults
from adclick_cli.commands.options import SERVERS

WINDOWS = "Windows and attribution"
ALERTS = "Alert rule"
EXECUTION = "Execution"
TOPICS = "Topics and broker"


def _option(flag: str, text: str, panel: str, **more: Any) -> Any:
    return typer.Option(None, flag, help=text, rich_help_panel=panel, **more)


def _topic(name: str, default: str) -> Any:
    return _option(f"--topic-{name}", f"Default: {default}.", TOPICS, metavar="TOPIC")


_DURATION = {"metavar": "TIME"}
FLAGS: dict[str, tuple[type, Any]] = {
    "window": (
        str,
        _option("--window", f"Size of the tumbling windows. Default: {defaults.WINDOW}.", WINDOWS, **_DURATION),
    ),
    "attribution": (
        str,
        _option(
            "--attribution",
            f"How long after its impression a click counts. Default: {defaults.ATTRIBUTION}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "clock_skew": (
        str,
        _option(
            "--clock-skew",
            f"A click may be dated so much before its impression. Default: {defaults.CLOCK_SKEW}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "early": (
        str,
        _option(
            "--early",
            "Also raise alerts early, from the clicks of so much time; the final window confirms or withdraws them. 0s:"
            f" off. Default: {defaults.EARLY}.",
            ALERTS,
            **_DURATION,
        ),
    ),
    "dedup_window": (
        str,
        _option(
            "--dedup-window",
            "A click dated no more than so much after another one of its --dedup-key is a duplicate. 0s: off. "
            f"Default: {defaults.DEDUP_WINDOW}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "dedup_key": (
        str,
        _option(
            "--dedup-key",
            f"What such clicks share: impression, or user+ad of their impressions. Default: {defaults.DEDUP_KEY}.",
            WINDOWS,
            metavar="impression|user+ad",
        ),
    ),
    "unique_ids": (
        str,
        _option(
            "--unique-ids",
            "An id that comes again with other contents within so much time counts once: the earliest. 0s: off. "
            f"Default: {defaults.UNIQUE_IDS}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "watermark_delay": (
        str,
        _option(
            "--watermark-delay",
            f"How much out of order events may arrive. Default: {defaults.WATERMARK_DELAY}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "idle_timeout": (
        str,
        _option(
            "--idle-timeout",
            f"A partition silent for so long holds no window open. Default: {defaults.IDLE_TIMEOUT}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "partition_discovery": (
        str,
        _option(
            "--partition-discovery",
            f"How often added partitions are looked for. Default: {defaults.PARTITION_DISCOVERY}.",
            EXECUTION,
            **_DURATION,
        ),
    ),
    "max_ahead": (
        str,
        _option(
            "--max-ahead",
            f"An event dated further past its arrival is bad. Default: {defaults.MAX_AHEAD}.",
            WINDOWS,
            **_DURATION,
        ),
    ),
    "threshold": (
        float,
        _option(
            "--threshold",
            "T, above 0 and below 1: DROP below T times, SPIKE above 1/T times the window before.",
            ALERTS,
        ),
    ),
    "spike": (
        float,
        _option("--spike", f"SPIKE above so many times the window before. Default: {defaults.SPIKE}.", ALERTS),
    ),
    "drop": (
        float,
        _option("--drop", f"DROP below so many times the window before. Default: {defaults.DROP}.", ALERTS),
    ),
    "method": (
        str,
        _option(
            "--method",
            "baseline: the factors and a z of at least --min-z against the four windows before, pooled. significance:"
            " the factors and such a z against the window before. ratio: the factors alone. "
            f"Default: {defaults.METHOD}.",
            ALERTS,
            metavar="baseline|significance|ratio",
        ),
    ),
    "min_impressions": (
        int,
        _option(
            "--min-impressions",
            f"Both windows need so many impressions for an alert. Default: {defaults.MIN_IMPRESSIONS}.",
            ALERTS,
        ),
    ),
    "min_z": (
        float,
        _option(
            "--min-z",
            f"Least |z|. Default: {defaults.MIN_Z}, and {defaults.SIGNIFICANCE_MIN_Z} for --method significance.",
            ALERTS,
        ),
    ),
    "parallelism": (
        int,
        _option(
            "--parallelism",
            f"Parallel tasks of each operator. Above 1, impressions without events or heartbeats hold windows open. "
            f"Default: {defaults.PARALLELISM}.",
            EXECUTION,
        ),
    ),
    "checkpoint_interval": (
        str,
        _option(
            "--checkpoint-interval",
            f"How often final rows are committed. Default: {defaults.CHECKPOINT_INTERVAL}.",
            EXECUTION,
            **_DURATION,
        ),
    ),
    "transaction_timeout": (
        str,
        _option(
            "--transaction-timeout",
            f"Rows not committed so long after they were begun are given up. Default: {defaults.TRANSACTION_TIMEOUT}.",
            EXECUTION,
            **_DURATION,
        ),
    ),
    "live": (
        bool,
        typer.Option(
            None,
            "--live/--no-live",
            help="Also keep the windows that are still open in live topics. Default: --live.",
            rich_help_panel=EXECUTION,
        ),
    ),
    "dead_letters": (
        bool,
        typer.Option(
            None,
            "--dead-letters/--no-dead-letters",
            help="Also find each message that is no event, with the reason. Default: --dead-letters.",
            rich_help_panel=EXECUTION,
        ),
    ),
    "portable": (
        bool,
        typer.Option(
            None,
            "--portable/--no-portable",
            help="Plain SQL alone, or adclick's own event format and attribution function, which cost less and are new."
            " Default: --portable.",
            rich_help_panel=EXECUTION,
        ),
    ),
    "bootstrap_servers": (str, SERVERS),
    "topic_impressions": (str, _topic("impressions", defaults.TOPIC_IMPRESSIONS)),
    "topic_clicks": (str, _topic("clicks", defaults.TOPIC_CLICKS)),
    "topic_ctr": (str, _topic("ctr", defaults.TOPIC_CTR)),
    "topic_engagement": (str, _topic("engagement", defaults.TOPIC_ENGAGEMENT)),
    "topic_alerts": (str, _topic("alerts", defaults.TOPIC_ALERTS)),
    "topic_dead_letters": (str, _topic("dead-letters", defaults.TOPIC_DEAD_LETTERS)),
    "topic_ctr_live": (str, _topic("ctr-live", defaults.TOPIC_CTR_LIVE)),
    "topic_engagement_live": (str, _topic("engagement-live", defaults.TOPIC_ENGAGEMENT_LIVE)),
    "topic_ctr_early": (str, _topic("ctr-early", defaults.TOPIC_CTR_EARLY)),
    "topic_early_alerts": (str, _topic("early-alerts", defaults.TOPIC_EARLY_ALERTS)),
    "topic_early_verdicts": (str, _topic("early-verdicts", defaults.TOPIC_EARLY_VERDICTS)),
}
BOUNDED: Any = typer.Option(
    False,
    "--bounded",
    help="Read what is there now, write every window, finish.",
    rich_help_panel=EXECUTION,
)


def with_pipeline_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Add the flags above to a command; it receives those that were given, by setting, in its parameter `flags`."""

    @functools.wraps(command)
    def wrapper(**values: Any) -> None:
        flags = {name: values.pop(name) for name in FLAGS}
        command(flags={name: value for name, value in flags.items() if value is not None}, **values)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.name != "flags"
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option, annotation=kind | None)
        for name, (kind, option) in FLAGS.items()
    ]
    parameters = [*own, *shared]
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del wrapper.__wrapped__
    return wrapper
