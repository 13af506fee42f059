"""Sending events: confluent-kafka where it is installed, kafka-python everywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol

from adclick_cli.broker.admin import require_listener, unreachable
from adclick_cli.errors import BrokerError
from adclick_cli.security import Servers, kafka_python, librdkafka

LINGER_MS = 20
BATCH_BYTES = 262_144
DELIVERY_TIMEOUT_S = 180.0
"""How long a broker may be away before events are given up."""
WAIT_S = 1.0
"""How long a client waits at a time before it is looked at why."""

RECONNECT_MS = 1_000
REBOOTSTRAP_MS = 5_000
"""Where no known broker tells where the topics are, the addresses that the user gave are asked again so soon."""

SERVE_EVERY = 1_000
"""Sent messages count until their delivery has been reported to us, so reports are taken that often."""

BUFFER_BYTES = 67_108_864

LARGEST_BYTES = 1_000_000
"""Of a message with its key and header; a broker as it comes takes a little more (`message.max.bytes`, 1,048,588)."""

ANY_PARTITION = -1
"""To librdkafka: the one that the key gives. (RD_KAFKA_PARTITION_UA; a timestamp of 0 is the present.)"""


class EventProducer(Protocol):
    """Sends messages in the order of the calls, each once (idempotent producer, acks=all)."""

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Hand one message over; it is sent in the background, to the partition that the key gives unless one is named.

        Raises:
            BrokerError: an earlier message could not be delivered, or this one is too large.
        """

    def flush(self) -> None:
        """Return when all is delivered.

        Raises:
            BrokerError: something could not be delivered.
        """

    def close(self) -> None:
        """Flush and end."""


def fast_client() -> bool:
    """Whether confluent-kafka is installed (extra `fast`)."""
    return find_spec("confluent_kafka") is not None


def open_producer(
    servers: Servers, *, fast: bool | None = None, look: Callable[[], None] = lambda: None
) -> EventProducer:
    """A producer.

    Args:
        servers: the broker.
        fast: which client; None takes confluent-kafka where it is installed.
        look: called about once a second while a call waits for the broker; what it raises ends the wait.

    Raises:
        LoginError: the broker does not let us in.
        BrokerError: no broker answers.
    """
    require_listener(servers)
    return _Confluent(servers, look) if (fast_client() if fast is None else fast) else _KafkaPython(servers, look)


def _refused(topic: str, value: bytes | None, error: Exception) -> BrokerError:
    return BrokerError(
        f"an event of {len(value or b''):,} bytes cannot be sent to {topic}",
        f"{error}. A message may have {LARGEST_BYTES:,} bytes.",
        "Shorten its fields.",
    )


class _Confluent:
    def __init__(self, servers: Servers, look: Callable[[], None]) -> None:
        from confluent_kafka import KafkaException, Producer

        self._look = look
        self._error_type = KafkaException
        self._failure: str | None = None
        self._producer = Producer(
            {
                **librdkafka(servers),
                "enable.idempotence": True,
                "linger.ms": LINGER_MS,
                "message.max.bytes": LARGEST_BYTES,
                "message.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
                "reconnect.backoff.max.ms": RECONNECT_MS,
                "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS,
                "batch.size": BATCH_BYTES,
                "queue.buffering.max.messages": 500_000,
                "queue.buffering.max.kbytes": BUFFER_BYTES // 1024,
                "partitioner": "murmur2_random",
                "log_level": 0,
                "error_cb": self._on_error,
                # Said once and of failures alone: told of each delivery, the client spends a third of its time on that.
                "delivery.report.only.error": True,
                "on_delivery": self._on_delivery,
            }
        )
        self._unserved = 0

    def _on_error(self, error: Any) -> None:
        if error.fatal():
            self._failure = str(error)

    def _on_delivery(self, error: Any, message: Any) -> None:
        if error is not None and self._failure is None:
            self._failure = str(error)

    def _check(self) -> None:
        if self._failure:
            raise BrokerError("events could not be delivered", self._failure, "Look at `adclick status`.")

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> None:
        self._unserved += 1
        if self._unserved == SERVE_EVERY:
            self._unserved = 0
            self._producer.poll(0)
            self._check()
        while True:
            try:
                if timestamp_ms is None and partition is None:
                    self._producer.produce(topic, value, key)
                else:
                    self._producer.produce(
                        topic,
                        value,
                        key,
                        ANY_PARTITION if partition is None else partition,
                        timestamp=timestamp_ms or 0,
                    )
                break
            except BufferError:
                self._producer.poll(0.1)
                self._look()
                self._check()
            except self._error_type as error:
                raise _refused(topic, value, error) from error

    def flush(self) -> None:
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S
        while (left := self._producer.flush(WAIT_S)) and time.monotonic() < deadline:
            self._look()
            self._check()
        self._check()
        if left:
            raise BrokerError(
                f"{left} events were not delivered within {DELIVERY_TIMEOUT_S:.0f} s", mend="Look at `adclick status`."
            )

    def close(self) -> None:
        self.flush()


class _KafkaPython:
    def __init__(self, servers: Servers, look: Callable[[], None]) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

        self._look = look
        self._error_type, self._too_large, self._timeout = KafkaError, MessageSizeTooLargeError, KafkaTimeoutError
        self._failure: str | None = None
        try:
            self._producer = KafkaProducer(
                **kafka_python(servers),
                enable_idempotence=True,
                linger_ms=LINGER_MS,
                max_request_size=LARGEST_BYTES,
                delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
                max_block_ms=int(WAIT_S * 1000),
                reconnect_backoff_max_ms=RECONNECT_MS,
                batch_size=BATCH_BYTES,
            )
        except KafkaError as error:
            raise unreachable(servers, type(error).__name__) from error

    def _failed(self, error: BaseException) -> None:
        if self._failure is None:
            self._failure = f"{type(error).__name__}: {error}"

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        timestamp_ms: int | None = None,
        partition: int | None = None,
    ) -> None:
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S
        while True:
            try:
                sent = self._producer.send(topic, value, key, partition=partition, timestamp_ms=timestamp_ms)
                sent.add_errback(self._failed)
            except self._too_large as error:
                raise _refused(topic, value, error) from error
            except self._timeout as error:
                # The buffer is full, or nobody tells where the topic is; nothing was taken over.
                self._look()
                if self._failure is None and time.monotonic() < deadline:
                    continue
                self._failed(error)
            except self._error_type as error:
                self._failed(error)
            break
        self._check()

    def _check(self) -> None:
        if self._failure:
            raise BrokerError("events could not be delivered", self._failure, "Look at `adclick status`.")

    def flush(self) -> None:
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S
        while True:
            try:
                self._producer.flush(WAIT_S)
            except self._timeout as error:
                self._look()
                if self._failure is None and time.monotonic() < deadline:
                    continue
                self._failed(error)
            except self._error_type as error:
                self._failed(error)
            break
        self._check()

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._producer.close()
