"""A broker that lets nobody in without TLS and a log-in: the pinned Kafka jars, a CA of the test's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from adclick_cli.runtime import jars, options
from adclick_cli.runtime.local.broker import cluster_id
from adclick_cli.runtime.local.layout import free_port

HOST = "127.0.0.1"
USER = "ada"
CORE, KEY_CORE = "c0re7f3aQ", "k3y9d1bZ"
"""What to look for: no way of quoting changes these letters."""

PASSWORD = f"p\"a's\\s${{x}}, #; ={CORE} päß€"
"""What a careless quoting of JAAS, SQL, Java properties or a shell would break on."""

KEY_PASSWORD = f'"{KEY_CORE}\\y'


@dataclass(frozen=True)
class SecureBroker:
    """A running broker and what its clients need.

    Attributes:
        sasl: `host:port` of the listener with SASL_SSL (PLAIN).
        mutual: `host:port` of the listener that wants a client's certificate.
        folder: ca.pem, client.pem, client.key (encrypted), old.key (PKCS#1), stranger.pem (another CA).
        process: the broker.
    """

    sasl: str
    mutual: str
    folder: Path
    process: subprocess.Popen[bytes]


def _key(pem: bytes, encryption: KeySerializationEncryption) -> bytes:
    return load_pem_private_key(pem, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def make_certificates(folder: Path) -> None:
    """The broker's and a client's certificates of one CA, and another CA."""
    authority = trustme.CA()
    broker, client = authority.issue_cert(HOST, "localhost"), authority.issue_cert("client", common_name="client")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "stranger.pem")
    chain = b"".join(blob.bytes() for blob in broker.cert_chain_pems)
    (folder / "broker.pem").write_bytes(_key(broker.private_key_pem.bytes(), NoEncryption()) + chain)
    (folder / "client.pem").write_bytes(b"".join(blob.bytes() for blob in client.cert_chain_pems))
    secret = BestAvailableEncryption(KEY_PASSWORD.encode())
    (folder / "client.key").write_bytes(_key(client.private_key_pem.bytes(), secret))
    (folder / "old.key").write_bytes(client.private_key_pem.bytes())
    for path in folder.iterdir():
        path.chmod(0o600)


def _properties(folder: Path, sasl: str, mutual: str) -> str:
    # The test's own quoting, not adclick's: JAAS in a Java properties file, each with its backslashes.
    jaas_password = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    jaas = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{USER}" password="{jaas_password}" user_{USER}="{jaas_password}";'
    )
    controller = f"{HOST}:{free_port(HOST)}"
    written = {
        **options.BROKER,
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"SASL_SSL://{sasl},SSL://{mutual},CONTROLLER://{controller}",
        "advertised.listeners": f"SASL_SSL://{sasl},SSL://{mutual}",
        "inter.broker.listener.name": "SASL_SSL",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": jaas.replace("\\", "\\\\"),
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "broker.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder / "ca.pem",
        "listener.name.ssl.ssl.client.auth": "required",
        "log.dirs": folder / "data",
    }
    ascii_only = "".join(f"{name}={value}\n" for name, value in written.items())
    return "".join(
        char if ord(char) < 128 else "".join(f"\\u{unit:04x}" for unit in _utf16(char)) for char in ascii_only
    )


def _utf16(char: str) -> Iterator[int]:
    data = char.encode("utf-16-be")
    return (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def add_scram_user(broker: SecureBroker) -> None:
    """The same user and password for SCRAM, which a broker keeps in its own metadata."""
    from confluent_kafka import admin

    kinds: Any = admin

    client = kinds.AdminClient(
        {
            "bootstrap.servers": broker.sasl,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": USER,
            "sasl.password": PASSWORD,
            "ssl.ca.location": str(broker.folder / "ca.pem"),
        }
    )
    for mechanism in (kinds.ScramMechanism.SCRAM_SHA_256, kinds.ScramMechanism.SCRAM_SHA_512):
        wanted = kinds.UserScramCredentialUpsertion(USER, kinds.ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        for done in client.alter_user_scram_credentials([wanted]).values():
            done.result(10)


@contextmanager
def start(folder: Path, java: Path, jar_folder: Path) -> Iterator[SecureBroker]:
    """The broker; it may not answer yet."""
    make_certificates(folder)
    sasl, mutual = f"{HOST}:{free_port(HOST)}", f"{HOST}:{free_port(HOST)}"
    properties = folder / "server.properties"
    properties.write_text(_properties(folder, sasl, mutual), encoding="ascii")
    properties.chmod(0o600)
    class_path = os.pathsep.join(str(jar_folder / jar.file_name) for jar in jars.pinned() if "kafka" in jar.places)
    command = [str(java), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx320m", "-cp", class_path]
    subprocess.run(
        [*command, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", str(properties)],
        check=True,
        capture_output=True,
    )
    with (folder / "broker.log").open("wb") as log:
        process = subprocess.Popen([*command, "kafka.Kafka", str(properties)], stdout=log, stderr=log)
    try:
        yield SecureBroker(sasl, mutual, folder, process)
    finally:
        process.kill()
        process.wait()
