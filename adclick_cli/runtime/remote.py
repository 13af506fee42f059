"""A Flink cluster that somebody else runs: asked over REST, and given jobs through sql-client, which runs here.

It is a runtime like the others, so that every command finds it the same way; what only the owner of processes can do
it refuses (docs/remote.md).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from adclick_cli import defaults, private
from adclick_cli.broker import admin
from adclick_cli.errors import BrokerError, ParameterError, RuntimeFailure
from adclick_cli.runtime import jars, memory
from adclick_cli.runtime.local.client import sql_client
from adclick_cli.runtime.local.layout import FLINK_JAVA_OPTIONS, Layout, flink_package, prepare, write_yaml
from adclick_cli.runtime.service import NAMES, Report, ServiceStatus, SqlClient
from adclick_cli.settings import Settings, shown

TIMEOUT_S = 5.0
ELSEWHERE = "Unset ADCLICK_FLINK_URL to use a cluster of this home's own."


class RemoteRuntime:
    """The cluster behind `ADCLICK_FLINK_URL`.

    Args:
        settings: the settings of this call.
        progress: told about downloads.
    """

    name = "remote"

    def __init__(self, settings: Settings, progress: jars.Progress) -> None:
        self._settings = settings
        self._progress = progress

    @property
    def flink_servers(self) -> str:
        """The broker: the cluster reaches it at the same address as this machine."""
        return self._settings.servers.addresses

    @property
    def secrets_path(self) -> str:
        """Where the owner of the cluster has put the file.

        Raises:
            ParameterError: nobody has said where.
        """
        path = self._settings.flink_secrets_path
        if path is None:
            raise ParameterError(
                "flink-secrets-path",
                None,
                "The broker asks for a log-in, and adclick cannot bring it to the machines of a remote cluster.",
                f"Put {self._kept} on each of them, and its path there into ADCLICK_FLINK_SECRETS_PATH.",
            )
        return path

    @property
    def _kept(self) -> Path:
        return self._settings.home / "secrets" / "kafka.properties"

    @property
    def flink_home(self) -> str:
        """The FLINK_HOME that sql-client runs from, on this machine."""
        return str(self._settings.home / "flink")

    def up(self, report: Report) -> None:
        """Refused: the cluster is not this home's."""
        raise self._not_ours("be started from here")

    def down(self, *, delete_data: bool, report: Report) -> None:
        """Refused: the cluster is not this home's."""
        raise self._not_ours("be ended from here")

    def supervise(self, wanted: bool, report: Report) -> None:
        """Refused: the cluster is not this home's."""
        raise self._not_ours("be supervised from here")

    def logs(self, service: str | None, *, follow: bool, tail: int) -> Iterator[str]:
        """Refused: the logs are files of other machines."""
        raise self._not_ours("have its logs read from here")

    def _not_ours(self, what: str) -> RuntimeFailure:
        return RuntimeFailure(
            f"the cluster at {shown(self._settings.flink_rest)} cannot {what}",
            "It was not started by this adclick.",
            f"Ask whoever runs it. {ELSEWHERE}",
        )

    def services(self) -> list[ServiceStatus]:
        """Broker, JobManager and TaskManagers, each running or unreachable; where they run is not known."""
        overview = self._get("/overview")
        try:
            admin.list_topics(self._settings.servers)
            broker = True
        except BrokerError:
            broker = False
        answers = dict(zip(NAMES, (broker, bool(overview), overview.get("taskmanagers", 0) > 0), strict=True))
        return [
            ServiceStatus(name, "running" if well else "unreachable", None, 0, {}, "") for name, well in answers.items()
        ]

    def keep_secrets(self, text: str) -> None:
        """Write the file on this machine, for the user to bring to the cluster's, or delete it."""
        if text:
            private.write(self._kept, text)
        else:
            self._kept.unlink(missing_ok=True)

    def gateway(self, report: Report) -> str:
        """Refused: a gateway of this home would submit to its own cluster."""
        raise RuntimeFailure(
            "there is no SQL gateway on the remote runtime",
            mend="Submit without --via gateway, and unset ADCLICK_VIA and ADCLICK_GATEWAY.",
        )

    def sql_client_command(self, report: Report) -> SqlClient:
        """Flink's own sql-client.sh on this machine, told to submit to the remote cluster.

        Raises:
            ParameterError: the address is none that sql-client can use.
            RuntimeFailure: this home has a cluster of its own, or the remote one does not answer or is another Flink.
            DownloadError: a jar that sql-client needs cannot be fetched.
        """
        host, port = address(self._settings.flink_rest)
        require_home_without_cluster(self._settings)
        self._require_version()
        memory.move_in(self._settings)
        layout = prepare(self._settings, self._progress, report)
        return sql_client(layout, _write_conf(layout, host, port))

    def _require_version(self) -> None:
        found = str(self._get("/config").get("flink-version", ""))
        if not found:
            raise RuntimeFailure(
                f"no Flink answers at {shown(self._settings.flink_rest)}",
                mend=f"Correct the address, or start the cluster. {ELSEWHERE}",
            )
        if found.split(".")[:2] != defaults.FLINK_VERSION.split(".")[:2]:
            raise RuntimeFailure(
                f"the cluster at {shown(self._settings.flink_rest)} runs Flink {found}",
                f"sql-client here is Flink {defaults.FLINK_VERSION}, and a job's plan fits one minor version.",
                "Run `adclick render` and give the script to that cluster's own SQL client.",
            )

    def _get(self, path: str) -> dict[str, Any]:
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(self._settings.flink_rest + path, timeout=TIMEOUT_S)
                return dict(answer.json()) if answer.ok else {}
        except (requests.RequestException, ValueError, TypeError):
            return {}


