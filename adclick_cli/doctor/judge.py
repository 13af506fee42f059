"""What a picture of a pipeline means: its findings. Nothing is asked of anybody here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from adclick_cli.broker.transactions import Hidden
from adclick_cli.doctor import heap
from adclick_cli.doctor.finding import Finding
from adclick_cli.doctor.picture import JobLook, Partition, Picture
from adclick_cli.events.heartbeat import topics
from adclick_cli.events.time_unit import LAST_MS, WORDS, as_ms, other_unit
from adclick_cli.parameters import Duration
from adclick_cli.sql import render

SLACK_MS = 10_000
"""Beyond what is planned, before something late is a finding: two cores may be busy."""
CLOCK_SLACK_MS = 5_000
FUTURE_MS = 60_000


def instant(ms: int) -> str:
    """A time of day as people compare it, in UTC: 12:00:00, with the date where it is another day."""
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def length(ms: int) -> str:
    """A length of time, whole seconds."""
    return str(Duration(max(0, ms) // 1000 * 1000))


def findings(picture: Picture) -> list[Finding]:
    """All of them, the most telling ones first."""
    return [
        *jobs(picture),
        *event_times(picture),
        *blocked(picture),
        *unread(picture),
        *partitions(picture),
        windows(picture),
        *lag(picture),
        *checkpoints(picture),
        *heap.findings(picture.held),
        hidden(picture),
        heartbeat(picture),
        *clock(picture),
        dead_letters(picture),
    ]


def jobs(picture: Picture) -> list[Finding]:
    """Both jobs are there and run; restarts are told with their cause."""
    found = []
    for name in render.JOBS:
        look = picture.jobs.get(name)
        if look is None:
            found.append(Finding(f"job {name}", "wrong", "Flink does not know it.", picture.submit))
        elif look.job.state != "RUNNING" and not (picture.pipeline.bounded and look.job.state == "FINISHED"):
            what = f"It is {look.job.state}. {look.job.reason or look.cause}".strip()
            mend = "adclick jobs" if look.job.active else picture.submit
            found.append(Finding(f"job {name}", "wrong", what, mend))
        elif look.trouble and not picture.pipeline.bounded:
            what = f"It {look.trouble.removeprefix(name).strip()}"
            found.append(Finding(f"job {name}", "wrong", what, "adclick logs jobmanager"))
        elif look.restarts:
            what = (
                f"It is RUNNING, and was restarted {_times(look.restarts)}. The newest cause: {look.cause or 'unknown'}"
            )
            found.append(Finding(f"job {name}", "warning", what, "adclick logs taskmanager"))
        else:
            found.append(Finding(f"job {name}", "ok", f"It is {look.job.state}, and was never restarted."))
    return found


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def event_times(picture: Picture) -> list[Finding]:
    """Partitions whose newest events carry a time that is likely in another unit than the declared one."""
    events, found = topics(picture.pipeline), []
    for one in picture.partitions:
        source = events[one.topic].source
        unit = None if one.odd is None else other_unit(one.odd, source.time_unit)
        if unit is None or one.odd is None:
            continue
        word = WORDS[source.time_unit]
        taken_ms = as_ms(one.odd, source.time_unit)
        counted = (
            f"taken for {word} it is {instant(taken_ms)}"
            if taken_ms < LAST_MS
            else f"taken for {word} it is too far ahead, so that the message is no event"
        )
        name = ".".join(source.time)
        what = f"{name} in {one.name} is {one.odd}: likely {unit}. adclick reads {word}; {counted}."
        mend = f"Let the producer send {word} since 1970-01-01 UTC; then `adclick submit --replace`."
        found.append(Finding("event times", "warning", what, mend))
    return found


def holding(picture: Picture) -> list[Partition]:
    """The silent partitions that keep the next window open while there are impressions to count."""
    if not picture.pending or picture.pipeline.bounded:
        return []
    # A partition whose newest messages Flink may not read, or does not read yet, is not silent.
    told = {(one.topic, one.partition) for one in picture.blocked}
    told |= {(one.topic, one.number) for one in not_read(picture)}
    return [
        one
        for one in picture.partitions
        if _behind(picture, one) and _silent(picture, one) and (one.topic, one.number) not in told
    ]


def not_read(picture: Picture) -> list[Partition]:
    """The partitions with messages that Flink does not know, though it reads others of the same topic."""
    known = {one.topic for one in picture.partitions if one.read is not None}
    return [one for one in picture.partitions if one.read is None and one.end > 0 and one.topic in known]


def unread(picture: Picture) -> list[Finding]:
    """Each partition that was added to a topic and that Flink has not found."""
    if picture.pipeline.bounded:
        looks = "A bounded run reads the partitions that were there when it began"
        mend = "adclick submit --bounded --replace"
    else:
        looks = f"It looks for new partitions every {picture.pipeline.partition_discovery}"
        mend = "Wait so long; if it stays so, see `adclick logs jobmanager`."
    return [
        Finding(
            one.name,
            "wrong" if picture.pipeline.bounded else "warning",
            f"Flink does not read it yet; its next offset is {one.end:,}. {looks}.",
            mend,
        )
        for one in not_read(picture)
    ]


def blocked(picture: Picture) -> list[Finding]:
    """Each partition of a raw topic in which a producer's transaction has been open for long: Flink stops before it."""
    return [_blocked(picture, one) for one in picture.blocked if picture.now_ms - one.since_ms > SLACK_MS]


