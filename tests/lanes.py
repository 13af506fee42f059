"""Which tests share a worker: those that share what is dear to start.

A lane's tests run one after the other, in the order of collection. Lanes that take long begin first.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

COMPOSE = "compose"
FLINK = "flink"
EMBEDDED = ("tests/flink/", "tests/functions/test_sql.py", "tests/functions/test_restart.py")
FIRST = (
    COMPOSE,
    "tests/cluster/test_exactly_once.py",
    FLINK,
    "tests/cluster/test_contract.py",
    "tests/cluster/test_whole_way.py",
    "tests/cluster/test_security.py",
    "tests/cluster/test_bench.py",
)


def lane(nodeid: str) -> str:
    """The lane of a test: all that needs the Docker engine, all that shares a JVM, else its file.

    A worker keeps its one local cluster from lane to lane.
    """
    file = nodeid.partition("::")[0]
    if file.startswith("tests/cluster/") and (file.endswith("/test_compose.py") or "[compose" in nodeid):
        return COMPOSE
    return FLINK if file.startswith(EMBEDDED) else file


def rank(nodeid: str) -> int:
    """The place of a test's lane: the long ones in their order, then clusters, then all others."""
    found = lane(nodeid)
    if found in FIRST:
        return FIRST.index(found)
    return len(FIRST) + (not found.startswith("tests/cluster/"))


class Lanes(LoadScopeScheduling):  # type: ignore[misc]
    """Hands whole lanes to workers."""

    def _split_scope(self, nodeid: str) -> str:
        return lane(nodeid)
