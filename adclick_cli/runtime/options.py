"""What every runtime tells Kafka and Flink: options that do not depend on where the processes run.

The local runtime writes them into its configuration files; `compose/docker-compose.yml` repeats them, and a test
compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

from adclick_cli import defaults
from adclick_cli.settings import Settings

FRAMEWORK_HEAP_MB = 64
NETWORK_MB = 96
OFF_HEAP_MB = 64
MANAGED_MB = 160
METASPACE_MB = 224
OVERHEAD_MB = 128

LONGEST_TRANSACTION_MS = 7 * 86_400_000

EMPTIED_IS_DURABLE_MS = 1_000
"""How often the broker writes down where its logs begin; one that dies earlier has deleted rows back. Unasked it would
begin to do so half a minute after its start."""

BROKER: dict[str, object] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "num.partitions": defaults.PARTITIONS,
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.max.timeout.ms": LONGEST_TRANSACTION_MS,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "log.cleaner.dedupe.buffer.size": 16_777_216,
    "log.flush.start.offset.checkpoint.interval.ms": EMPTIED_IS_DURABLE_MS,
    "log.initial.task.delay.ms": EMPTIED_IS_DURABLE_MS,
}
"""Properties of a broker that is alone; listeners and folders come on top."""


def flink(settings: Settings) -> dict[str, object]:
    """Flink's options; addresses, ports and folders come on top."""
    return {
        "jobmanager.memory.process.size": f"{settings.jobmanager_memory_mb}m",
        "jobmanager.execution.failover-strategy": "region",
        "taskmanager.numberOfTaskSlots": settings.task_slots,
        "taskmanager.memory.framework.heap.size": f"{FRAMEWORK_HEAP_MB}m",
        "taskmanager.memory.framework.off-heap.size": f"{OFF_HEAP_MB}m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.network.min": f"{NETWORK_MB}m",
        "taskmanager.memory.network.max": f"{NETWORK_MB}m",
        "taskmanager.memory.managed.size": f"{MANAGED_MB}m",
        "taskmanager.memory.jvm-metaspace.size": f"{METASPACE_MB}m",
        "taskmanager.memory.jvm-overhead.min": f"{OVERHEAD_MB}m",
        "taskmanager.memory.jvm-overhead.max": f"{OVERHEAD_MB}m",
        "parallelism.default": defaults.PARALLELISM,
        "state.backend.type": "hashmap",
        "execution.checkpointing.storage": "filesystem",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": 2,
        # A broker that is away for as long as it likes ends no job (docs/decisions/0021).
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": 2**31 - 1,
        "restart-strategy.exponential-delay.initial-backoff": "1s",
        "restart-strategy.exponential-delay.max-backoff": "10s",
        "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
        "restart-strategy.exponential-delay.reset-backoff-threshold": "1min",
        "metrics.fetcher.update-interval": 2000,
        # On a busy machine the first deployment of a job takes longer than the ten seconds that Flink would give it.
        "pekko.ask.timeout": "1min",
    }


def taskmanager_heap_mb(total_mb: int) -> int:
    """What of the TaskManager's memory is Java heap, in MiB (the rest: metaspace, network, off-heap, overhead)."""
    return total_mb - NETWORK_MB - OFF_HEAP_MB - MANAGED_MB - METASPACE_MB - OVERHEAD_MB


@dataclass(frozen=True)
class Division:
    """How a TaskManager's memory is divided, MiB."""

    heap: int
    direct: int
    metaspace: int
    options: dict[str, str]


def stock_division(total_mb: int) -> Division:
    """How Flink divides a TaskManager's memory unasked (Flink 2.2, "Set up TaskManager Memory" and its options).

    Args:
        total_mb: `taskmanager.memory.process.size`, MiB.
    """
    metaspace, framework = 256, 128
    overhead = min(max(total_mb // 10, 192), 1024)
    flink_mb = total_mb - metaspace - overhead
    managed, network = flink_mb * 4 // 10, max(flink_mb // 10, 64)
    heap = flink_mb - managed - network - framework
    sizes = {
        "framework.heap.size": framework,
        "framework.off-heap.size": framework,
        "task.heap.size": heap - framework,
        "managed.size": managed,
        "network.min": network,
        "network.max": network,
        "jvm-metaspace.size": metaspace,
        "jvm-overhead.min": overhead,
        "jvm-overhead.max": overhead,
    }
    told = {f"taskmanager.memory.{name}": f"{size}m" for name, size in sizes.items()}
    return Division(heap, network + framework, metaspace, told)


def taskmanager_direct_mb() -> int:
    """What of the TaskManager's memory is direct memory, in MiB."""
    return NETWORK_MB + OFF_HEAP_MB
