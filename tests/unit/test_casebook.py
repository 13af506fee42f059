"""Cases of `adclick test` without Flink: reading, arriving, the oracle's side, comparing, writing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adclick_cli.casebook import arrival, junit, lines, oracle, planning, reading, rows, run, updating
from adclick_cli.casebook.model import Beat, Case, CaseFileError, Click, Impression, Watermark
from adclick_cli.casebook.rows import Difference
from adclick_cli.casebook.run import Outcome
from adclick_cli.commands.program import app
from adclick_cli.errors import AdclickError, ParameterError
from adclick_cli.parameters import Duration
from adclick_cli.pipeline import Pipeline
from adclick_cli.settings import Settings
from adclick_cli.sql import options, render
from adclick_cli.sql.script import compact
from tests.builders import any_order

HOUR = Duration(3_600_000)
T0 = 1_767_225_600_000
EXAMPLES = Path(__file__).parents[2] / "examples" / "tests"
CASE = """\
# kept
cases:
  - name: one  # kept, too
    given:
      - impression i1 camp-1 mobile at +3s
    expect:
      ctr:
        - {window: +0s, campaign: camp-1, impressions: 1}
"""

words = st.text("abcXYZ019_-", min_size=1, max_size=8)
times = st.integers(-(10**6), 10**9)
partitions = st.integers(0, 999)
optional = st.none() | words
steps = st.one_of(
    st.builds(Impression, words, words, words, times, partitions, optional, optional),
    st.builds(Click, words, words, times, partitions, optional),
    st.builds(Beat, st.sampled_from(["impressions", "clicks"]), times, partitions),
)


@given(steps)
def test_a_line_reads_as_what_it_was_written_from(step: Impression | Click | Beat) -> None:
    assert lines.parse_line(lines.format_step(step)) == [step]


@given(times)
def test_a_time_reads_as_what_it_was_written_from(ms: int) -> None:
    assert lines.parse_offset(lines.format_offset(ms), "at") == ms


def test_a_range_is_several_events() -> None:
    found = lines.parse_line("click c8..c10 of i1..i3 at +5s")
    assert [(one.id, one.of) for one in found if isinstance(one, Click)] == [("c8", "i1"), ("c9", "i2"), ("c10", "i3")]


@pytest.mark.parametrize(
    "text",
    [
        "impression i1 camp-1 at +3s",
        "impression i1 camp-1 mobile at 3s",
        "impression i1 camp-1 mobile at +3 s",
        "click c1 of i1 at +5s ad=a1",
        "click c1..c3 of i1..i2 at +5s",
        "heartbeat alerts at +5s",
        "impression i1 camp-1 mobile at +3s partition=x",
        "impression i1 camp-1 mobile at +3s user=a user=b",
        "impression a9..a1 camp-1 mobile at +3s",
    ],
)
def test_a_line_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParameterError) as error:
        lines.parse_line(text)
    assert error.value.mend


def written(folder: Path, text: str) -> Path:
    path = folder / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "after", "line", "field"),
    [
        ("at +3s", "at 3s", 5, "at '3s'"),
        ("    given:", "    settings: {window: 1x}\n    given:", 4, "window '1x'"),
        ("    given:", "    settings: {method: magic}\n    given:", 4, "method 'magic'"),
        ("    given:", "    settings:\n      min_impressions: many\n    given:", 5, "min_impressions 'many'"),
        ("    given:", "    settings: {home: x}\n    given:", 4, "home"),
        ("    given:", "    start: soon\n    given:", 4, "start"),
        ("    given:", "    givne:", 4, "givne"),
        ("      ctr:", "      crt:", 7, "crt"),
        ("campaign: camp-1", "campain: camp-1", 8, "campain"),
        ("window: +0s", "window: 0s", 8, "window '0s'"),
        ("cases:", "cases: 5\nmore:", 3, "more"),
        ("  - name: one", "  - nam: one", 3, "nam"),
        ("- impression i1", "- impressions raw: 5\n      - impression i1", 5, "impressions raw"),
        ("      - impression i1 camp-1 mobile at +3s", "      - [1, 2]", 5, "0"),
        ("{window", "{{window", 9, "YAML"),
    ],
)
def test_an_error_names_file_line_field_and_mend(
    tmp_path: Path, before: str, after: str, line: int, field: str
) -> None:
    path = written(tmp_path, CASE.replace(before, after, 1))
    with pytest.raises(CaseFileError) as error:
        reading.read(path)
    assert error.value.what == f"{path}, line {error.value.line}: {error.value.field} cannot be used"
    assert (error.value.line, error.value.field) == (line, field)
    assert error.value.mend
    assert error.value.exit_code == 2


def test_no_variable_changes_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_WINDOW", "1h")
    assert reading.read(written(tmp_path, CASE))[0].pipeline.window.ms == 60_000


def examples() -> list[Case]:
    return [case for path in reading.find([EXAMPLES]) for case in reading.read(path)]


def test_the_oracle_gives_what_the_examples_expect() -> None:
    cases = examples()
    assert len(cases) >= 20
    for case in cases:
        made = oracle.run(case, arrival.arrive(case))
        for record, expected in case.expect.items():
            assert rows.against("oracle", record, expected, made[record]) == [], case.name


def test_each_side_of_a_limit_differs_by_a_millisecond() -> None:
    late = {case.name: [arrival.event_name(one) for one in arrival.arrive(case).late] for case in examples()}
    assert late["an impression counts until its window closes"] == []
    assert late["an impression is too late a millisecond later"] == ["impression i2"]
    assert late["a click counts while the watermark is at most its impression plus attribution"] == []
    assert late["a click is too late a millisecond later"] == ["click c1"]


def test_one_partition_is_fed_so_that_it_has_the_watermarks_of_several(tmp_path: Path) -> None:
    given = "\n      - ".join(
        [
            "impression i1 c m at +1h partition=0",
            "impression i2 c m at +10s partition=1",
            "impression i3 c m at +5s partition=1",
            "impression i4 c m at +2h partition=1",
        ]
    )
    case = reading.read(written(tmp_path, CASE.replace("impression i1 camp-1 mobile at +3s", given)))[0]
    found = arrival.arrive(case)
    assert [arrival.event_name(one)[-2:] for one in found.fed] == ["i2", "i3", "i1", "i4"]
    assert not found.behind


def test_what_raises_the_watermark_is_fed_behind_what_has_waited_for_it(tmp_path: Path) -> None:
    found = arrived(
        tmp_path,
        *("impression i1 c m at +1s partition=1", "impression i2 c m at +10s", "impression i3 c m at +5s"),
        *("impression i4 c m at +10s partition=1", "impression i5 c m at +1m", "impression i6 c m at +2s"),
    )
    # i4 lets i2 and i3 go on. i6 is behind, so it goes before i5, which waits.
    assert [arrival.event_name(one)[-2:] for one in found.fed] == ["i1", "i3", "i2", "i4", "i6", "i5"]


def arrived(folder: Path, *given: str, settings: str = "", portable: bool = False) -> arrival.Arrival:
    """What arrives of a case with these steps."""
    text = CASE.replace("impression i1 camp-1 mobile at +3s", "\n      - ".join(given))
    text = text.replace("    given:", f"    settings: {{{settings}}}\n    given:")
    return arrival.arrive(reading.read(written(folder, text), portable=portable)[0])


CLICK_FIRST = ("click c1 of i1 at +5s", "watermark: +30s", "impression i1 camp-1 mobile at +3s")
SHOWN_LATE = ("impression i1 c m at +3s", "watermark: +30s", "impression i2 c m at +4s")
"""Its window is still open."""


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        (CLICK_FIRST, ""),
        (SHOWN_LATE, "clock_skew: 1h"),
    ],
)
def test_what_depends_on_what_the_joins_have_forgotten_is_refused(
    tmp_path: Path, given: tuple[str, ...], settings: str
) -> None:
    with pytest.raises(CaseFileError, match="line 3"):
        arrived(tmp_path, *given, settings=settings, portable=True)
    assert arrived(tmp_path, *given, settings=settings).late == []


# Its window closes at +1m59s999ms and a millisecond, with a dedup window a minute and two milliseconds later.
CLOSED = ("impression i1 c m at +3s", "impression i2 c m at +2m", "click c2 of i2 at +2m5s")


@pytest.mark.parametrize(
    ("given", "settings", "refused"),
    [
        # The click may be one of two of the first window's user and ad.
        ((*CLOSED, "watermark: +3m1ms", "click c3 of i2 at +2m4s"), "dedup_window: 2s", False),
        (("impression i1 c m at +1m3s", *CLOSED[1:], "watermark: +4m1ms", "click c3 of i2 at +2m4s"), "", False),
        (
            ("impression i1 c m at +1m3s", *CLOSED[1:], "watermark: +4m1ms", "impression i4 c m at +2m4s"),
            "dedup_window: 2s",
            True,
        ),
        (
            ("impression i1 c m at +1m3s", *CLOSED[1:], "watermark: +4m1ms", "impression i4 c m at +3m4s"),
            "dedup_window: 2s",
            False,
        ),
        # The id of a click that is too late is there all the same.
        ((*CLOSED, "watermark: +3m1ms", "click c9 of i2 at +2m4s"), "unique_ids: 1m", True),
        ((*CLOSED, "watermark: +3m1ms", "click c9 of i2 at +2m4s"), "", False),
        # In time for one of its impressions, too late for the other.
        (
            ("impression i1 c m at +3s", "impression i1 d m at +20s", "watermark: +1m4s", "click c1 of i1 at +25s"),
            "",
            True,
        ),
        (
            ("impression i1 c m at +3s", "impression i1 d m at +20s", "watermark: +1m3s", "click c1 of i1 at +25s"),
            "",
            False,
        ),
    ],
)
def test_what_would_change_a_window_that_has_closed_is_refused(
    tmp_path: Path, given: tuple[str, ...], settings: str, refused: bool
) -> None:
    settings = f"attribution: 1m, {settings}"
    if refused:
        with pytest.raises(CaseFileError, match="line 3"):
            arrived(tmp_path, *given, settings=settings)
    else:
        arrived(tmp_path, *given, settings=settings)


def test_what_is_fed_from_one_partition_is_as_late_as_it_was_from_several(tmp_path: Path) -> None:
    cases = any_order.decided(tmp_path, 1, 300)
    several = [one for one in cases if len({message.partition for message in one[1].messages}) > 1]
    assert sum(bool(found.late) for _, found in several) > 20
    for case, found in several:
        given = tuple(step if isinstance(step, Watermark) else replace(step, partition=0) for step in case.given)
        fed = arrival.Arrival([replace(message, partition=0) for message in found.fed], found.arrived_ms)
        arrival.judge(replace(case, given=given), fed)

        def names(messages: list[arrival.Message]) -> list[str]:
            return sorted(arrival.event_name(one) for one in messages)

        assert names(fed.messages) == names(found.messages)
        assert names(fed.late) == names(found.late), case.given


def test_events_of_one_message_are_all_late_or_none_is(tmp_path: Path) -> None:
    def raw(*times: int) -> str:
        events = [
            {"impression_id": f"r{at}", "campaign_id": "c", "device_type": "m", "event_timestamp": T0 + at}
            for at in times
        ]
        return f"impressions raw: '{json.dumps(events)}'"

    before = ("impression i1 c m at +3s", "watermark: +2m")
    both = arrived(tmp_path, *before, raw(20_000, 30_000), settings="attribution: 1m")
    assert [arrival.event_name(one) for one in both.late] == ["impressions 2"]
    assert arrived(tmp_path, *before, raw(60_000, 70_000), settings="attribution: 1m").late == []
    with pytest.raises(CaseFileError, match="others do not"):
        arrived(tmp_path, *before, raw(20_000, 60_000), settings="attribution: 1m")


def test_the_other_engine_runs_what_one_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def portable(text: str, wanted: bool) -> bool:
        return reading.read(written(tmp_path, text), portable=wanted)[0].pipeline.portable

    assert [portable(CASE, wanted) for wanted in (False, True)] == [False, True]
    assert reading.read(written(tmp_path, CASE))[0].pipeline.portable is reading.PORTABLE
    for said in (True, False):
        fixed = CASE.replace("    given:", f"    settings: {{portable: {str(said).lower()}}}\n    given:")
        assert [portable(fixed, wanted) for wanted in (False, True)] == [said, said]
    lines = CASE.replace("    given:", '    given:\n      - clicks raw: "a\\nb"')
    assert portable(lines, wanted=True) is False
    with pytest.raises(CaseFileError, match="line break"):
        portable(lines.replace("    given:", "    settings: {portable: true}\n    given:"), wanted=False)
    right = Settings.pipeline

    def without_dedup(settings: Settings, **more: Any) -> Pipeline:
        if settings.portable and settings.dedup_window != "0s":
            raise ParameterError("dedup-window", settings.dedup_window, "Plain SQL has none.", "Leave it out.")
        return right(settings, **more)

    monkeypatch.setattr(Settings, "pipeline", without_dedup)
    dedup = CASE.replace("    given:", "    settings: {dedup_window: 2s}\n    given:")
    assert [portable(dedup, wanted) for wanted in (False, True)] == [False, False]


def test_the_jobs_are_the_statements_that_submit_sends_and_no_others() -> None:
    for pipeline in (Pipeline(), replace(Pipeline(), method="ratio", dedup_window=Duration(2000), unique_ids=HOUR)):
        where = options.kafka(pipeline)
        sent = compact(render.script(replace(pipeline, live=False), where))
        found = planning.jobs(pipeline, ("alerts", "dead_letters"), where)
        assert all(text in sent for job in found for text in job.texts)
        # All but the mark by which Flink tells whose job it is.
        left = "\n".join(line for line in sent.splitlines() if render.MARK not in line)
        for text in sorted({text for job in found for text in job.texts}, key=len, reverse=True):
            left = left.replace(text, "")
        assert set(left.replace("EXECUTE STATEMENT SET BEGIN", "").replace("END", "").split()) == {";"}


def test_cases_share_the_jobs_that_their_settings_do_not_change() -> None:
    where = planning.transport(Path("/nowhere"), Pipeline())

    def shared(records: tuple[str, ...], **settings: Any) -> list[bool]:
        other = replace(Pipeline(), **settings)
        plain = planning.jobs(Pipeline(), records, where)
        return [one == two for one, two in zip(plain, planning.jobs(other, records, where), strict=True)]

    assert shared(("ctr", "alerts"), min_impressions=9) == [True, False]
    assert shared(("ctr", "dead_letters"), min_impressions=9) == [True, True]
    assert shared(("alerts", "dead_letters"), attribution=HOUR) == [False, True, True]
    assert shared(("dead_letters",), max_ahead=Duration(7_200_000)) == [False, False]
    assert planning.jobs(Pipeline(), ("ctr",), where) == planning.jobs(Pipeline(), ("alerts",), where)[:1]


def outcome(path: Path, *found: dict[str, object], disagreement: bool = False) -> Outcome:
    case = reading.read(path)[0]
    made = Outcome(case, flink={"ctr": list(found)}, oracle={"ctr": list(found)})
    made.differences = rows.against("flink", "ctr", case.expect["ctr"], list(found))
    if disagreement:
        made.disagreement = [Difference("flink, by the oracle", "ctr", "MISSING", {})]
    return made


ROW: dict[str, object] = {
    "window": "+0s",
    "end": "+1m",
    "campaign": "camp-1",
    "impressions": 2,
    "clicks": 0,
    "ctr": 0.0,
}


def test_a_row_that_differs_is_missing_and_unexpected(tmp_path: Path) -> None:
    path = written(tmp_path, CASE)
    assert outcome(path, {**ROW, "impressions": 1}).passed
    assert [one.kind for one in outcome(path, ROW).differences] == ["MISSING", "UNEXPECTED"]
    assert [one.kind for one in outcome(path).differences] == ["MISSING"]
    contains = written(tmp_path, CASE.replace("      ctr:\n        -", "      ctr:\n        contains:\n          -"))
    assert outcome(contains, {**ROW, "impressions": 1}, {**ROW, "campaign": "camp-2"}).passed
    nothing = written(tmp_path, CASE[: CASE.index("ctr:")] + "ctr: none\n")
    assert outcome(nothing).passed
    assert [one.kind for one in outcome(nothing, ROW).differences] == ["UNEXPECTED"]


def test_update_writes_what_came_out_and_keeps_comments(tmp_path: Path) -> None:
    path = written(tmp_path, CASE)
    assert updating.update([outcome(path, ROW)]) == [path]
    wanted = CASE.replace("impressions: 1", "impressions: 2, clicks: 0")
    assert path.read_text(encoding="utf-8") == wanted
    assert outcome(path, ROW).passed


def test_update_refuses_where_the_engines_disagree(tmp_path: Path) -> None:
    path = written(tmp_path, CASE)
    with pytest.raises(AdclickError, match="nothing was written"):
        updating.update([outcome(path, ROW, disagreement=True)])
    assert path.read_text(encoding="utf-8") == CASE


def test_junit_tells_cases_failures_and_errors(tmp_path: Path) -> None:
    path = written(tmp_path, CASE)
    broken = outcome(path, {**ROW, "impressions": 1})
    broken.error = "a job ended\x00"
    junit.write(tmp_path / "junit.xml", [outcome(path, {**ROW, "impressions": 1}), outcome(path, ROW), broken])
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    assert "MISSING" in (suite.findtext("testcase/failure") or "")


def test_cases_are_chosen_by_name(tmp_path: Path) -> None:
    cases = reading.read(written(tmp_path, CASE))
    assert run.chosen(cases, "ONE") == cases
    with pytest.raises(ParameterError, match="cannot be used"):
        run.chosen(cases, "two")
    with pytest.raises(ParameterError):
        run.chosen(cases, "(")


@pytest.mark.parametrize(("words", "portable"), [([], [False, True]), (["--portable"], [True, True])])
def test_the_command_says_which_engine_runs_the_cases_that_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], portable: list[bool]
) -> None:
    fixed = CASE[CASE.index("  - name") :].replace("one", "two", 1)
    path = written(tmp_path, CASE + fixed.replace("    given:", "    settings: {portable: true}\n    given:"))
    ran: list[Case] = []

    def runs(cases: list[Case], *_: object) -> list[Outcome]:
        ran.extend(cases)
        return [Outcome(case) for case in cases]

    monkeypatch.setattr(run, "run", runs)
    done = CliRunner().invoke(app, ["test", str(path), *words, "--output", "json"])
    assert done.exit_code == 0, done.output
    assert [case.pipeline.portable for case in ran] == portable
    assert [json.loads(line)["portable"] for line in done.stdout.splitlines()] == portable
