"""The settings that say how to log in to a broker of the user's own, checked and made one `Security`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr
from pydantic_settings import BaseSettings

from adclick_cli import paths, private
from adclick_cli.errors import ParameterError
from adclick_cli.security import Mechanism, Protocol, Security

_MECHANISMS = "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "-----BEGIN PRIVATE KEY-----"
_ENCRYPTED_KEY = "-----BEGIN ENCRYPTED PRIVATE KEY-----"


def _whole(value: object) -> object:
    return paths.given(str(value)).absolute() if isinstance(value, (str, Path)) else value


UserPath = Annotated[Path, BeforeValidator(_whole)]
"""A path of the settings, as `paths.given` reads it; it is absolute."""


class LoginSettings(BaseSettings):
    """How to log in to the broker that `bootstrap_servers` names; the one that `up` starts asks for nothing."""

    security_protocol: Protocol | None = None
    sasl_mechanism: Mechanism | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_password_file: UserPath | None = None
    ssl_ca_file: UserPath | None = None
    ssl_certificate_file: UserPath | None = None
    ssl_key_file: UserPath | None = None
    ssl_key_password: SecretStr | None = None
    ssl_key_password_file: UserPath | None = None

    @property
    def wants_login(self) -> bool:
        """Whether any of these settings is given."""
        return any(getattr(self, name) is not None for name in LoginSettings.model_fields)

    def security(self) -> Security:
        """All of it, checked; without `security_protocol` a user means SASL_SSL, and a file for TLS means SSL.

        Raises:
            ParameterError: settings are missing, contradict each other, or a file cannot be used.
        """
        protocol = self.security_protocol or self._meant()
        self._require_used(protocol)
        security = Security(protocol)
        if security.asks_for_login:
            security = self._with_sasl(security)
        return self._with_ssl(security) if security.encrypted else security

    def _meant(self) -> Protocol:
        names = [name for name in LoginSettings.model_fields if getattr(self, name) is not None]
        if any(name.startswith("sasl_") for name in names):
            return "SASL_SSL"
        return "SSL" if names else "PLAINTEXT"

    def _require_used(self, protocol: Protocol) -> None:
        """What a user asks for and would not get must not pass in silence."""
        for prefix, used in (("sasl_", protocol.startswith("SASL")), ("ssl_", protocol.endswith("SSL"))):
            for name in LoginSettings.model_fields:
                if name.startswith(prefix) and getattr(self, name) is not None and not used:
                    raise ParameterError(
                        "security-protocol",
                        protocol,
                        f"{_flag(name)} is set, and {protocol} does not use it.",
                        "Set ADCLICK_SECURITY_PROTOCOL to SASL_SSL or SSL, or leave it out.",
                    )

    def _with_sasl(self, security: Security) -> Security:
        if self.sasl_mechanism is None:
            raise ParameterError("sasl-mechanism", None, "It is not set.", f"Set it to {_MECHANISMS}.")
        if not self.sasl_username:
            raise ParameterError("sasl-username", None, "It is not set.", "Set ADCLICK_SASL_USERNAME.")
        password = self._secret("sasl_password")
        if not password:
            raise ParameterError(
                "sasl-password",
                None,
                "It is not set.",
                "Set ADCLICK_SASL_PASSWORD, or name a file that only you can read in ADCLICK_SASL_PASSWORD_FILE.",
            )
        if "\0" in self.sasl_username + password:
            raise ParameterError("sasl-password", "…", "No log-in can hold a zero byte.", "Leave it out.")
        return replace(security, mechanism=self.sasl_mechanism, username=self.sasl_username, password=password)

    def _with_ssl(self, security: Security) -> Security:
        if self.ssl_ca_file:
            security = replace(security, ca_file=_pem(self.ssl_ca_file, "ssl_ca_file", _CERTIFICATE))
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            missing = "ssl_key_file" if self.ssl_key_file is None else "ssl_certificate_file"
            raise ParameterError(_flag(missing), None, "It is not set.", "Give certificate and key together.")
        if self.ssl_certificate_file and self.ssl_key_file:
            certificate = _pem(self.ssl_certificate_file, "ssl_certificate_file", _CERTIFICATE)
            key = _pem(self.ssl_key_file, "ssl_key_file", _KEY, _ENCRYPTED_KEY)
            private.require(key, _flag("ssl_key_file"))
            security = replace(security, certificate_file=certificate, key_file=key)
            if _ENCRYPTED_KEY in key.read_text(encoding="ascii", errors="replace"):
                security = replace(security, key_password=self._secret("ssl_key_password"))
                if not security.key_password:
                    raise ParameterError(
                        "ssl-key-password",
                        None,
                        "The key is encrypted.",
                        "Set ADCLICK_SSL_KEY_PASSWORD, or name a file in ADCLICK_SSL_KEY_PASSWORD_FILE.",
                    )
        return security

    def _secret(self, name: str) -> str:
        value, path = getattr(self, name), getattr(self, f"{name}_file")
        if value is not None and path is not None:
            raise ParameterError(
                _flag(f"{name}_file"), str(path), f"{_flag(name)} is set, too.", "Set one of the two, not both."
            )
        if path is not None:
            return private.read_secret(path, _flag(f"{name}_file"))
        return "" if value is None else str(value.get_secret_value())


SECRETS = tuple(name for name, spec in LoginSettings.model_fields.items() if "SecretStr" in str(spec.annotation))
"""The settings that no output may show."""


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _pem(path: Path, name: str, *begins: str) -> Path:
    """The file's whole path, if it holds one of these blocks."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ParameterError(_flag(name), str(path), f"{error.strerror}.", "Name a file that you can read.") from None
    if any(begin in text for begin in begins):
        return path
    if "PRIVATE KEY-----" in text and _KEY in begins:
        raise ParameterError(
            _flag(name),
            str(path),
            "Java's Kafka clients, which Flink uses, read keys in PKCS#8 alone.",
            f"Convert it: `openssl pkcs8 -topk8 -in {path} -out NEW` (-nocrypt for one without a password).",
        )
    raise ParameterError(_flag(name), str(path), f"It holds no {begins[0]}.", "Name a file in PEM.")
