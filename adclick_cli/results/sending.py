"""A watch of alerts that ends with people: its ways, and one delivery for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from adclick_cli import paths, private
from adclick_cli.errors import ParameterError
from adclick_cli.results import delivery
from adclick_cli.results.rows import AlertRow
from adclick_cli.results.watching import Watch
from adclick_cli.results.ways import Command, Way, Webhook


def ways(what: str, command: str | None, webhook: str | None) -> list[Way]:
    """The ways that were asked for.

    Raises:
        ParameterError: one cannot be used, or `what` is not alerts.
    """
    given = [("exec", command), ("webhook", webhook)]
    for name, value in given:
        if value is not None and what != "alerts":
            raise ParameterError(
                name,
                value if name == "exec" else "…",
                "Only alerts go to people.",
                "Use it with `adclick watch alerts`.",
            )
    made: list[Way] = []
    if command is not None:
        made.append(Command(command))
    if webhook is not None:
        made.append(Webhook(_address(webhook)))
    return made


def _address(given: str) -> str:
    """The web address itself: `@FILE` names a file that holds it, for one that nobody else may know."""
    if not given.startswith("@"):
        return given
    try:
        path = paths.given(given[1:])
    except ValueError as error:
        raise ParameterError("webhook", given, str(error), "Name a file that holds the URL.") from None
    return private.read_secret(path, "webhook")


def send(watched: Watch, home: Path, chosen: Sequence[Way], report: Callable[[str], None], *, once: bool) -> None:
    """Deliver each alert of a watch once, on each way.

    Args:
        watched: the alerts that are wanted.
        home: `ADCLICK_HOME`.
        chosen: the ways.
        report: told what became of each alert.
        once: deliver what is there now, and end.

    Raises:
        BrokerError: the broker does not answer.
        AdclickError: another process delivers these alerts, or (`once`) some could not be delivered.
    """
    with ExitStack() as stack:
        deliveries = []
        for way in chosen:
            made = delivery.Delivery(home, watched.topics.alerts, way, report)
            stack.callback(made.close)
            deliveries.append(made)
        if once:
            watched.read_once()
            rows = [row for row in watched.board.rows() if isinstance(row, AlertRow)]
            delivery.run_once(rows, deliveries)
        else:
            delivery.run(watched.batches(), deliveries)
