"""What the tables of a submission are connected to: Kafka topics, with the log-in where the broker asks for one."""

from __future__ import annotations

from adclick_cli import security
from adclick_cli.pipeline import Pipeline
from adclick_cli.runtime.choose import choose
from adclick_cli.settings import Settings
from adclick_cli.sql import options


def connected(settings: Settings, pipeline: Pipeline) -> options.Transport:
    """The tables of `pipeline`; no secret is in them.

    Raises:
        ParameterError: the log-in cannot be used.
    """
    login = settings.servers.security
    if login.protocol == "PLAINTEXT":
        return options.kafka(pipeline)
    return options.kafka(pipeline, security.java(login, choose(settings).secrets_path))


def hand_over_secrets(settings: Settings) -> None:
    """Give Flink's processes what its Kafka clients log in with.

    Raises:
        ParameterError: the log-in cannot be used.
        RuntimeFailure: the file cannot be brought to them.
    """
    choose(settings).keep_secrets(security.java_file(settings.servers.security))
