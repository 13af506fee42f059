"""A broker's name that is not known and an address that leads nowhere are told at once, by whatever uses a broker."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from adclick_cli.broker import admin, consumer, dial, knock, producer, transactions, whole
from adclick_cli.broker.newest import Newest
from adclick_cli.broker.stream import Stream
from adclick_cli.broker.tail import Tail
from adclick_cli.errors import BrokerError
from adclick_cli.runtime.local.layout import free_port
from adclick_cli.security import Servers

NO_NAME = "no-such-broker.invalid"
WITHIN_S = 5.0


class _Broker(socketserver.ThreadingTCPServer):
    """Answers one kind of request: where the brokers are."""

    allow_reuse_address = daemon_threads = True
    advertised: tuple[tuple[str, int], ...] = ()

    @property
    def servers(self) -> Servers:
        return Servers(f"127.0.0.1:{self.server_address[1]}")


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        size = self.request.recv(4)
        if not size:
            return
        (correlation,) = struct.unpack_from(">i", self.request.recv(struct.unpack(">i", size)[0]), 4)
        assert isinstance(self.server, _Broker)
        brokers = b"".join(
            struct.pack(">ih", number, len(host)) + host.encode() + struct.pack(">ih", port, -1)
            for number, (host, port) in enumerate(self.server.advertised)
        )
        body = struct.pack(">ii", correlation, len(self.server.advertised)) + brokers + struct.pack(">ii", 0, 0)
        self.request.sendall(struct.pack(">i", len(body)) + body)


@pytest.fixture
def broker() -> Iterator[_Broker]:
    with _Broker(("127.0.0.1", 0), _Answer) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that end in .invalid are unknown without asking the network."""
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **more: Any) -> Any:
        if host == NO_NAME:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def _refused(use: Callable[[], object]) -> BrokerError:
    began = time.monotonic()
    with pytest.raises(BrokerError) as caught:
        use()
    assert time.monotonic() - began < WITHIN_S
    return caught.value


WAYS: dict[str, Callable[[Servers], object]] = {
    "wait": lambda servers: admin.wait_for_broker(servers, 30.0),
    "admin": admin.list_topics,
    "offsets": lambda servers: admin.all_offsets(servers, ["a"]),
    "produce": lambda servers: producer.open_producer(servers, fast=False),
    "produce fast": lambda servers: producer.open_producer(servers, fast=True),
    "read": lambda servers: list(whole.read_topic(servers, "a", fast=False)),
    "read fast": lambda servers: list(whole.read_topic(servers, "a", fast=True)),
    "connect": lambda servers: consumer.connect(servers, committed=True),
    "stream": lambda servers: Stream(servers, ["a"]),
    "tail": lambda servers: Tail(servers, {"a": 1}),
    "newest": lambda servers: Newest(servers, ["a"]),
    "abort": lambda servers: transactions.abort(servers, ["a"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_advertised_address_that_cannot_be_reached_is_told_at_once_with_that_address(
    way: str, broker: _Broker, unknown: None
) -> None:
    broker.advertised = ((NO_NAME, 19092),)
    told = _refused(lambda: WAYS[way](broker.servers))
    assert told.what == (
        f"the broker at {broker.servers} sends its clients on to {NO_NAME}:19092, which cannot be reached from here"
    )
    assert "Name or service not known" in told.why
    assert "advertised.listeners" in told.mend


@pytest.mark.parametrize("way", WAYS)
def test_a_brokers_name_that_does_not_resolve_is_told_at_once(way: str, unknown: None) -> None:
    told = _refused(lambda: WAYS[way](Servers(f"{NO_NAME}:9092")))
    assert told.what == f"the name of the broker at {NO_NAME}:9092 cannot be resolved"
    assert "Name or service not known" in told.why
    assert "--bootstrap-servers" in told.mend


def test_a_name_server_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(knock, "PATIENCE_S", 0.05)
    monkeypatch.setattr(knock, "LEAST_S", 0.01)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: never.wait(WITHIN_S) and [])
    told = _refused(lambda: knock.knock(Servers("broker.example:9092")))
    never.set()
    assert "cannot be resolved" in told.what
    assert "no answer from the name server" in told.why


def test_an_advertised_port_where_nobody_listens_is_told(broker: _Broker) -> None:
    broker.advertised = (("127.0.0.1", free_port("127.0.0.1")),)
    assert "Nobody listens there" in _refused(lambda: knock.knock(broker.servers)).why


def test_an_advertised_address_that_swallows_connections_is_told(
    broker: _Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knock, "PATIENCE_S", 0.3)
    monkeypatch.setattr(knock, "LEAST_S", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as full, closing(socket.socket()) as waiting:
        # Its queue is full, so that a further client gets no answer, as behind a firewall.
        waiting.connect(full.getsockname())
        broker.advertised = (("127.0.0.1", full.getsockname()[1]),)
        assert "timed out" in _refused(lambda: knock.knock(broker.servers)).why


def test_a_broker_that_was_stopped_a_moment_ago_is_no_reason_to_refuse_the_others(broker: _Broker) -> None:
    broker.advertised = (("127.0.0.1", free_port("127.0.0.1")), broker.server_address)  # type: ignore[assignment]
    knock.knock(broker.servers)


def test_one_name_that_is_unknown_is_no_reason_to_refuse_the_other_address(broker: _Broker, unknown: None) -> None:
    broker.advertised = (("127.0.0.1", broker.server_address[1]),)
    knock.knock(Servers(f"{NO_NAME}:9092,{broker.servers}"))


def test_the_first_address_of_a_name_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is often ::1 first, where no broker listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        both = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        with closing(dial.dial("localhost", port, 1.0)) as link:
            assert link.getpeername() == ("127.0.0.1", port)