def _blocked(picture: Picture, one: Hidden) -> Finding:
    name = f"partition {one.partition} of {one.topic}"
    whose = f"transaction {one.transaction}" if one.transaction else "transaction that no coordinator knows"
    what = (
        f"A producer's {whose} is open since {instant(one.since_ms)}. Flink reads nothing from its first offset"
        f" {one.begin:,} on, {one.rows:,} offsets so far, and windows wait for it."
    )
    mend = (
        "The producer must commit or abort it; the broker aborts it after the producer's transaction.timeout.ms."
        if one.transaction
        else f"`kafka-transactions.sh abort --topic {one.topic} --partition {one.partition} --start-offset {one.begin}`"
    )
    return Finding(name, "wrong" if picture.now_ms - one.since_ms > allowed_ms(picture) else "warning", what, mend)


def _behind(picture: Picture, one: Partition) -> bool:
    if one.idle:
        return False
    needed = picture.needed_ms
    return one.watermark_ms is None or (needed is not None and one.watermark_ms < needed)


def _silent(picture: Picture, one: Partition) -> bool:
    if one.lag:
        return False
    # A new partition has as long as one that fell silent: heartbeats come to it, too, if somebody writes them.
    since = one.arrived_ms or (picture.began_ms if picture.heartbeat else 0)
    return picture.now_ms - since > picture.silence_ms + SLACK_MS


def _since(one: Partition) -> str:
    return (
        "has never carried an event" if one.arrived_ms is None else f"has sent nothing since {instant(one.arrived_ms)}"
    )


def heartbeat_mend(picture: Picture) -> str:
    """What lets silent partitions go on."""
    return "adclick heartbeat" if not picture.heartbeat else "send events, or `adclick logs heartbeat`"


def partitions(picture: Picture) -> list[Finding]:
    """Each partition that holds windows back."""
    held = holding(picture)
    if not held:
        count = len(picture.partitions)
        return [Finding("partitions", "ok", f"None of {count} holds a window back beyond what is planned.")]
    return [
        Finding(one.name, "wrong", f"It {_since(one)}; windows wait for it.", heartbeat_mend(picture)) for one in held
    ]


def windows(picture: Picture) -> Finding:
    """The next window to close, when, and what it waits for."""
    end, needed = picture.next_end_ms, picture.needed_ms
    if end is None or needed is None:
        if not any(one.arrived_ms for one in picture.partitions):
            return Finding("windows", "skipped", "No event has come: there is no window to close.")
        return Finding("windows", "ok", "Flink has no watermark yet: it has not read an event from every partition.")
    if not picture.pending:
        return Finding("windows", "ok", f"Every window with events is closed; event time is at {instant(end)}.")
    event_ms = needed + 1 + picture.pipeline.watermark_delay.ms
    what = (
        f"The next one ends at {instant(end)}; it closes when every partition has carried an event of"
        f" {instant(event_ms)} or later (attribution {picture.pipeline.attribution}, watermark delay"
        f" {picture.pipeline.watermark_delay})"
    )
    held, left = holding(picture), left_ms(picture)
    if held:
        return Finding("windows", "ok", f"{what}; silent are {', '.join(one.name for one in held)}.")
    return Finding("windows", "ok", f"{what}, in about {length(left)}." if left is not None else f"{what}.")


def left_ms(picture: Picture) -> int | None:
    """How long until the next window closes, if event time goes on like the clock; None where that is not known."""
    needed = picture.needed_ms
    marks = [one.watermark_ms for one in picture.partitions if not one.idle]
    known = [mark for mark in marks if mark is not None]
    if needed is None or not known or len(known) < len(marks):
        return None
    return max(0, needed - min(known))


def lag(picture: Picture) -> list[Finding]:
    """Partitions that Flink has not read to their end; it is told in messages and in event time."""
    late = [one for one in picture.partitions if one.lag and _event_lag(picture, one) > FUTURE_MS]
    if late:
        worst = max(late, key=lambda one: one.lag or 0)
        what = (
            f"Flink still has {sum(one.lag or 0 for one in late):,} messages to read; of {worst.name} {worst.lag:,},"
            f" {length(_event_lag(picture, worst))} of event time."
        )
        return [Finding("lag", "warning", what, "Wait; if it grows, submit with more --parallelism.")]
    if any(one.lag is None for one in picture.partitions):
        return [Finding("lag", "skipped", "Flink has not told yet how far it has read.")]
    return [Finding("lag", "ok", f"{sum(one.lag or 0 for one in picture.partitions):,} messages are to be read.")]


