"""Which runtime: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adclick_cli.errors import RuntimeFailure
from adclick_cli.exclusive import SERVICES, taken
from adclick_cli.runtime import memory
from adclick_cli.runtime.compose import docker
from adclick_cli.runtime.compose.runtime import ComposeRuntime
from adclick_cli.runtime.jars import Progress
from adclick_cli.runtime.local import supervisor
from adclick_cli.runtime.local.runtime import LocalRuntime
from adclick_cli.runtime.remote import RemoteRuntime
from adclick_cli.runtime.service import Report, Runtime
from adclick_cli.settings import Settings, shown

_RUNTIMES: dict[str, Callable[[Settings, Progress], Runtime]] = {
    LocalRuntime.name: LocalRuntime,
    ComposeRuntime.name: ComposeRuntime,
    RemoteRuntime.name: RemoteRuntime,
}


@dataclass(frozen=True)
class Choice:
    """Which runtime, and why.

    Attributes:
        name: local, compose or remote.
        why: a sentence.
    """

    name: str
    why: str


def _silent(done: int, total: int) -> None:
    pass


def decide(settings: Settings) -> Choice:
    """Remote where Flink has an address; the setting; what this home has already; else Compose where Docker answers."""
    if settings.flink_url:
        return Choice(
            RemoteRuntime.name, f"Flink is at {shown(settings.flink_rest)}, by ADCLICK_FLINK_URL or --target."
        )
    if settings.runtime != "auto":
        return Choice(settings.runtime, "The settings say so.")
    kept = memory.remembered(settings)
    if kept in _RUNTIMES:
        return Choice(str(kept), "This home's cluster, or its data, are there.")
    why_not = docker.why_no_engine() or docker.why_no_compose()
    if why_not:
        return Choice(LocalRuntime.name, why_not)
    return Choice(ComposeRuntime.name, "A Docker engine answers.")


def choose(settings: Settings, progress: Progress = _silent) -> Runtime:
    """The runtime to use for everything but a first start."""
    return _RUNTIMES[decide(settings).name](settings, progress)


def being_started(settings: Settings) -> bool:
    """Whether somebody brings this home's broker up: an `up` or the supervisor is at work, or its process begins.

    No Docker engine is asked where no cluster of this home was ever started.
    """
    if taken(settings.home, SERVICES):
        return True
    kept = memory.remembered(settings)
    if kept not in _RUNTIMES:
        return False
    states = {one.name: one.state for one in _RUNTIMES[str(kept)](settings, _silent).services()}
    return states.get("broker") in ("running", "starting") or states.get(supervisor.NAME) == "running"


def start(settings: Settings, progress: Progress, report: Report) -> Runtime:
    """Decide, say what was decided and why, and bring the cluster up.

    Raises:
        RuntimeFailure: this home's cluster runs elsewhere already, or it cannot come up.
    """
    choice = decide(settings)
    report(f"Runtime: {choice.name}. {choice.why}")
    if settings.gateway and choice.name != LocalRuntime.name:
        _RUNTIMES[choice.name](settings, progress).gateway(report)
    if choice.name == RemoteRuntime.name:
        RemoteRuntime(settings, progress).up(report)
    other = memory.remembered(settings)
    if other in _RUNTIMES and other != choice.name and _runs(settings, str(other)):
        raise RuntimeFailure(
            f"this home's cluster runs on the {other} runtime already",
            mend=f"End it with `adclick down --runtime {other}`, or go on without --runtime.",
        )
    elsewhere = memory.listening(settings)
    if elsewhere not in (None, settings.listen) and _runs(settings, choice.name):
        raise RuntimeFailure(
            f"this home's cluster listens at {elsewhere} already",
            f"It cannot move to {settings.listen} while it runs.",
            "End it with `adclick down`, or go on without --listen.",
        )
    measured = memory.measured(settings)
    if measured not in (None, settings.metrics) and _runs(settings, choice.name):
        raise RuntimeFailure(
            f"this home's cluster runs with{'' if measured else 'out'} metrics already",
            "Flink reads that when it starts.",
            "End it with `adclick down`, which keeps the data and the jobs, and run this again.",
        )
    runtime = _RUNTIMES[choice.name](settings, progress)
    runtime.up(report)
    return runtime


def _runs(settings: Settings, name: str) -> bool:
    return any(service.state != "stopped" for service in _RUNTIMES[name](settings, _silent).services())
