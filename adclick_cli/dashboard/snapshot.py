"""The state as plain values for one page: everything that it draws, small enough to be sent whole each time.

A page that gets the whole picture each time has nothing to merge and nothing that grows. Times are milliseconds since
the epoch, rates are between 0 and 1, and `band` is the Wilson interval (95 %) of the rate before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adclick_cli.dashboard import campaigns
from adclick_cli.dashboard.boards import Boards, Window
from adclick_cli.dashboard.state import Dead, Source, State
from adclick_cli.dashboard.view import AUTO_CURVES, View
from adclick_cli.results.board import WindowBoard
from adclick_cli.results.rows import AlertRow, WindowRow, metric_text
from adclick_cli.results.times import read_iso
from adclick_cli.results.wilson import interval

LISTED_ALERTS = 50
LISTED_GROUPS = 25


def take(state: State, view: View, now: datetime, drawn: Sequence[str] = ()) -> dict[str, Any]:
    """Everything that a page shows.

    Args:
        state: what is known.
        view: what the page wants.
        now: the time, UTC.
        drawn: the campaigns that the page draws already; they stay where the choice is the server's.
    """
    with state.reading() as (boards, source, dead, verdict):
        axis = boards.axis(now, view.windows)
        picks = view.picks if view.picks is not None else _choose(boards, axis, drawn)
        return {
            "version": state.version,
            "now": ms(now),
            "source": _source(source),
            "windows": {"kept": state.kept, "length": ms(axis[0][1]) - ms(axis[0][0]) if axis else None},
            "axis": [ms(start) for start, _ in axis],
            "total": _totals(boards.engagement, axis),
            "curves": [{"name": name, **_curve(boards.ctr, name, axis)} for name in picks],
            "auto": view.picks is None,
            **campaigns.summary(boards, view, boards.settled(now)),
            "devices": _devices(boards, axis, boards.settled(now)),
            "declared": [_declared(*one) for one in sorted(boards.declared.items())],
            "alerts": _alerts(boards, axis),
            "freshness": _freshness(boards, axis),
            "quality": _quality(boards, dead, verdict),
            "verify": _verdict(verdict),
        }


def ms(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return round(moment.timestamp() * 1000)


def _source(source: Source) -> dict[str, Any]:
    nothing = source.nothing
    return {
        "servers": str(source.servers),
        "state": source.state,
        "since": ms(source.since),
        "why": source.why,
        "topics": source.topics,
        "nothing": None if nothing is None else {"why": nothing[0], "command": nothing[1]},
    }


def _choose(boards: Boards, axis: Sequence[Window], drawn: Sequence[str]) -> tuple[str, ...]:
    """Campaigns with an alert in sight come first, then those that are drawn already, then the largest."""
    if not axis:
        return ()
    since = axis[0][0]
    alerted = dict.fromkeys(row.name for row in reversed(boards.alerts.rows()) if row.time > since)
    known = set(boards.ctr.names())
    wanted = [name for name in (*alerted, *drawn) if name in known]
    chosen = list(dict.fromkeys(wanted))[:AUTO_CURVES]
    if len(chosen) < AUTO_CURVES:
        rest = campaigns.largest(boards, axis, known.difference(chosen))
        chosen += rest[: AUTO_CURVES - len(chosen)]
    return tuple(sorted(chosen, key=campaigns.natural))


def _curve(board: WindowBoard, name: str, axis: Sequence[Window]) -> dict[str, list[Any]]:
    rows = [board.window(name, start, end) for start, end in axis]
    bands = [None if row is None else interval(row.clicks, row.impressions) for row in rows]
    return {
        "ctr": [None if row is None else row.ctr for row in rows],
        "low": [None if band is None else band[0] for band in bands],
        "high": [None if band is None else band[1] for band in bands],
        "impressions": [None if row is None else row.impressions for row in rows],
        "clicks": [None if row is None else row.clicks for row in rows],
        "state": [None if row is None else row.state for row in rows],
    }


def _totals(board: WindowBoard, axis: Sequence[Window]) -> dict[str, list[Any]]:
    """Sums over the devices, of which there are few: the same events as those of all campaigns."""
    names = board.names()
    rows = [[row for name in names if (row := board.window(name, start, end))] for start, end in axis]
    return {
        "impressions": [sum(row.impressions for row in found) if found else None for found in rows],
        "clicks": [sum(row.clicks for row in found) if found else None for found in rows],
        "state": [_joint_state(found) for found in rows],
    }


def _joint_state(rows: Sequence[WindowRow]) -> str | None:
    if not rows:
        return None
    return "FINAL" if all(row.state == "FINAL" for row in rows) else "LIVE"


def _devices(boards: Boards, axis: Sequence[Window], settled: Window | None) -> dict[str, Any]:
    """Each device in the newest window that has ended, and its impressions over the axis."""
    board, found = boards.engagement, []
    for name in sorted(board.names()):
        row = board.window(name, *settled) if settled else None
        whole = [window for window in axis if settled and window <= settled]
        rows = [board.window(name, start, end) for start, end in whole]
        found.append(
            {
                "name": name,
                **campaigns.numbers(row),
                "history": [None if one is None else one.ctr for one in rows],
            }
        )
    return {"start": ms(settled[0]) if settled else None, "rows": found}


def _declared(name: str, board: WindowBoard) -> dict[str, Any]:
    """The newest row of each group of a declared result, most impressions first; values are texts with all digits."""
    lines = board.lines(1)
    latest = [line.latest for line in lines[:LISTED_GROUPS]]
    return {
        "name": name,
        "by": list(latest[0].by) if latest else [],
        "metrics": list(latest[0].metrics) if latest else [],
        "groups": len(lines),
        "rows": [
            {
                "name": row.name,
                "start": ms(row.start),
                "state": row.state,
                "values": [metric_text(row.values[metric]) for metric in row.metrics],
            }
            for row in latest
        ],
    }


def _alerts(boards: Boards, axis: Sequence[Window]) -> dict[str, Any]:
    rows = boards.alerts.rows()
    since = axis[0][0] if axis else None
    # The newest ones in full, and on the axis a mark for each campaign and window.
    marks = [] if since is None else [row for row in rows if row.time > since and row.state != "WITHDRAWN"]
    return {
        "total": len(rows),
        "at_least": boards.alerts.limit is not None,
        "rows": [_alert(row) for row in reversed(rows[-LISTED_ALERTS:])],
        "marks": [{"start": _start(row), "name": row.name, "type": row.type} for row in marks],
    }


def _start(row: AlertRow) -> int:
    return ms(read_iso(str(row.values["window_start"])))


def _alert(row: AlertRow) -> dict[str, Any]:
    return {
        "time": ms(row.time),
        "start": _start(row),
        "name": row.name,
        "type": row.type,
        "ctr": row.current_ctr,
        "before": row.previous_ctr,
        "impressions": row.impressions,
        "z": row.z_score,
        "rule": row.rule,
        "state": row.state,
    }


def _freshness(boards: Boards, axis: Sequence[Window]) -> dict[str, Any]:
    """When each lane was written last, and how far each has come."""
    states = {"LIVE": None, "FINAL": None}
    names = boards.engagement.names()
    for start, end in reversed(axis):
        for row in (boards.engagement.window(name, start, end) for name in names):
            if row is not None and states[row.state] is None:
                states[row.state] = ms(row.start)  # type: ignore[assignment]
        if all(states.values()):
            break
    return {
        lane.lower(): {
            "written": ms(boards.written[lane]) if lane in boards.written else None,
            "window": states.get(lane),
        }
        for lane in ("LIVE", "FINAL", "ALERT")
    }


def _quality(boards: Boards, dead: Dead | None, verdict: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "ledger": None if verdict is None else verdict["ledger"],
        "dead": None if dead is None else {"total": dead.total, "at_least": dead.at_least, "reasons": dead.reasons},
        "unreadable": sum(boards.unreadable.values()),
    }


def _verdict(verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    kinds = ("compared", "missing", "unexpected", "different", "pending", "indeterminate")
    results = {
        name: {kind: found.get(kind, 0) for kind in kinds}
        for name, found in verdict["results"].items()
        if isinstance(found, dict)
    }
    wrong = sum(found["missing"] + found["unexpected"] + found["different"] for found in results.values())
    return {"at": verdict["at_ms"], "ok": verdict.get("ok") is True, "wrong": wrong, "results": results}
