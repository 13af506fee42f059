"""The Compose runtime: the same broker, JobManager and TaskManager as containers of the shipped Compose file."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from adclick_cli.broker import admin
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.exclusive import JOBS, SERVICES, exclusive, folder
from adclick_cli.runtime import compiled, heartbeat, jars, logfiles, maven, memory
from adclick_cli.runtime.compose import docker, logs, project, state
from adclick_cli.runtime.process import require_free
from adclick_cli.runtime.service import NAMES, LocalService, Report, ServiceStatus, SqlClient, sql_client
from adclick_cli.settings import Settings

READY_DEADLINE_S = 240
STOP_GRACE_S = 20
TAIL_LINES = 15
MIB = 1_048_576
JAR_MODE = 0o644
FLINK_HOME = "/opt/flink"
SECRETS_PATH = "/flink-state/secrets/kafka.properties"
_KEEP = f"""\
umask 077 && mkdir -p "$(dirname {SECRETS_PATH})" && cat > {SECRETS_PATH}.part && mv {SECRETS_PATH}.part {SECRETS_PATH}
"""
_DROP = f"rm -f {SECRETS_PATH}"

# sql-client opens its script by name, and a pipe from outside belongs to another user: what comes in is put into a
# file first. The second compiler and a parallel collector would cost more than they give in so short a life.
_SQL_CLIENT = f"""\
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT && cat > "$folder/script.sql" || exit
export JVM_ARGS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
{FLINK_HOME}/bin/sql-client.sh -hist "$folder/history" -f "$folder/script.sql"
"""


class ComposeRuntime:
    """Services as containers; their data lie in volumes of the project.

    Args:
        settings: the settings of this call.
        progress: told about downloads.
    """

    name = "compose"

    def __init__(self, settings: Settings, progress: jars.Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._env = project.environment(settings)

    @property
    def flink_servers(self) -> str:
        """The broker's internal listener, unless the user named a broker of their own."""
        return self._settings.servers.addresses if self._settings.bootstrap_servers else project.INNER_SERVERS

    @property
    def secrets_path(self) -> str:
        """A file in the volume that JobManager and TaskManager share."""
        return SECRETS_PATH

    @property
    def flink_home(self) -> str:
        """The FLINK_HOME inside the JobManager's container."""
        container = self._containers().get("jobmanager")
        return f"{FLINK_HOME} in the container {container.name}" if container else ""

    @property
    def _ports(self) -> dict[str, dict[str, int]]:
        found = {
            "broker": {"--kafka-port": self._settings.kafka_port},
            "jobmanager": {"--ui-port": self._settings.ui_port},
        }
        if self._settings.metrics:
            found["jobmanager"]["ADCLICK_METRICS_JOBMANAGER_PORT"] = self._settings.metrics_jobmanager_port
            found["taskmanager"] = {"ADCLICK_METRICS_TASKMANAGER_PORT": self._settings.metrics_taskmanager_port}
        return found

    def _compose(self, *args: str) -> str:
        return docker.run(project.command(self._settings, *args), self._env)

    def _containers(self) -> dict[str, state.Container]:
        found = state.containers(self._compose("ps", "--all", "--format", "json"))
        return {container.service: container for container in found}

    def up(self, report: Report) -> None:
        """Start what does not run; what this call started is removed again if the call fails or is interrupted.

        Raises:
            PortTakenError, RuntimeFailure, DownloadError, CompileError, BrokerError: it cannot come up.
        """
        memory.require_usable(self._settings)
        docker.require()
        folder(self._settings.home).mkdir(parents=True, exist_ok=True, mode=0o700)
        with exclusive(self._settings.home, SERVICES, "up", report):
            self._bring_up(report)

    def _bring_up(self, report: Report) -> None:
        before = {name for name, container in self._containers().items() if container.state == "running"}
        for name in NAMES:
            report(f"The {name} runs already." if name in before else f"Starting the {name} …")
        self._check_ports(before)
        if not before:
            self._check_memory()
        self._fetch_jars(report)
        self._check_images(report)
        with memory.remembering(self._settings, self.name):
            self._start(before)
        heartbeat.begin(self._settings, self.name, report)

    def _heartbeat(self) -> LocalService:
        return heartbeat.service(self._settings, self.name)

    def _start(self, before: set[str]) -> None:
        # A container that runs is left alone whatever has changed since: Flink would lose its jobs with it.
        keep = ("--no-recreate",) if before else ()
        wait = ("--detach", "--wait", "--wait-timeout", str(READY_DEADLINE_S), "--pull", self._settings.compose_pull)
        try:
            self._compose("up", *wait, *keep)
            admin.wait_for_broker(self._settings.servers, READY_DEADLINE_S)
        except RuntimeFailure as error:
            explained = self._explain(error)
            self._undo(before)
            raise explained from error
        except BaseException:
            self._undo(before)
            raise

    def _check_ports(self, before: set[str]) -> None:
        for service, ports in self._ports.items():
            for flag, port in ports.items():
                if service not in before:
                    require_free(port, self._settings.listen, flag)

    def _check_memory(self) -> None:
        settings = self._settings
        wanted = settings.broker_limit_mb + settings.jobmanager_limit_mb + settings.taskmanager_memory_mb
        there = int(docker.run(["docker", "info", "--format", "{{.MemTotal}}"], self._env).strip() or 0) // MIB
        if there and there < wanted:
            raise RuntimeFailure(
                "the Docker engine has too little memory",
                f"It has {there} MiB; broker, JobManager and TaskManager may use {wanted} MiB.",
                "Give the engine more, or lower ADCLICK_TASKMANAGER_MEMORY_MB. " + docker.LOCAL_INSTEAD,
            )

    def _fetch_jars(self, report: Report) -> None:
        wanted, folder = project.mounted_jars(), jars.cache(self._settings)
        jars.fetch(wanted, folder, lambda: maven.repository(self._settings.maven_url), self._progress, report)
        functions = compiled.obtain(self._settings, self._progress, report)
        for path in (*(folder / jar.file_name for jar in wanted), functions):
            # Flink reads it as another user; the cache's own folder stays closed to others. A change of the mode
            # would make the next check read the whole file.
            if stat.S_IMODE(path.stat().st_mode) != JAR_MODE:
                path.chmod(JAR_MODE)

    def _check_images(self, report: Report) -> None:
        if self._settings.compose_pull == "always":
            return
        for image, variable in ((self._settings.kafka_image, "KAFKA"), (self._settings.flink_image, "FLINK")):
            there = docker.run(["docker", "image", "ls", "--quiet", image], self._env).strip()
            if there:
                continue
            if self._settings.compose_pull == "never":
                raise RuntimeFailure(
                    f"the image {image} is not there",
                    "ADCLICK_COMPOSE_PULL is never, so it is not pulled.",
                    f"Pull it by hand, name another one in ADCLICK_{variable}_IMAGE, or unset ADCLICK_COMPOSE_PULL.",
                )
            report(f"Pulling {image} …")

    def _explain(self, error: RuntimeFailure) -> RuntimeFailure:
        """A failed start, told by the container that is to blame, if one is."""
        said = docker.complaint(
            f"{error.what}\n{error.why}", {flag: port for ports in self._ports.values() for flag, port in ports.items()}
        )
        if said is not None and isinstance(said, RuntimeFailure):
            return said
        for container in self._containers().values():
            if container.word in ("running", "starting") or (container.state == "exited" and container.exit_code == 0):
                continue
            what = f"the {container.service} exited with code {container.exit_code}"
            if container.word == "unhealthy":
                what = f"the {container.service} is not ready in time"
            why = logs.tail(self._settings, self._env, container.service, TAIL_LINES)
            mend = f"See more with `docker logs {container.name}` before it is removed, or raise its memory."
            if self._killed_for_memory(container.name):
                return RuntimeFailure(
                    f"{what}: it needed more memory than its limit", why, _more_memory(container.service)
                )
            return RuntimeFailure(what, why, mend)
        return error

    def _killed_for_memory(self, container: str) -> bool:
        return (
            docker.run(["docker", "inspect", "--format", "{{.State.OOMKilled}}", container], self._env).strip()
            == "true"
        )

    def _undo(self, before: set[str]) -> None:
        if not before:
            self._compose("down", "--remove-orphans", "--timeout", str(STOP_GRACE_S))
            return
        started = [name for name in self._containers() if name not in before]
        if started:
            self._compose("rm", "--stop", "--force", *started)

    def down(self, *, delete_data: bool, report: Report) -> None:
        """Remove the containers, their logs kept; with `delete_data` delete volumes and all else but the jars."""
        docker.require()
        home = self._settings.home
        if delete_data:
            memory.require_own(home)
        with exclusive(home, JOBS, "down", report), exclusive(home, SERVICES, "down", report):
            self._end(delete_data=delete_data, report=report)

    def _end(self, *, delete_data: bool, report: Report) -> None:
        found = self._containers()
        for name in reversed(NAMES):
            if name in found and found[name].state == "running":
                report(f"Stopping the {name} …")
        home = self._settings.home
        sql_client(home).stop()
        self._heartbeat().stop()
        if found and not delete_data:
            logs.keep(self._settings, self._env, sorted(found))
        volumes = ("--volumes",) if delete_data else ()
        self._compose("--profile", "*", "down", "--remove-orphans", "--timeout", str(STOP_GRACE_S), *volumes)
        memory.forget_ports(self._settings)
        if delete_data:
            memory.delete_home(home)
            report("Deleted the data; the jars and the images stay.")

    def supervise(self, wanted: bool, report: Report) -> None:
        """Nothing to do: the Compose file's restart policies do it, wanted or not."""
        if wanted:
            report("Docker itself starts again what dies (`restart: unless-stopped`).")

    def services(self) -> list[ServiceStatus]:
        """The services as they are now; all stopped where no engine answers."""
        if docker.why_no_engine() or docker.why_no_compose():
            return [ServiceStatus(name, "stopped", None, 0, dict(self._ports.get(name, {})), "") for name in NAMES]
        found = self._containers()
        running = [container.name for container in found.values() if container.state == "running"]
        used: dict[str, int] = {}
        processes: dict[str, int] = {}
        if running:
            used = state.memory_mb(
                docker.run(
                    ["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *running], self._env
                )
            )
            processes = state.pids(
                docker.run(["docker", "inspect", "--format", "{{.Name}} {{.State.Pid}}", *running], self._env)
            )
        services = [state.status(name, found, used, processes, self._ports.get(name, {})) for name in NAMES]
        beats = self._heartbeat()
        return [*services, beats.status()] if beats.record.exists() else services

    def logs(self, service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
        """Lines of the logs.

        Raises:
            ParameterError: there is no such service.
        """
        known = (*NAMES, heartbeat.NAME)
        if service is not None and service not in known:
            raise ParameterError("service", service, "There is no such service.", f"Use one of {', '.join(known)}.")
        if service == heartbeat.NAME:
            return logfiles.lines({service: self._heartbeat().log}, follow=follow, tail=tail)
        docker.require()
        return logs.lines(self._settings, self._env, service, follow=follow, tail=tail)

    def keep_secrets(self, text: str) -> None:
        """Write the file into the containers' volume, as Flink's own user, or delete it."""
        args = ("exec", "--no-TTY", "--user", "flink", "jobmanager", "bash", "-c", _KEEP if text else _DROP)
        docker.run(project.command(self._settings, *args), self._env, given=text)

    def gateway(self, report: Report) -> str:
        """Refused: Flink's image has the jar, and the Compose file no such service."""
        raise RuntimeFailure(
            "there is no SQL gateway on the compose runtime",
            mend="Submit without --via gateway, and unset ADCLICK_VIA and ADCLICK_GATEWAY.",
        )

    def sql_client_command(self, report: Report) -> SqlClient:
        """Flink's own sql-client.sh inside the JobManager's container.

        Raises:
            RuntimeFailure: the JobManager does not run.
        """
        docker.require()
        container = self._containers().get("jobmanager")
        if container is None or container.state != "running":
            raise RuntimeFailure("the jobmanager does not run", mend="Run `adclick up` first.")
        args = ("exec", "--no-TTY", "jobmanager", "bash", "-c", _SQL_CLIENT)
        return SqlClient(tuple(project.command(self._settings, *args)), dict(self._env), from_stdin=True)


def _more_memory(service: str) -> str:
    variable = {
        "broker": "ADCLICK_BROKER_LIMIT_MB",
        "jobmanager": "ADCLICK_JOBMANAGER_LIMIT_MB",
        "taskmanager": "ADCLICK_TASKMANAGER_MEMORY_MB",
    }.get(service)
    return f"Raise {variable}." if variable else "Give the Docker engine more memory."
