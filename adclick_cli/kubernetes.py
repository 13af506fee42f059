"""Manifests for the Flink Kubernetes operator: a session cluster, the SQL, and a Kubernetes Job that submits it.

Why a session: the script starts two jobs, and each has its own savepoints and its own end; an application has one.
Why the Job: Flink's own sql-client is what runs the script here, too (docs/kubernetes.md).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adclick_cli import defaults, security
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime import options
from adclick_cli.settings import Settings
from adclick_cli.sql import options as sql_options
from adclick_cli.sql import render

NAME = "adclick"
SECRET = "adclick-kafka"  # noqa: S105 - the name of a Secret, not one
SECRET_FOLDER = "/etc/adclick/secrets"  # noqa: S105
SECRET_FILE = "kafka.properties"  # noqa: S105
SCRIPT_FOLDER = "/etc/adclick/sql"
SCRIPT_FILE = "adclick.sql"
FUNCTIONS_PATH = "/opt/flink/lib/adclick-functions.jar"
STATE = "/flink-state"
FLINK_USER = 9999
SUBMIT_DEADLINE_S = 600
_LABELS = {"app.kubernetes.io/name": NAME}
_OPERATORS_OWN = ("jobmanager.memory.process.size",)
"""What the operator works out from `resource`."""

# sql-client ends with 0 even after a statement that failed, and a Job must not be tried again after half of it ran.
_SUBMIT = """\
set -u
folder=$(mktemp -d)
export JVM_ARGS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
until (exec 3<>"/dev/tcp/$FLINK_REST/$FLINK_REST_PORT") 2>/dev/null; do sleep 2; done
"$FLINK_HOME/bin/sql-client.sh" -Dexecution.target=remote \\
  -Drest.address="$FLINK_REST" -Drest.port="$FLINK_REST_PORT" -hist "$folder/history" \\
  -f "$SCRIPT" </dev/null 2>&1 | tee "$folder/said"