def require_home_without_cluster(settings: Settings) -> None:
    """Check that what is submitted to a remote cluster may be remembered in this home.

    Raises:
        RuntimeFailure: the home has a cluster of its own.
    """
    own = memory.remembered(settings)
    if settings.flink_url and own is not None:
        raise RuntimeFailure(
            f"the home {settings.home} has a cluster of its own, on the {own} runtime",
            "It remembers one submission, which would no longer be that of its own cluster.",
            f"Name another folder in ADCLICK_HOME for the remote cluster. {ELSEWHERE}",
        )


def address(url: str) -> tuple[str, int]:
    """Host and port of a REST interface that sql-client can submit to.

    Raises:
        ParameterError: it is not `http://host:port`.
    """
    mend = "Give http://host:port. A proxy or `kubectl port-forward` makes one of any other address."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ParameterError("target", shown(url), f"{error}.", mend) from None
    if parts.scheme != "http" or not host or port is None or parts.path.strip("/") or parts.query or parts.username:
        raise ParameterError("target", shown(url), "sql-client reaches Flink over plain HTTP alone.", mend)
    return host, port


def _write_conf(layout: Layout, host: str, port: int) -> Path:
    """A configuration for sql-client alone: where to submit, and what goes along. All else the cluster's own says."""
    folder = layout.flink_home / "conf-remote"
    shutil.copytree(flink_package() / "conf", folder, dirs_exist_ok=True)
    loopback = defaults.BIND_ADDRESS
    written: dict[str, object] = {
        "execution.target": "remote",
        "rest.address": host,
        "rest.port": port,
        "jobmanager.rpc.address": host,
        # sql-client plans with the same jar in its own lib/. The jobs take this one, whatever is in the cluster's lib/.
        "pipeline.jars": layout.functions.resolve().as_uri(),
        "env.java.opts.all": " ".join(FLINK_JAVA_OPTIONS),
        "sql-gateway.endpoint.rest.address": loopback,
        "sql-gateway.endpoint.rest.bind-address": loopback,
    }
    write_yaml(folder, layout.java_home, written)
    return folder
