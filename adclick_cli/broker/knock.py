"""Seeing at once whether a broker would let us in, and whether the addresses that it gives can be reached.

kafka-python tries a refused log-in again and again for half a minute and then says only that it could not start;
librdkafka tries for ever. So TLS and log-in are done once by hand before any client is made (Kafka's protocol guide:
`SaslHandshake` version 1, `SaslAuthenticate` version 0, `Metadata` version 1). Clients go on to the addresses that the
broker advertises, and try those in silence, too.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Iterable

from adclick_cli.broker.dial import Address, UnknownNameError, dial, dial_all
from adclick_cli.errors import BrokerError
from adclick_cli.security import Security, Servers, kafka_python

TIMEOUT_S = 5.0
PATIENCE_S = 4.0
"""For names and connections, those of the advertised addresses included."""
LEAST_S = 0.5
_METADATA, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 3, 17, 36
_UNSUPPORTED_MECHANISM, _AUTHENTICATION_FAILED = 33, 58
_LONGEST_ANSWER = 1 << 20
_GUIDE = "Look at `adclick config show` and at docs/security.md."


class LoginError(BrokerError):
    """A broker answers and does not let us in."""


class UnknownHostError(BrokerError):
    """The name of the broker cannot be resolved: waiting does not help."""


class AdvertisedError(BrokerError):
    """A broker answers, and sends its clients to an address that cannot be reached."""


def knock(servers: Servers) -> None:
    """See whether one of the addresses lets us in; the first one that answers decides.

    Raises:
        LoginError: it does not; with the broker's reason.
        AdvertisedError: it does, and an address that it advertises cannot be reached.
        UnknownHostError: no name of the addresses can be resolved.
        BrokerError: it hangs up, as one does that speaks something else, or is about to end.
        OSError: nobody answers at any of them.
    """
    silent: list[OSError] = []
    until = time.monotonic() + PATIENCE_S
    for number, address in enumerate(servers.listed):
        name, _, port = address.rpartition(":")
        host = name.strip("[]")
        left = (until - time.monotonic()) / (len(servers.listed) - number)
        try:
            link = dial(host, int(port), max(LEAST_S, left))
        except OSError as error:
            silent.append(error)
            continue
        link.settimeout(TIMEOUT_S)
        with link:
            try:
                brokers = _enter(link, host, servers)
                _require_reachable(address, (host, int(port)), brokers, max(LEAST_S, until - time.monotonic()))
                return
            except ssl.SSLError as error:
                raise _no_tls(address, error) from error
            except (ConnectionError, _Closed, struct.error, UnicodeDecodeError) as error:
                raise _closed(address, servers.security) from error
            except TimeoutError:
                # It listens and is slow: a client has more patience.
                return
            except OSError as error:
                silent.append(error)
    if silent and all(isinstance(error, UnknownNameError) for error in silent):
        raise UnknownHostError(
            f"the name of the broker at {servers} cannot be resolved",
            f"{silent[0]}.",
            "Correct --bootstrap-servers or ADCLICK_BOOTSTRAP_SERVERS.",
        )
    raise next((error for error in silent if not isinstance(error, UnknownNameError)), OSError("no address was given"))


def _require_reachable(address: str, entrance: Address, brokers: Iterable[Address], patience_s: float) -> None:
    """See that the brokers can be reached; one that was stopped a moment ago may be among them, if others can be."""
    found = dial_all([one for one in brokers if one != entrance], patience_s)
    wrong = {one: error for one, error in found.items() if error is not None}
    alone = len(wrong) == len(found) and entrance not in brokers
    for (host, port), error in wrong.items():
        if alone or not isinstance(error, ConnectionRefusedError):
            reason = "Nobody listens there" if isinstance(error, ConnectionRefusedError) else str(error)
            raise AdvertisedError(
                f"the broker at {address} sends its clients on to {host}:{port}, which cannot be reached from here",
                f"{reason}.",
                "Correct advertised.listeners of the broker, or let this machine resolve and reach that address.",
            )


class _Closed(Exception):
    """The broker hung up."""


def _enter(link: socket.socket, host: str, servers: Servers) -> list[Address]:
    """Log in, and ask for the addresses that the brokers advertise on this listener."""
    security = servers.security
    if security.encrypted:
        link = _context(security).wrap_socket(link, server_hostname=host)
    with link:
        if security.asks_for_login:
            _log_in(link, host, servers)
        # Only now a broker refuses a client that should have logged in, or (TLS 1.3) has no good certificate.
        return _brokers(_ask(link, _METADATA, 1, struct.pack(">i", 0)))


def _context(security: Security) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(security.ca_file) if security.ca_file else None)
    if security.certificate_file:
        try:
            context.load_cert_chain(
                str(security.certificate_file), str(security.key_file), security.key_password.encode
            )
        except ssl.SSLError as error:
            raise LoginError(
                "the client's certificate and key cannot be used",
                f"{security.certificate_file}, {security.key_file}: {error.reason or 'wrong password of the key?'}.",
                _GUIDE,
            ) from error
    return context


def _log_in(channel: socket.socket, host: str, servers: Servers) -> None:
    from kafka.net.sasl import get_sasl_mechanism

    security = servers.security
    error, rest = _status(_ask(channel, _SASL_HANDSHAKE, 1, _text(str(security.mechanism))))
    if error == _UNSUPPORTED_MECHANISM:
        raise LoginError(
            f"the broker does not take {security.mechanism}",
            f"It takes {', '.join(_texts(rest)) or 'nothing'}.",
            "Set ADCLICK_SASL_MECHANISM to one of these.",
        )
    client = get_sasl_mechanism(security.mechanism)(host=host, **kafka_python(servers))
    while not client.is_done():
        token = client.auth_bytes()
        answer = _ask(channel, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        error, rest = _status(answer)
        if error:
            raise LoginError(
                f"the broker at {servers} refused the log-in of {security.username}",
                "" if error == _AUTHENTICATION_FAILED else f"Kafka's error code {error}.",
                f"Are user, password and {security.mechanism} right? {_GUIDE}",
            )
        (size,) = struct.unpack(">h", rest[:2])
        rest = rest[2 + max(size, 0) :]
        (size,) = struct.unpack(">i", rest[:4])
        try:
            client.receive(rest[4 : 4 + size])
        except ValueError as wrong:
            raise LoginError("the broker could not prove that it knows the password", mend=_GUIDE) from wrong


def _ask(channel: socket.socket, key: int, version: int, body: bytes) -> bytes:
    request = struct.pack(">hhi", key, version, 1) + _text("adclick") + body
    channel.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _exactly(channel, 4))
    if not 4 <= size <= _LONGEST_ANSWER:
        raise _Closed
    return _exactly(channel, size)[4:]


def _exactly(channel: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = channel.recv(size - len(found))
        if not part:
            raise _Closed
        found += part
    return found


def _status(answer: bytes) -> tuple[int, bytes]:
    return struct.unpack(">h", answer[:2])[0], answer[2:]


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _texts(data: bytes) -> list[str]:
    (count,), at, found = struct.unpack(">i", data[:4]), 4, []
    for _ in range(count):
        (size,) = struct.unpack(">h", data[at : at + 2])
        found.append(data[at + 2 : at + 2 + size].decode())
        at += 2 + size
    return found


def _brokers(data: bytes) -> list[Address]:
    """Host and port of each broker in an answer to `Metadata` version 1."""
    (count,), at, found = struct.unpack_from(">i", data), 4, []
    for _ in range(count):
        (size,) = struct.unpack_from(">h", data, at + 4)
        host = data[at + 6 : at + 6 + size].decode()
        port, rack = struct.unpack_from(">ih", data, at + 6 + size)
        found.append((host, port))
        at += 12 + size + max(rack, 0)
    return found


def _no_tls(address: str, error: ssl.SSLError) -> LoginError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return LoginError(
            f"the certificate of the broker at {address} is not trusted",
            f"{error.verify_message}.",
            "Name the authority that it comes from in ADCLICK_SSL_CA_FILE (PEM), and the broker by the name in its"
            " certificate.",
        )
    reason = (error.reason or type(error).__name__).replace("_", " ").lower()
    if "certificate required" in reason or "bad certificate" in reason:
        return LoginError(
            f"the broker at {address} wants a certificate of the client that it trusts",
            f"TLS: {reason}.",
            "Name it in ADCLICK_SSL_CERTIFICATE_FILE, and its key in ADCLICK_SSL_KEY_FILE.",
        )
    return LoginError(
        f"no TLS connection with the broker at {address} comes about",
        f"TLS: {reason}.",
        f"Does it speak TLS at this port? {_GUIDE}",
    )


def _closed(address: str, security: Security) -> BrokerError:
    return BrokerError(
        f"the broker at {address} hung up",
        f"We speak {security.protocol} with it.",
        f"Does it speak the same at this port? {_GUIDE}",
    )