[ "${PIPESTATUS[0]}" -eq 0 ] && ! grep -qF '[ERROR]' "$folder/said"
"""


@dataclass(frozen=True)
class Wishes:
    """What a cluster decides, not the pipeline.

    Attributes:
        image: of Flink, with the Kafka SQL connector and zstd-jni in its `lib/`.
        storage: size of the volume for checkpoints and savepoints, as Kubernetes writes it.
        functions: the file name of the jar of adclick's Java classes, which is also the name in the ConfigMap that the
            user makes of it; None where the pipeline is plain SQL.
    """

    image: str
    storage: str = "10Gi"
    functions: str | None = None


def manifests(settings: Settings, pipeline: Pipeline, wishes: Wishes) -> list[dict[str, Any]]:
    """The objects, in the order in which they are to be made. No secret is in them.

    Raises:
        ParameterError: the log-in cannot be used.
    """
    login = settings.servers.security
    tables = sql_options.kafka(pipeline, security.java(login, f"{SECRET_FOLDER}/{SECRET_FILE}"))
    secret = bool(security.java_secrets(login))
    return [
        _object("v1", "ConfigMap", f"{NAME}-sql") | {"data": {SCRIPT_FILE: render.script(pipeline, tables)}},
        _object("v1", "PersistentVolumeClaim", f"{NAME}-state")
        | {
            "spec": {
                # JobManager and TaskManagers may be on different nodes.
                "accessModes": ["ReadWriteMany"],
                "resources": {"requests": {"storage": wishes.storage}},
            }
        },
        _object("flink.apache.org/v1beta1", "FlinkDeployment", NAME)
        | {"spec": _deployment(settings, pipeline, wishes, secret)},
        _object("batch/v1", "Job", f"{NAME}-submit") | {"spec": _job(wishes)},
    ]


def _object(api: str, kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "labels": dict(_LABELS)}}


def _deployment(settings: Settings, pipeline: Pipeline, wishes: Wishes, secret: bool) -> dict[str, Any]:
    configuration = {key: str(value) for key, value in options.flink(settings).items() if key not in _OPERATORS_OWN}
    configuration |= {
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": f"file://{STATE}/recovery",
        "execution.checkpointing.dir": f"file://{STATE}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{STATE}/savepoints",
    }
    container: dict[str, Any] = {
        "name": "flink-main-container",
        "volumeMounts": [{"name": "state", "mountPath": STATE}],
    }
    volumes: list[dict[str, Any]] = [{"name": "state", "persistentVolumeClaim": {"claimName": f"{NAME}-state"}}]
    _mount_functions(wishes, container, volumes)
    if secret:
        container["volumeMounts"].append({"name": "secrets", "mountPath": SECRET_FOLDER, "readOnly": True})
        volumes.append({"name": "secrets", "secret": {"secretName": SECRET, "defaultMode": 0o440}})
    return {
        "image": wishes.image,
        "flinkVersion": "v" + "_".join(defaults.FLINK_VERSION.split(".")[:2]),
        "serviceAccount": "flink",
        "flinkConfiguration": configuration,
        "podTemplate": {
            "spec": {
                "securityContext": {"fsGroup": FLINK_USER},
                "containers": [container],
                "volumes": volumes,
            }
        },
        "jobManager": {"resource": {"cpu": 1.0, "memory": f"{settings.jobmanager_memory_mb}m"}},
        "taskManager": {
            "resource": {"cpu": float(max(1, pipeline.parallelism)), "memory": f"{settings.taskmanager_memory_mb}m"}
        },
    }


def _mount_functions(wishes: Wishes, container: dict[str, Any], volumes: list[dict[str, Any]]) -> None:
    """Let a container of Flink find the jar among those of the image."""
    if wishes.functions is None:
        return
    file = FUNCTIONS_PATH.rpartition("/")[2]
    # One file: a whole folder there would hide the image's own jars.
    mount = {"name": "functions", "mountPath": FUNCTIONS_PATH, "subPath": file, "readOnly": True}
    container["volumeMounts"].append(mount)
    # The name has the hash of the sources in it: a pod does not start with the jar of another adclick, and the one that
    # runs keeps its own while the next one is brought.
    items = [{"key": wishes.functions, "path": file}]
    volumes.append({"name": "functions", "configMap": {"name": _config_map(wishes.functions), "items": items}})


def _config_map(functions: str) -> str:
    return functions.removesuffix(".jar")


def bring_functions(functions: str, file: Path | None) -> str:
    """The command that makes the ConfigMap with the jar.

    Args:
        functions: as in `Wishes`.
        file: where the jar was written; None where that was not asked for.
    """
    where = shlex.quote(f"{functions}={file or 'FILE'}")
    return f"kubectl create configmap {_config_map(functions)} --from-file={where}"


def _job(wishes: Wishes) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "sql-client",
        "image": wishes.image,
        "command": ["bash", "-c", _SUBMIT],
        "env": [
            {"name": "FLINK_REST", "value": f"{NAME}-rest"},
            {"name": "FLINK_REST_PORT", "value": "8081"},
            {"name": "FLINK_HOME", "value": "/opt/flink"},
            {"name": "SCRIPT", "value": f"{SCRIPT_FOLDER}/{SCRIPT_FILE}"},
        ],
        "volumeMounts": [{"name": "sql", "mountPath": SCRIPT_FOLDER, "readOnly": True}],
    }
    volumes: list[dict[str, Any]] = [{"name": "sql", "configMap": {"name": f"{NAME}-sql"}}]
    _mount_functions(wishes, container, volumes)
    return {
        "backoffLimit": 0,
        "activeDeadlineSeconds": SUBMIT_DEADLINE_S,
        "template": {
            "metadata": {"labels": dict(_LABELS)},
            "spec": {
                "restartPolicy": "Never",
                "containers": [container],
                "volumes": volumes,
            },
        },
    }


def as_yaml(objects: Sequence[Mapping[str, Any]]) -> str:
    """The objects as one YAML stream; texts of several lines stay readable."""
    return "".join("---\n" + "".join(f"{line}\n" for line in _lines(one)) for one in objects)


def _lines(value: Any) -> list[str]:
    """A non-empty mapping or list as block YAML, without indentation of its own."""
    found = []
    pairs = value.items() if isinstance(value, Mapping) else ((None, one) for one in value)
    for key, one in pairs:
        head = "-" if key is None else f"{key}:"
        if isinstance(one, str) and "\n" in one.strip("\n") and not one.startswith((" ", "\n")):
            keep = "|" if one.endswith("\n") else "|-"
            found += [f"{head} {keep}", *(f"  {line}".rstrip() for line in one.splitlines())]
        elif isinstance(one, (Mapping, list)) and one:
            inner = _lines(one)
            if key is None:
                found += [f"- {inner[0]}", *(f"  {line}" if line else "" for line in inner[1:])]
            else:
                found += [head, *(f"  {line}" if line else "" for line in inner)]
        else:
            found.append(f"{head} {json.dumps(one, ensure_ascii=False)}")
    return found
