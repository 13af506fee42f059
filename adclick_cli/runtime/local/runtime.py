"""The local runtime: broker, ZooKeeper, JobManager and TaskManager as plain processes of this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from adclick_cli import defaults, private, schema, submission
from adclick_cli.broker import admin
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.exclusive import JOBS, SERVICES, exclusive, folder
from adclick_cli.runtime import heartbeat, jars, logfiles, memory, metrics, process
from adclick_cli.runtime.local import archives, broker, flink, gateway, relay, supervisor, zookeeper
from adclick_cli.runtime.local.client import sql_client, train
from adclick_cli.runtime.local.layout import Layout, free_port, prepare, write_flink_conf
from adclick_cli.runtime.service import POLL_S, SQL_CLIENT, LocalService, Report, ServiceStatus, SqlClient
from adclick_cli.settings import Settings

READY_DEADLINE_S = 90.0
NAMES = (broker.NAME, zookeeper.NAME, flink.JOBMANAGER, flink.TASKMANAGER)
HELPERS = (heartbeat.NAME, supervisor.NAME, relay.NAME, gateway.NAME)
INNER_PORTS = ("rpc_port", "controller_port", "zookeeper_port")


class LocalRuntime:
    """Services as processes; all their state lies under `ADCLICK_HOME`.

    Args:
        settings: the settings of this call.
        progress: told about downloads.
    """

    name = "local"

    def __init__(self, settings: Settings, progress: jars.Progress) -> None:
        self._settings = settings
        self._progress = progress

    @property
    def flink_servers(self) -> str:
        """The broker: Flink runs beside it."""
        return self._settings.servers.addresses

    @property
    def secrets_path(self) -> str:
        """A file under `ADCLICK_HOME`."""
        return str(self._settings.home / "secrets" / "kafka.properties")

    @property
    def flink_home(self) -> str:
        """The FLINK_HOME that all processes run from."""
        return str(self._settings.home / "flink")

    def up(self, report: Report) -> None:
        """Start what does not run; what this call started is stopped again if the call fails or is interrupted.

        Raises:
            PortTakenError, RuntimeFailure, DownloadError, BrokerError: it cannot come up.
        """
        memory.require_usable(self._settings)
        # The supervisor and a user may bring the same service up at the same moment.
        folder(self._settings.home).mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            exclusive(self._settings.home, SERVICES, "up", report),
            memory.remembering(self._settings, self.name),
        ):
            self._start(report)

    def _start(self, report: Report) -> None:
        layout = prepare(self._settings, self._progress, report)
        services = self._build(layout)
        started: list[LocalService] = []
        try:
            for service in reversed(services):
                if service.start():
                    started.append(service)
                    report(f"Starting the {service.name} …")
                else:
                    report(f"The {service.name} runs already.")
            deadline = time.monotonic() + READY_DEADLINE_S
            for service in services:
                service.wait_ready(deadline)
                if service.name == broker.NAME:
                    made = admin.ensure_topics(
                        self._settings.servers, admin.topic_names(self._settings.topics(), schema.ALL)
                    )
                    if made:
                        report(f"Made the topics {', '.join(made)}.")
            beats = heartbeat.begin(self._settings, self.name, report)
            if beats is not None:
                started.append(beats)
            train(layout, report)
            # What was copied kept its mode, and an older adclick or a JVM of the user's may have left open files.
            private.tighten(self._settings.home)
        except BaseException:
            for service in started:
                service.stop()
            raise

    def _build(self, layout: Layout) -> list[LocalService]:
        ports = self._inner_ports(layout)
        if not self._alive(flink.JOBMANAGER):
            write_flink_conf(layout, self._settings, ports["rpc_port"], ports["zookeeper_port"])
        return [
            *([relay.service(self._settings, self.name)] if self._settings.metrics else []),
            broker.service(layout, self._settings, ports["controller_port"]),
            zookeeper.service(layout, ports["zookeeper_port"]),
            flink.jobmanager(layout, self._settings, self._pushed(flink.JOBMANAGER)),
            flink.taskmanager(layout, self._settings, self._pushed(flink.TASKMANAGER)),
            *([gateway.service(layout, self._settings)] if self._wants_gateway else []),
        ]

    @property
    def _wants_gateway(self) -> bool:
        """Whether `up` starts it: asked for, or once started and gone."""
        return self._settings.gateway or self._recorded(gateway.NAME).record.exists()

    def _pushed(self, name: str) -> tuple[str, ...]:
        return metrics.pushing(name, relay.url(self._settings, name)) if self._settings.metrics else ()

    def _inner_ports(self, layout: Layout) -> dict[str, int]:
        """Ports that only our services use among themselves: kept while one of them runs, else any that are free."""
        path = layout.home / "run" / "inner_ports.json"
        if path.exists() and any(self._alive(name) for name in (*NAMES, gateway.NAME)):
            return dict(json.loads(path.read_text(encoding="utf-8")))
        ports = {name: free_port(defaults.BIND_ADDRESS) for name in INNER_PORTS}
        path.write_text(json.dumps(ports), encoding="utf-8")
        return ports

    def _recorded(self, name: str) -> LocalService:
        """A service known by its record alone: enough to see it, stop it and read its log."""
        if name == relay.NAME:
            return relay.service(self._settings, self.name)
        ports = {
            broker.NAME: {"--kafka-port": self._settings.kafka_port},
            flink.JOBMANAGER: {"--ui-port": self._settings.ui_port},
            gateway.NAME: {"ADCLICK_GATEWAY_PORT": self._settings.gateway_port},
        }.get(name, {})
        return LocalService(name, (), lambda: False, ports, self._settings.home, defaults.BIND_ADDRESS)

    def _alive(self, name: str) -> bool:
        return self._recorded(name).running() is not None

    def down(self, *, delete_data: bool, report: Report) -> None:
        """Stop what runs, Flink before its broker; with `delete_data` delete all but the jars.

        Raises:
            RuntimeFailure: another command starts services or jobs and does not end in time, or the home holds
                something that is not adclick's.
        """
        if delete_data:
            memory.require_own(self._settings.home)
        # It may be starting services: it is ended and stops them, instead of being waited for.
        self._stop(supervisor.NAME, report)
        home = self._settings.home
        with exclusive(home, JOBS, "down", report), exclusive(home, SERVICES, "down", report):
            self._end(delete_data=delete_data, report=report)

    def _stop(self, name: str, report: Report) -> None:
        service = self._recorded(name)
        if service.running():
            report(f"Stopping the {name} …")
        service.stop()

    def _end(self, *, delete_data: bool, report: Report) -> None:
        for name in (SQL_CLIENT, supervisor.NAME, heartbeat.NAME, gateway.NAME, *reversed(NAMES), relay.NAME):
            self._stop(name, report)
        archives.settle(jars.cache(self._settings), self._settings.home, keep=submission.made(self._settings))
        memory.forget_ports(self._settings)
        if delete_data and self._settings.home.is_dir():
            memory.delete_home(self._settings.home)
            report("Deleted the data; the jars stay.")

    def services(self) -> list[ServiceStatus]:
        """The services as they are now; the helpers beside the cluster only where they were started."""
        found = [self._recorded(name).status() for name in NAMES]
        helpers = [self._recorded(name) for name in HELPERS]
        return found + [helper.status() for helper in helpers if helper.record.exists()]

    def supervise(self, wanted: bool, report: Report) -> None:
        """Start the supervisor, or stop it; harmless where all is as wanted.

        Raises:
            RuntimeFailure: it ended at once.
        """
        watching = supervisor.service(self._settings.home, self.name)
        if not wanted:
            watching.stop()
            return
        with exclusive(self._settings.home, SERVICES, "up", report):
            if not any(self._alive(name) for name in NAMES):
                raise RuntimeFailure(
                    "the cluster was stopped before its supervisor could be started",
                    mend="Another `adclick down` has run meanwhile. Run `adclick up --supervise` again.",
                )
            started = watching.start()
        if started:
            report("Starting the supervisor …")
            watching.wait_ready(time.monotonic() + READY_DEADLINE_S)
        else:
            report("The supervisor runs already.")

    def renew_taskmanager(self, *, stock: bool) -> None:
        """End the TaskManager and start another, with adclick's options or with Flink's own.

        Raises:
            RuntimeFailure: it does not become ready.
        """
        with exclusive(self._settings.home, SERVICES, "bench", lambda message: None):
            self._recorded(flink.TASKMANAGER).stop()
            deadline = time.monotonic() + READY_DEADLINE_S
            while flink.slots(self._settings) and time.monotonic() < deadline:
                time.sleep(POLL_S)
            layout = prepare(self._settings, self._progress)
            pushed = self._pushed(flink.TASKMANAGER)
            made = flink.stock_taskmanager if stock else flink.taskmanager
            service = made(layout, self._settings, pushed)
            service.start()
            service.wait_ready(deadline)

    def process(self, name: str) -> process.Process | None:
        """The process of a service, if it lives."""
        return self._recorded(name).running()

    def logs(self, service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
        """Lines of the logs.

        Raises:
            ParameterError: there is no such service.
        """
        known = (*NAMES, *HELPERS)
        if service is not None and service not in known:
            raise ParameterError("service", service, "There is no such service.", f"Use one of {', '.join(known)}.")
        names = [service] if service else list(NAMES)
        return logfiles.lines({name: self._recorded(name).log for name in names}, follow=follow, tail=tail)

    def keep_secrets(self, text: str) -> None:
        """Write the file, or delete it."""
        path = Path(self.secrets_path)
        if text:
            private.write(path, text)
        else:
            path.unlink(missing_ok=True)

    def gateway(self, report: Report) -> str:
        """The SQL Gateway of this home.

        Raises:
            RuntimeFailure: there is no cluster that it could submit to, or it does not become ready.
            PortTakenError: somebody else has its port.
        """
        if not self._alive(flink.JOBMANAGER):
            raise RuntimeFailure("the jobmanager does not run", mend="Run `adclick up` first.")
        self._settings.require_own_ports(gateway=True)
        with exclusive(self._settings.home, SERVICES, "submit", report):
            service = gateway.service(prepare(self._settings, self._progress, report), self._settings)
            begun = service.start()
            if begun:
                report("Starting the gateway …")
            try:
                service.wait_ready(time.monotonic() + READY_DEADLINE_S)
            except BaseException:
                if begun:
                    service.stop()
                raise
        return gateway.url(self._settings)

    def sql_client_command(self, report: Report) -> SqlClient:
        """Flink's own sql-client.sh on this runtime's FLINK_HOME.

        Raises:
            RuntimeFailure: there is no FLINK_HOME yet, or this home's JobManager does not run.
            DownloadError: a jar was altered and cannot be fetched again.
        """
        home = self._settings.home / "flink"
        if not (home / "bin" / "sql-client.sh").exists():
            raise RuntimeFailure("there is no FLINK_HOME yet", mend="Run `adclick up` first.")
        if not self._alive(flink.JOBMANAGER):
            raise RuntimeFailure(
                f"the jobmanager of the home {self._settings.home} does not run",
                f"Port {self._settings.ui_port} may be that of another home's cluster.",
                "Run `adclick up` first, or name the other home in ADCLICK_HOME.",
            )
        return sql_client(prepare(self._settings, self._progress, report))
