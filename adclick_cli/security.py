"""How to log in to a broker, and the same in the three languages of Kafka's clients.

Java's clients run inside Flink, which shows options to whoever may look (a job's plan, logs, its stored state). So
they get references into one file that is their owner's alone, and Kafka itself puts the values in when a client is made
(KIP-297 and KIP-421, `FileConfigProvider`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from adclick_cli.errors import ParameterError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

_SHADED = "org.apache.flink.kafka.shaded.org.apache.kafka.common"
"""Where Flink's SQL connector keeps its Kafka client."""

_PROVIDER = "adclick"
_LOGIN = {
    "PLAIN": f"{_SHADED}.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_SHADED}.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_SHADED}.security.scram.ScramLoginModule",
}


@dataclass(frozen=True)
class Security:
    """How to log in; nothing is asked for and nothing is encrypted unless it says so.

    Attributes:
        protocol: what is spoken with the broker.
        mechanism: how the user proves who they are, with SASL.
        username, password: with SASL.
        ca_file: PEM; the authorities that the broker's certificate may come from, else those of the system.
        certificate_file, key_file: PEM; the client's own certificate with its chain, and its key (PKCS#8).
        key_password: of an encrypted key.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def asks_for_login(self) -> bool:
        """Whether a user logs in."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")


@dataclass(frozen=True)
class Servers:
    """A broker: where it is, and how to log in. As a text it is its addresses alone.

    Attributes:
        addresses: `host:port`, several separated by commas.
        security: how to log in.
    """

    addresses: str
    security: Security = field(default_factory=Security)

    def __str__(self) -> str:
        return self.addresses

    @property
    def listed(self) -> list[str]:
        """Each `host:port`."""
        return self.addresses.split(",")


def kafka_python(servers: Servers) -> dict[str, Any]:
    """What every client of kafka-python is made with."""
    security = servers.security
    options: dict[str, Any] = {
        "bootstrap_servers": servers.listed,
        "client_id": "adclick",
        "security_protocol": security.protocol,
    }
    if security.asks_for_login:
        options |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": security.password,
        }
    if security.encrypted:
        options |= {
            "ssl_cafile": _text(security.ca_file),
            "ssl_certfile": _text(security.certificate_file),
            "ssl_keyfile": _text(security.key_file),
            "ssl_password": security.key_password or None,
        }
    return options


def librdkafka(servers: Servers) -> dict[str, Any]:
    """What every client of confluent-kafka is made with."""
    security = servers.security
    options: dict[str, Any] = {
        "bootstrap.servers": servers.addresses,
        "client.id": "adclick",
        "security.protocol": security.protocol,
    }
    if security.asks_for_login:
        options |= {
            "sasl.mechanism": security.mechanism,
            "sasl.username": security.username,
            "sasl.password": security.password,
        }
    if security.encrypted:
        more = {
            "ssl.ca.location": _text(security.ca_file),
            "ssl.certificate.location": _text(security.certificate_file),
            "ssl.key.location": _text(security.key_file),
            "ssl.key.password": security.key_password or None,
        }
        options |= {name: value for name, value in more.items() if value is not None}
    return options


def java(security: Security, path: str) -> dict[str, str]:
    """What Flink's Kafka clients are made with; holds no secret.

    Args:
        security: how to log in.
        path: where the file with the text of `java_file` is for them.

    Raises:
        ParameterError: Kafka cannot take a file with such a path.
    """
    if security.protocol == "PLAINTEXT":
        return {}
    options = {"security.protocol": str(security.protocol)}
    if security.asks_for_login:
        options["sasl.mechanism"] = str(security.mechanism)
    if security.ca_file:
        options["ssl.truststore.type"] = "PEM"
    if security.certificate_file:
        options["ssl.keystore.type"] = "PEM"
    secrets = java_secrets(security)
    if secrets:
        if set(path) & set(":},\n"):
            raise ParameterError(
                "home",
                path,
                "Kafka takes no file whose path holds a colon, a comma or a closing brace.",
                "Choose another ADCLICK_HOME.",
            )
        options |= {
            "config.providers": _PROVIDER,
            f"config.providers.{_PROVIDER}.class": f"{_SHADED}.config.provider.FileConfigProvider",
            f"config.providers.{_PROVIDER}.param.allowed.paths": path,
        }
        options |= {name: f"${{{_PROVIDER}:{path}:{name}}}" for name in secrets}
    return options


def java_secrets(security: Security) -> dict[str, str]:
    """The options of Java's clients that stand in the file, by name: the log-in, certificates and key."""
    found = {}
    if security.asks_for_login:
        found["sasl.jaas.config"] = jaas(security)
    if security.ca_file:
        found["ssl.truststore.certificates"] = security.ca_file.read_text(encoding="ascii", errors="replace")
    if security.certificate_file and security.key_file:
        found["ssl.keystore.certificate.chain"] = security.certificate_file.read_text(
            encoding="ascii", errors="replace"
        )
        found["ssl.keystore.key"] = security.key_file.read_text(encoding="ascii", errors="replace")
        if security.key_password:
            found["ssl.key.password"] = security.key_password
    return found


def java_file(security: Security) -> str:
    """The text of the file (Java's properties, ASCII) that `java` refers to; empty where it refers to none."""
    return "".join(f"{name}={_property(value)}\n" for name, value in java_secrets(security).items())


def jaas(security: Security) -> str:
    """The log-in as Java's JAAS wants it."""
    module = _LOGIN[str(security.mechanism)]
    return f"{module} required username={_quoted(security.username)} password={_quoted(security.password)};"


def _quoted(text: str) -> str:
    """A text in quotes as `java.io.StreamTokenizer`, which reads JAAS, reads it back: C's escapes, octal ones too."""
    inside = "".join(
        f"\\{char}" if char in '\\"' else f"\\{ord(char):03o}" if ord(char) < 32 else char for char in text
    )
    return f'"{inside}"'


def _property(value: str) -> str:
    """A value as `java.util.Properties.load` reads it back: UTF-16 units beyond plain ASCII as `\\uXXXX`."""
    found = []
    for char in value:
        if char == "\\":
            found.append("\\\\")
        elif " " < char <= "~":
            found.append(char)
        else:
            units = char.encode("utf-16-be", "surrogatepass")
            found += [f"\\u{int.from_bytes(units[at : at + 2], 'big'):04x}" for at in range(0, len(units), 2)]
    return "".join(found)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
