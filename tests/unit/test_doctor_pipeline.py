"""What a picture of a pipeline means: which partition holds the windows, when the next one closes, what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adclick_cli.broker.transactions import Hidden
from adclick_cli.doctor import judge, look
from adclick_cli.doctor.answer import answer
from adclick_cli.doctor.picture import Held, JobLook, Partition
from adclick_cli.flink.rest import Job
from adclick_cli.sql.render import JOB_CTR, JOBS
from tests.builders.pictures import NOW, PIPELINE, SILENT, T0, partition, picture, with_partition


def test_a_sound_pipeline_is_told_when_its_next_window_closes() -> None:
    plain = picture()
    assert all(one.state == "ok" for one in judge.findings(plain))
    # T0 + 60 s is read; windows are 22.001 s behind, so [30, 40) is open and needs 40 s - 1 ms + 20.001 s.
    assert plain.next_end_ms == T0 + 40_000
    assert plain.needed_ms == T0 + 60_000
    assert judge.left_ms(plain) == 2_000
    assert str(answer(plain)) == (
        "Rows come: the window that ends at 2026-01-01T00:00:40Z closes in about 2s, and shows up to 10s later."
    )
    assert str(answer(replace(plain, final_rows=False))).startswith("No rows yet, and nothing is wrong: ")


def test_the_silent_partition_is_named_with_its_mend() -> None:
    held = with_partition(SILENT, final_rows=False, windows_ms=T0 - 2_000 - PIPELINE.held_ms, heartbeat=False)
    assert str(answer(held)) == (
        "No rows yet: partition 2 of ad-impressions has sent nothing since 2026-01-01T00:00:00Z; windows wait for it."
        " Mend: adclick heartbeat"
    )
    wrong = [one for one in judge.findings(held) if one.state == "wrong"]
    assert [one.name for one in wrong] == ["partition 2 of ad-impressions"]


@pytest.mark.parametrize(
    "one",
    [
        replace(SILENT, idle=True),
        replace(SILENT, end=9, read=5),
        replace(SILENT, arrived_ms=NOW - 15_000),
        replace(SILENT, watermark_ms=NOW + 60_000),
    ],
    ids=["idle", "not read yet", "not silent for long", "ahead"],
)
def test_what_does_not_hold_a_window_is_not_accused(one: Partition) -> None:
    assert judge.holding(with_partition(one, windows_ms=T0 - 22_001)) == []


def test_when_every_window_is_closed_silence_is_no_fault() -> None:
    quiet = picture(
        now_ms=NOW + 3_600_000,
        windows_ms=NOW + 20_000,
        jobs={name: JobLook(Job("0" * 32, name, "RUNNING"), T0, NOW + 3_595_000) for name in JOBS},
    )
    assert judge.holding(quiet) == []
    assert str(answer(quiet)).startswith("Rows are complete")


def test_jobs_checkpoints_restarts_and_clocks() -> None:
    look = picture().jobs[JOB_CTR]
    gone = picture(jobs={})
    assert [one.mend for one in judge.jobs(gone)] == ["adclick submit"] * 2
    assert "adclick submit" in str(answer(gone))
    restarted = picture(jobs={name: replace(look, restarts=2, cause="java.io.IOException: gone") for name in JOBS})
    assert [one.state for one in judge.jobs(restarted)] == ["warning"] * 2
    assert "2 times. The newest cause: java.io.IOException: gone" in judge.jobs(restarted)[0].what
    old = picture(jobs={name: replace(look, checkpoint_ms=NOW - 90_000, failed_ms=NOW) for name in JOBS})
    assert "Without one no row is committed" in judge.checkpoints(old)[0].what
    assert "checkpoints" in str(answer(old))
    early = with_partition(partition("ad-clicks", 0, NOW + 90_000))
    assert [one.state for one in judge.clock(early)] == ["wrong"]
    dated = with_partition(partition("ad-clicks", 0, newest_ms=NOW + 90_000))
    assert [one.state for one in judge.clock(dated)] == ["warning"]
    assert "nobody" not in str(answer(picture(partitions=())))
    assert "adclick generate" in str(answer(picture(partitions=())))


@pytest.mark.parametrize(("age_ms", "state"), [(11_000, "warning"), (70_000, "wrong")])
def test_a_producers_open_transaction_in_a_raw_topic_is_named_with_its_partition_and_since_when(
    age_ms: int, state: str
) -> None:
    """The partition looks silent: its committed messages end where the transaction begins."""
    one = Hidden("ad-impressions", 2, 7, "shop-7", NOW - age_ms, 31)
    stuck = with_partition(SILENT, windows_ms=T0 - 2_000 - PIPELINE.held_ms, blocked=(one,))
    found = [one for one in judge.findings(stuck) if one.state != "ok"]
    assert [(one.name, one.state) for one in found] == [("partition 2 of ad-impressions", state)]
    assert f"transaction shop-7 is open since {judge.instant(NOW - age_ms)}" in found[0].what
    assert "first offset 31 on, 7 offsets" in found[0].what
    assert "commit or abort" in found[0].mend
    assert str(answer(stuck)).startswith("No new rows: partition 2 of ad-impressions: A producer's transaction shop-7")
    hanging = replace(stuck, blocked=(replace(one, transaction=None),))
    assert "--topic ad-impressions --partition 2 --start-offset 31" in str(answer(hanging))


def test_a_producers_transaction_of_a_moment_is_as_it_should_be() -> None:
    plain = picture(blocked=(Hidden("ad-impressions", 2, 7, "shop-7", NOW - 9_000),))
    assert all(one.state == "ok" for one in judge.findings(plain))


@pytest.mark.parametrize(("state", "found"), [(399, "ok"), (500, "ok"), (501, "warning"), (2_000, "warning")])
def test_state_beyond_half_of_the_heap_is_told_with_the_setting_that_helps(state: int, found: str) -> None:
    mib = 1_048_576
    held = (Held("tm-1", 600 * mib, 2_000 * mib), Held("tm-2", state * mib, 1_000 * mib))
    (one,) = [one for one in judge.findings(picture(held=held)) if one.name == "state"]
    assert one.state == found
    assert one.what.startswith(f"{state:,} MiB of state are on a heap of 1,000 MiB, on TaskManager tm-2.")
    if found == "warning":
        assert all(word in one.mend for word in ("ADCLICK_TASKMANAGER_MEMORY_MB", "--attribution", "--parallelism"))
    assert not [one for one in judge.findings(picture()) if one.name == "state"]


@pytest.mark.parametrize("portable", [True, False])
def test_a_window_that_the_function_waits_with_is_open_though_the_watermark_has_passed_it(portable: bool) -> None:
    """The joins hold the watermark back by as much as the function keeps a window open after it."""
    pipeline = replace(PIPELINE, portable=portable)
    mark = NOW - 2_000 - (PIPELINE.held_ms if portable else 0)
    operators = {"Source: impression_events[1]": NOW, "Calc[18] -> ctr_results[19]: Writer": mark}
    closed = look._windows(pipeline, operators)
    assert picture(pipeline=pipeline, windows_ms=closed).next_end_ms == T0 + 40_000
    assert look._windows(pipeline, {}) is None
    assert look._windows(pipeline, {"ctr_results[19]: Writer": None}) is None


def test_a_partition_that_was_added_and_that_flink_does_not_read_yet_is_told_instead_of_complete_rows() -> None:
    quiet = picture(windows_ms=NOW + 20_000)
    assert str(answer(quiet)).startswith("Rows are complete")
    new = partition("ad-impressions", 4, NOW - 40_000, end=1_358, read=None, watermark_ms=None)
    added = replace(quiet, partitions=(*quiet.partitions, new))
    assert str(answer(added)).startswith("No new rows: partition 4 of ad-impressions: Flink does not read it yet;")
    assert [(one.name, one.state) for one in judge.findings(added) if one.name == new.name] == [(new.name, "warning")]
    assert "new partitions every 2s" in str(answer(added))
    assert judge.holding(added) == []
    bounded = replace(added, pipeline=replace(PIPELINE, bounded=True, live=False))
    assert "submit --bounded --replace" in str(answer(bounded))


def test_a_partition_that_was_added_and_is_empty_loses_nothing() -> None:
    quiet = picture(windows_ms=NOW + 20_000)
    new = Partition("ad-impressions", 4, 0)
    assert judge.unread(replace(quiet, partitions=(*quiet.partitions, new))) == []


def test_before_flink_tells_of_any_partition_none_is_called_new() -> None:
    quiet = picture()
    started = tuple(replace(one, read=None) for one in quiet.partitions)
    assert judge.unread(replace(quiet, partitions=started)) == []


def test_a_transaction_that_nobody_ends_hides_rows_and_is_told() -> None:
    fresh, old = (Hidden("ctr_results", 1, 7, "adclick-ctr_results-0-3", NOW - age) for age in (9_000, 70_000))
    assert judge.hidden(picture(hidden=(fresh,))).state == "ok"
    stuck = picture(hidden=(old,))
    assert judge.hidden(stuck).state == "wrong"
    assert "7 offsets" in str(answer(stuck))
    assert "adclick up" in answer(stuck).mend


TIMES = st.one_of(st.none(), st.integers(T0 - 10**6, T0 + 10**6))
PARTITIONS = st.builds(
    Partition,
    topic=st.sampled_from(["ad-impressions", "ad-clicks"]),
    number=st.integers(0, 3),
    end=st.integers(0, 10),
    newest_ms=TIMES,
    beat_ms=TIMES,
    first_ms=TIMES,
    arrived_ms=TIMES,
    read=st.one_of(st.none(), st.integers(0, 10)),
    watermark_ms=TIMES,
    idle=st.booleans(),
)
LOOKS = st.builds(
    JobLook,
    job=st.builds(Job, st.just("0" * 32), st.sampled_from(JOBS), st.sampled_from(["RUNNING", "RESTARTING", "FAILED"])),
    began_ms=st.integers(T0 - 10**6, T0),
    checkpoint_ms=TIMES,
    failed_ms=TIMES,
    restarts=st.integers(0, 3),
)


@settings(deadline=None)
@given(
    st.lists(PARTITIONS, max_size=8),
    st.lists(LOOKS, max_size=2),
    TIMES,
    st.sampled_from([True, False, None]),
    st.integers(0, 5),
)
def test_whatever_is_seen_what_is_wrong_has_a_mend(
    partitions: list[Partition], looks: list[JobLook], windows_ms: int | None, beats: bool | None, count: int
) -> None:
    seen = picture(
        partitions=tuple(partitions),
        jobs={look.job.name: look for look in looks},
        windows_ms=windows_ms,
        heartbeat=beats,
        hidden=(Hidden("ctr_results", 0, count, None, T0),) * count,
        dead_letters=count,
    )
    found = judge.findings(seen)
    assert all(one.mend for one in found if one.state in ("warning", "wrong"))
    said = answer(seen)
    assert said.what.endswith(".")
    # Nobody is told that all is well while a partition holds the windows.
    if judge.holding(seen):
        assert said.mend
