"""The function over restarts: savepoints, other numbers of tasks, late events, and live rows while nothing comes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.flink.conftest import Row, read_rows
from tests.functions.jobs import Job, put, wait
from tests.functions.model import Click, Impression
from tests.functions.test_sql import MINUTE, T0, click, delayed, expected, impression, script, sent

pytestmark = pytest.mark.flink
FOLLOWED = "'format' = 'json', 'source.monitor-interval' = '50 ms'"
ROLLED = "'sink.rolling-policy.rollover-interval' = '300 ms', 'sink.rolling-policy.check-interval' = '100 ms'"
FAR = T0 + 300 * MINUTE
TICKS = Path(__file__).with_name("ticks.sql")


def followed(folder: Path, jar: Path, live: str = "blackhole") -> str:
    """The script, its sources going on with each new file."""
    for topic in ("impressions", "clicks", "ctr", "engagement", "late"):
        (folder / topic).mkdir(exist_ok=True)
    text = script(folder, jar, live)
    head, tail = text.split("CREATE TEMPORARY VIEW events", 1)
    tail = tail.replace("'format' = 'json')", f"'format' = 'json', {ROLLED})")
    return head.replace("'format' = 'json'", FOLLOWED) + "CREATE TEMPORARY VIEW events" + tail


def mark(number: int) -> tuple[Impression, Click]:
    """An event of each topic, far ahead: it raises the watermark, and its own window never closes."""
    return Impression(FAR, f"mark{number}", ("mark", "mark"), measures=(0,)), Click(FAR, f"mark{number}", "none")


def test_savepoints_and_other_numbers_of_tasks_change_no_row(jar: Path, tmp_path: Path) -> None:
    impressions, clicks = sent(3, 3_000)
    chance = random.Random(4)
    shown, clicked = delayed(impressions, chance), delayed(clicks, chance)
    savepoint = ""
    for part, tasks in enumerate((1, 4, 2)):
        settings = {"parallelism.default": f"{tasks}", "pipeline.max-parallelism": "128"}
        # One task reads a file; the others have nothing to read, and must hold no watermark back.
        settings["table.exec.source.idle-timeout"] = "5 s"
        if savepoint:
            settings["execution.state-recovery.path"] = savepoint
        before = len(read_rows(tmp_path / "ctr")) if part else 0
        job = Job(followed(tmp_path, jar), settings)
        limits = [T0 + (number * 11 - 1) * MINUTE for number in (part, part + 1)]
        last = part == 2
        for topic, events, form in (("impressions", shown, impression), ("clicks", clicked, click)):
            mine = [one for one in events if limits[0] <= one.time and (last or one.time < limits[1])]
            ahead = [mark(part)[topic == "clicks"]] if last else []
            put(tmp_path, topic, part, map(form, [*mine, *ahead]))
        wanted = len(expected(impressions, clicks)[0]) if last else before + (1 if part else 0)
        wait(lambda: len(read_rows(tmp_path / "ctr")) >= wanted, f"no rows of part {part}")  # noqa: B023
        if last:
            # Another sink: its rows are committed for themselves.
            wait(
                lambda: len(read_rows(tmp_path / "engagement")) >= len(expected(impressions, clicks)[1]),
                "no rows of devices",
            )
            job.cancel()
        else:
            savepoint = job.stop(tmp_path / "savepoints")
    ctr, engagement = expected(impressions, clicks)
    assert read_rows(tmp_path / "ctr") == sorted(ctr, key=json.dumps)
    assert read_rows(tmp_path / "engagement") == sorted(engagement, key=json.dumps)


def test_a_savepoint_of_another_window_is_refused_by_name(jar: Path, tmp_path: Path) -> None:
    put(tmp_path, "impressions", 0, [impression(Impression(T0, "i", ("a", "b"), measures=(1,)))])
    put(tmp_path, "clicks", 0, [])
    text = followed(tmp_path, jar)
    savepoint = Job(text, {}).stop(tmp_path / "savepoints")
    job = Job(text.replace("'1 min'", "'2 min'"), {"execution.state-recovery.path": savepoint})
    put(
        tmp_path,
        "impressions",
        1,
        [impression(Impression(T0, f"i{n}", ("a", "b"), measures=(1,))) for n in range(2_000)],
    )
    with pytest.raises(Exception, match="the savepoint was made with window_size = 60000, the job has 120000"):
        job._client.get_job_execution_result().result()


def test_ticks_let_live_rows_out_while_nothing_else_comes(jar: Path, tmp_path: Path) -> None:
    text = followed(tmp_path, jar).replace("TABLE events", "TABLE ticking_events")
    ticks = TICKS.read_text(encoding="utf-8")
    text = text.replace("CREATE TEMPORARY VIEW attributed", f"{ticks}\nCREATE TEMPORARY VIEW attributed")
    text = text.split("-- All parts of a closed window")[0]
    job = Job(text + "SELECT impressions FROM attributed WHERE kind = 'live';", {})
    # The first event goes out at once. The second one finds that a second has not passed; no watermark rises any more.
    put(tmp_path, "clicks", 0, [click(mark(0)[1])])
    for number in range(2):
        events = [Impression(T0, f"i{name}", (f"{number}", "b"), measures=(1,)) for name in range(200)]
        put(tmp_path, "impressions", number, map(impression, events))
    counted = 0
    with job.rows() as rows:
        for row in rows:
            counted += row[0]
            if counted == 400:
                break
    assert counted == 400
    job.cancel()


def test_late_events_are_told_one_by_one(jar: Path, tmp_path: Path) -> None:
    job = Job(followed(tmp_path, jar), {})
    steps: list[tuple[list[Impression], list[Click]]] = [
        ([Impression(T0, "in-time", ("a", "b"), measures=(1,))], []),
        ([mark(0)[0]], [mark(0)[1]]),
        ([Impression(T0 + 1, "late", ("a", "b"), measures=(1,))], [Click(T0 + 2, "late-click", "in-time")]),
        ([mark(1)[0]], [mark(1)[1]]),
    ]
    rows: list[Row] = []
    for number, (shown, clicked) in enumerate(steps):
        put(tmp_path, "impressions", number, map(impression, shown))
        put(tmp_path, "clicks", number, map(click, clicked))
        if number == 1:
            wait(lambda: len(read_rows(tmp_path / "ctr")) == 1, "the window did not close")
    wait(lambda: len(read_rows(tmp_path / "late")) == 2, "nothing was late")
    job.cancel()
    rows = read_rows(tmp_path / "late")
    assert [(row["event_id"], row["impressions"], row["clicks"]) for row in rows] == [
        ("late", 1, 0),
        ("late-click", 0, 1),
    ]
    assert [row["impression_count"] for row in read_rows(tmp_path / "ctr")] == [1]
