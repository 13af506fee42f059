"""The whole examination: machine, set-up, pipeline; and mending what is safe to mend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adclick_cli import faults, schema, settings, submission
from adclick_cli.broker import admin
from adclick_cli.doctor import answer as answers
from adclick_cli.doctor import config, judge, look, machine, setup
from adclick_cli.doctor.answer import Answer
from adclick_cli.doctor.finding import Finding
from adclick_cli.doctor.picture import Picture
from adclick_cli.errors import AdclickError, BrokerError, ParameterError
from adclick_cli.flink.rest import FlinkRest
from adclick_cli.runtime import disk, heartbeat
from adclick_cli.runtime.choose import choose
from adclick_cli.runtime.jars import Progress
from adclick_cli.runtime.service import Report, ServiceStatus
from adclick_cli.settings import Settings


@dataclass(frozen=True)
class Examination:
    """All that was found.

    Attributes:
        answer: why there are no rows, or when they come.
        findings: machine, set-up, pipeline, in this order.
        picture: the pipeline; None where none could be looked at.
    """

    answer: Answer
    findings: tuple[Finding, ...]
    picture: Picture | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; a warning is not."""
        return all(one.state != "wrong" for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "answer": self.answer.what,
            "mend": self.answer.mend,
            "ok": self.ok,
            "findings": [one.to_json() for one in self.findings],
            "pipeline": self.picture.to_json() if self.picture else None,
        }


def examine(progress: Progress) -> Examination:
    """Look at everything; nothing is changed."""
    try:
        loaded = settings.load()
    except ParameterError as error:
        bad = config.refused(error)
        rest = Finding("the rest", "skipped", "Without settings nothing can be looked at.")
        return Examination(answers.of_finding(bad), (bad, rest))
    services, trouble = _services(loaded)
    found = [
        *_section("machine", lambda: machine.examine(loaded, services)),
        *_section("settings", lambda: config.examine(loaded)),
        *_section("set-up", lambda: setup.examine(loaded, services, progress)),
        *trouble,
    ]
    examined = _with_pipeline(loaded, services, found)
    full = disk.full(loaded.home)
    # Whatever else is wrong comes of it, and starting a service again does not help.
    return replace(examined, answer=Answer(f"No rows: the disk is full. {full}", disk.MEND)) if full else examined


def _services(loaded: Settings) -> tuple[list[ServiceStatus], list[Finding]]:
    try:
        with faults.typed():
            return choose(loaded).services(), []
    except AdclickError as error:
        return [], [_told("services", error)]


def _section(name: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    """What a look finds; a file or a machine that does not let it look is a finding, too."""
    try:
        with faults.typed():
            return look()
    except AdclickError as error:
        return [_told(name, error)]


def _told(name: str, error: AdclickError) -> Finding:
    what = f"{error.what}. {error.why}".strip()
    return Finding(name, "wrong", what, error.mend or "adclick status")


def _with_pipeline(loaded: Settings, services: Sequence[ServiceStatus], found: list[Finding]) -> Examination:
    away = [one.name for one in services if one.state == "unreachable"]
    if away:
        mend = "Start it, or correct ADCLICK_FLINK_URL and ADCLICK_BOOTSTRAP_SERVERS."
        what = f"Not reached: {', '.join(away)} of the remote cluster.{_why_no_broker(loaded)}"
        trouble = Finding("cluster", "wrong", what, mend)
        return Examination(answers.of_finding(trouble), (*found, trouble))
    running = [one for one in services if one.state == "running"]
    if not running:
        stop = judge.first_wrong(found)
        empty = Answer("No rows: no cluster of this home is up.", "adclick up")
        found.append(Finding("pipeline", "skipped", "No cluster of this home is up: nothing to look at."))
        return Examination(
            Answer(f"{empty.what} In its way: {stop.name}: {stop.what}", stop.mend) if stop else empty, tuple(found)
        )
    try:
        with faults.typed():
            # A record of another version, or settings that cannot be used.
            pipeline = submission.current_pipeline(loaded) or loaded.pipeline()
            missing = _topics(loaded)
            found.append(missing)
            if missing.state == "wrong":
                return Examination(answers.of_finding(missing), tuple(found))
            picture = look.look(loaded, pipeline, FlinkRest(loaded.flink_rest), _heartbeats(loaded, services))
    except AdclickError as error:
        trouble = _told("pipeline", error)
        return Examination(answers.of_finding(trouble), (*found, trouble))
    return Examination(answers.answer(picture), (*found, *judge.findings(picture)), picture)


def _why_no_broker(loaded: Settings) -> str:
    """Why the broker does not answer, as a further sentence; empty where it does."""
    try:
        admin.require_listener(loaded.servers)
    except BrokerError as error:
        what = f"{error.what}. {error.why}".strip()
        return f" {what[0].upper()}{what[1:]}"
    return ""


def _topics(loaded: Settings) -> Finding:
    wanted = admin.topic_names(loaded.topics(), schema.ALL)
    missing = [name for name in wanted if name not in set(admin.list_topics(loaded.servers))]
    if not missing:
        return Finding("topics", "ok", f"All {len(wanted)} are there.")
    what = f"There is no topic {', '.join(missing)}."
    mend = "`adclick doctor --fix` makes them, and so do `adclick up` and `adclick submit`."
    return Finding("topics", "wrong", what, mend, lambda: admin.ensure_topics(loaded.servers, wanted))


def _heartbeats(loaded: Settings, services: Sequence[ServiceStatus]) -> bool | None:
    if loaded.bootstrap_servers:
        return None
    return any(one.name == heartbeat.NAME and one.state == "running" for one in services)


def fix(examination: Examination, report: Report) -> bool:
    """Mend what is safe to mend; True where something was done."""
    done = False
    for one in examination.findings:
        if one.fix is None:
            continue
        try:
            one.fix()
            report(f"Mended: {one.name}. It was: {one.what}")
            done = True
        except (AdclickError, OSError) as error:
            report(f"Not mended: {one.name}. {error}")
    return done
