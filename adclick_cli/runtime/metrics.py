"""Flink's metrics for Prometheus: the options that switch its reporters on.

Flink's own scrape endpoint listens on every address of its machine and cannot be told otherwise. In a container that is
harmless, since Compose publishes its port on 127.0.0.1. On the local runtime Flink pushes instead, through the same
plugin, to a relay that listens on 127.0.0.1 alone (docs/metrics.md).
"""

from __future__ import annotations

PUSH_EVERY_S = 5
PATH = "/metrics"
PUSH_PATH = "/metrics/job/{}"
"""Where Flink's push reporter puts the metrics of one process."""

_FACTORY = "org.apache.flink.metrics.prometheus.{}Factory"


def pushing(process: str, url: str) -> tuple[str, ...]:
    """Command-line options of a Flink process that pushes its metrics.

    Args:
        process: the name it pushes under.
        url: the relay's address, `http://host:port`.
    """
    written = {
        "factory.class": _FACTORY.format("PrometheusPushGatewayReporter"),
        "hostUrl": url,
        "jobName": process,
        "randomJobNameSuffix": "false",
        "deleteOnShutdown": "false",
        "interval": f"{PUSH_EVERY_S} s",
    }
    return tuple(f"-Dmetrics.reporter.prometheus.{name}={value}" for name, value in written.items())