def _event_lag(picture: Picture, one: Partition) -> int:
    if one.watermark_ms is None or one.newest_ms is None:
        return 0
    return one.newest_ms - picture.pipeline.watermark_delay.ms - one.watermark_ms


def checkpoints(picture: Picture) -> list[Finding]:
    """Rows are committed with a checkpoint: how old the newest one is, and whether one failed since."""
    if picture.pipeline.bounded:
        return []
    return [_checkpoint(picture, look) for look in picture.jobs.values() if look.job.state == "RUNNING"]


def _checkpoint(picture: Picture, look: JobLook) -> Finding:
    name = f"checkpoints {look.job.name}"
    age = picture.now_ms - (look.checkpoint_ms or look.began_ms)
    there = "The newest one was begun" if look.checkpoint_ms else "There is none; the job began"
    what = f"{there} {length(age)} ago (every {picture.pipeline.checkpoint_interval})."
    failed = look.failed_ms is not None and look.failed_ms > (look.checkpoint_ms or 0)
    if failed:
        what += f" One failed since: {look.failure or 'Flink tells no reason'}"
    if overdue(picture, look):
        return Finding(name, "wrong", f"{what} Without one no row is committed.", "adclick logs jobmanager")
    return Finding(name, "warning", what, "adclick logs jobmanager") if failed else Finding(name, "ok", what)


def overdue(picture: Picture, look: JobLook) -> bool:
    """Whether a checkpoint should have been there by now."""
    return picture.now_ms - (look.checkpoint_ms or look.began_ms) > allowed_ms(picture)


def allowed_ms(picture: Picture) -> int:
    """How long results may wait for their commit: three checkpoints, and some time on a busy machine."""
    return 3 * picture.pipeline.checkpoint_interval.ms + 3 * SLACK_MS


def hidden(picture: Picture) -> Finding:
    """Rows behind an open transaction: until the next checkpoint that is as it should be."""
    if not picture.hidden:
        return Finding("transactions", "ok", "No row waits behind an open transaction.")
    oldest = min(picture.hidden, key=lambda one: one.since_ms)
    age = picture.now_ms - oldest.since_ms
    told = f"{sum(one.rows for one in picture.hidden):,} offsets lie behind open transactions, the oldest of"
    told += f" {length(age)} ago in {oldest.topic}"
    if age <= allowed_ms(picture):
        return Finding("transactions", "ok", f"{told}: the next checkpoint commits them.")
    mend = "`adclick up` aborts what no job will end; the broker does so after --transaction-timeout."
    return Finding("transactions", "wrong", f"{told}, and no reader sees what is behind it.", mend)


def heartbeat(picture: Picture) -> Finding:
    """Whether a process lets silent partitions go on."""
    if picture.heartbeat is None:
        what = "A broker of your own gets none unasked; whether `adclick heartbeat` runs elsewhere cannot be seen."
        return Finding("heartbeat", "skipped", what)
    if picture.heartbeat:
        return Finding("heartbeat", "ok", "Its process runs: silent partitions hold no window for long.")
    what = "No process writes heartbeats: a silent partition holds every window."
    return Finding("heartbeat", "warning", what, "`adclick up` starts it, or run `adclick heartbeat`.")


def clock(picture: Picture) -> list[Finding]:
    """Whether messages or events come from the future."""
    seen = [one for one in picture.partitions if one.arrived_ms is not None]
    ahead = [one for one in seen if (one.arrived_ms or 0) > picture.now_ms + CLOCK_SLACK_MS]
    if ahead:
        worst = max(ahead, key=lambda one: one.arrived_ms or 0)
        came = instant(worst.arrived_ms or 0)
        what = f"The newest message of {worst.name} is of {came}, here it is {instant(picture.now_ms)}."
        return [Finding("clock", "wrong", what, "Set the clocks of this machine, the producers and the broker (NTP).")]
    future = [one for one in seen if (one.newest_ms or 0) > picture.now_ms + FUTURE_MS]
    if future:
        worst = max(future, key=lambda one: one.newest_ms or 0)
        what = (
            f"An event of {worst.name} is dated {instant(worst.newest_ms or 0)}, here it is {instant(picture.now_ms)}."
        )
        mend = "See the producer's clock; --max-ahead says how much is taken. Events of the present may now be late."
        return [Finding("clock", "warning", what, mend)]
    return [Finding("clock", "ok", "No event comes from the future.")]


def dead_letters(picture: Picture) -> Finding:
    """Messages that are no events."""
    if not picture.pipeline.dead_letters:
        return Finding("dead letters", "skipped", "The pipeline was submitted without them.")
    if not picture.dead_letters:
        return Finding("dead letters", "ok", "There are none.")
    total = sum(one.end for one in picture.partitions)
    what = f"About {picture.dead_letters:,} of {total:,} messages are no events."
    return Finding("dead letters", "warning", what, "adclick watch quality")


def first_wrong(found: Sequence[Finding]) -> Finding | None:
    """The most telling of those that are wrong."""
    return next((one for one in found if one.state == "wrong"), None)
