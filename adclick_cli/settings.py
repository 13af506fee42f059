"""Settings: flag > `ADCLICK_*` > `./adclick.toml` > the user's config file > the running cluster's ports > default.

`load()` gives the settings of this call; commands pass the flags that were really given. `sources()` tells for each
value where it came from.
"""

from __future__ import annotations

import codecs
import difflib
import io
import ipaddress
import json
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from adclick_cli import defaults, faults, paths, private
from adclick_cli.catalog import records, tables
from adclick_cli.catalog.builtin import CATALOG
from adclick_cli.catalog.load import load as load_catalog
from adclick_cli.catalog.model import Catalog
from adclick_cli.catalog.toml_places import line_of
from adclick_cli.errors import ParameterError
from adclick_cli.faults import MASK as MASK
from adclick_cli.faults import shown as shown
from adclick_cli.login import SECRETS, LoginSettings, UserPath
from adclick_cli.parameters import Duration, parse_count, parse_listen, parse_number, parse_servers, parse_topic
from adclick_cli.pipeline import DEDUP_KEYS, METHODS, DedupKey, Pipeline, Topics, least_z
from adclick_cli.security import Servers

PROJECT_FILE = Path("adclick.toml")
METRICS = ("metrics", "metrics_jobmanager_port", "metrics_taskmanager_port")
OF_A_CLUSTER = ("listen", "kafka_port", "ui_port", "gateway_port", *METRICS)
"""What a cluster keeps while it is up, whatever the settings say meanwhile; a flag or a variable goes before it."""


def user_file() -> Path | None:
    """The user's own config file (it need not exist); None for a user without a home folder."""
    folder = _platforms(platformdirs.user_config_dir)
    return folder and folder / "config.toml"


def find_default_home() -> Path | None:
    """The platform's user data folder for adclick; None for a user without a home folder."""
    return _platforms(platformdirs.user_data_dir)


def _platforms(folder: Callable[..., str]) -> Path | None:
    try:
        return paths.of_home(folder("adclick", appauthor=False))
    except RuntimeError:
        # Newer versions of platformdirs raise it, older ones leave the ~.
        return None


def default_home() -> Path:
    """The same, where it is needed.

    Raises:
        ParameterError: this user has no home folder.
    """
    found = find_default_home()
    if found is None:
        raise ParameterError("home", None, paths.NO_HOME, "Name a folder of adclick's own in ADCLICK_HOME.")
    return found


class _File(TomlConfigSettingsSource):
    """A config file: UTF-8, with a byte order mark or without one."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            text = Path(file_path).read_bytes().removeprefix(codecs.BOM_UTF8)
            found = super()._read_file(_Bytes(text))
        except OSError as error:
            known = faults.of_os_error(error)
            raise ParameterError("config file", str(file_path), known.why, known.mend) from error
        except UnicodeDecodeError as error:
            mend = "Save the file as UTF-8."
            raise ParameterError("config file", str(file_path), f"It is no UTF-8 text: {error}.", mend) from error
        except ValueError as error:
            raise ParameterError("config file", str(file_path), f"{error}.", "Correct the TOML.") from error
        if Path(file_path) != PROJECT_FILE:
            return found
        return {name: value for name, value in found.items() if not tables.is_declared(name, value)}


class _Bytes:
    """What the reader of TOML asks of a path."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, mode: str) -> io.BytesIO:
        """A file of these bytes."""
        return io.BytesIO(self._data)


class Settings(LoginSettings):
    """All settings. Durations and ratios are texts and numbers as the user gave them; `pipeline()` parses them."""

    model_config = SettingsConfigDict(env_prefix="ADCLICK_", extra="forbid", frozen=True)

    home: UserPath = Field(default_factory=default_home)
    runtime: Literal["auto", "local", "compose"] = "auto"
    jar_cache: UserPath | None = None
    maven_url: str | None = None
    java_home: UserPath | None = None

    listen: str = defaults.BIND_ADDRESS
    kafka_port: int = Field(defaults.KAFKA_PORT, ge=1, le=65535)
    ui_port: int = Field(defaults.UI_PORT, ge=1, le=65535)
    gateway: bool = False
    gateway_port: int = Field(defaults.GATEWAY_PORT, ge=1, le=65535)
    dashboard_port: int = Field(defaults.DASHBOARD_PORT, ge=0, le=65535)
    metrics: bool = False
    metrics_jobmanager_port: int = Field(defaults.METRICS_JOBMANAGER_PORT, ge=1, le=65535)
    metrics_taskmanager_port: int = Field(defaults.METRICS_TASKMANAGER_PORT, ge=1, le=65535)
    bootstrap_servers: str | None = None
    flink_url: str | None = None
    flink_secrets_path: str | None = None
    taskmanager_memory_mb: int = Field(defaults.TASKMANAGER_MEMORY_MB, ge=768)
    jobmanager_memory_mb: int = Field(defaults.JOBMANAGER_MEMORY_MB, ge=768)
    broker_heap_mb: int = Field(defaults.BROKER_HEAP_MB, ge=256)
    task_slots: int = Field(defaults.TASK_SLOTS, ge=1)

    kafka_image: str = defaults.KAFKA_IMAGE
    flink_image: str = defaults.FLINK_IMAGE
    python_image: str = defaults.PYTHON_IMAGE
    broker_limit_mb: int = Field(defaults.BROKER_LIMIT_MB, ge=512)
    jobmanager_limit_mb: int = Field(defaults.JOBMANAGER_LIMIT_MB, ge=1024)
    compose_pull: Literal["missing", "always", "never"] = "missing"
    compose_project: str | None = None

    topic_impressions: str = defaults.TOPIC_IMPRESSIONS
    topic_clicks: str = defaults.TOPIC_CLICKS
    topic_ctr: str = defaults.TOPIC_CTR
    topic_engagement: str = defaults.TOPIC_ENGAGEMENT
    topic_alerts: str = defaults.TOPIC_ALERTS
    topic_dead_letters: str = defaults.TOPIC_DEAD_LETTERS
    topic_truth: str = defaults.TOPIC_TRUTH
    topic_ctr_live: str = defaults.TOPIC_CTR_LIVE
    topic_engagement_live: str = defaults.TOPIC_ENGAGEMENT_LIVE
    topic_ctr_early: str = defaults.TOPIC_CTR_EARLY
    topic_early_alerts: str = defaults.TOPIC_EARLY_ALERTS
    topic_early_verdicts: str = defaults.TOPIC_EARLY_VERDICTS

    window: str = defaults.WINDOW
    attribution: str = defaults.ATTRIBUTION
    clock_skew: str = defaults.CLOCK_SKEW
    early: str = defaults.EARLY
    dedup_window: str = defaults.DEDUP_WINDOW
    dedup_key: str = defaults.DEDUP_KEY
    unique_ids: str = defaults.UNIQUE_IDS
    watermark_delay: str = defaults.WATERMARK_DELAY
    idle_timeout: str = defaults.IDLE_TIMEOUT
    partition_discovery: str = defaults.PARTITION_DISCOVERY
    max_ahead: str = defaults.MAX_AHEAD
    heartbeat: bool = True
    heartbeat_after: str = defaults.HEARTBEAT_AFTER
    checkpoint_interval: str = defaults.CHECKPOINT_INTERVAL
    transaction_timeout: str = defaults.TRANSACTION_TIMEOUT
    threshold: float | None = None
    spike: float | None = None
    drop: float | None = None
    method: str = defaults.METHOD
    min_impressions: int = defaults.MIN_IMPRESSIONS
    min_z: float | None = None
    parallelism: int = defaults.PARALLELISM
    via: Literal["sql-client", "gateway"] = "sql-client"
    live: bool = True
    dead_letters: bool = True
    portable: bool = False

    rate: float = defaults.RATE
    seed: int = defaults.SEED
    broker_wait: str = defaults.BROKER_WAIT

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then the environment, then the two files."""
        return (init_settings, env_settings, *(source for _, source in _file_sources(settings_cls)))

    @property
    def reachable(self) -> bool:
        """Whether the cluster listens where other machines may reach it."""
        return not ipaddress.IPv4Address(parse_listen(self.listen, "listen")).is_loopback

    @property
    def servers(self) -> Servers:
        """The broker as this machine reaches it, and how to log in.

        Raises:
            ParameterError: the addresses or the log-in cannot be used; or there is a log-in, and no broker to use it.
        """
        own = f"{self.listen}:{self.kafka_port}"
        addresses = parse_servers(self.bootstrap_servers or own, "bootstrap-servers")
        security = self.security()
        if self.wants_login and not self.bootstrap_servers:
            raise ParameterError(
                "bootstrap-servers",
                None,
                "A log-in is set, and the broker that adclick starts itself asks for none.",
                "Name your broker in ADCLICK_BOOTSTRAP_SERVERS, or unset ADCLICK_SECURITY_PROTOCOL, ADCLICK_SASL_… and"
                " ADCLICK_SSL_….",
            )
        return Servers(addresses, security)

    def require_own_ports(self, *, gateway: bool = False) -> None:
        """Check that no two services of one cluster would listen on the same port.

        Args:
            gateway: whether the SQL gateway is one of them, whatever the settings say.

        Raises:
            ParameterError: two would.
        """
        names = ["kafka_port", "ui_port", *(["gateway_port"] if self.gateway or gateway else [])]
        seen: dict[int, str] = {}
        for name in [*names, *(METRICS[1:] if self.metrics else [])]:
            port, flag = getattr(self, name), name.replace("_", "-")
            if port in seen:
                raise ParameterError(
                    flag,
                    port,
                    f"It is the {seen[port]}, too.",
                    f"Give one of the two another port (ADCLICK_{name.upper()}).",
                )
            seen[port] = flag

    @property
    def flink_rest(self) -> str:
        """Flink's REST interface, without a slash at its end."""
        return (self.flink_url or f"http://{self.listen}:{self.ui_port}").rstrip("/")

    def topics(self) -> Topics:
        """The topics' names.

        Raises:
            ParameterError: Kafka would refuse a name, or two topics share one.
        """
        declared = self.catalog
        values = {name: getattr(self, f"topic_{name}") for name in Topics.__dataclass_fields__}
        for source in (declared.impressions, declared.clicks):
            if (
                source.topic is not None
                and values[source.name] == Settings.model_fields[f"topic_{source.name}"].default
            ):
                values[source.name] = source.topic
        names = {name: parse_topic(value, f"topic-{name.replace('_', '-')}") for name, value in values.items()}
        seen: dict[str, str] = {}
        for name, topic in names.items():
            if topic in seen:
                raise ParameterError(
                    f"topic-{name.replace('_', '-')}",
                    topic,
                    f"It is the topic of {seen[topic]} already.",
                    "Give each topic a name of its own.",
                )
            seen[topic] = name
        for record in (*records.final(declared), *records.live(declared)):
            if record.default_topic in seen:
                raise ParameterError(
                    f"results.{record.name.removesuffix('_live')}",
                    record.default_topic,
                    f"It is the topic of {seen[record.default_topic]} already.",
                    "Give each topic a name of its own.",
                )
            seen[record.default_topic] = record.name
        return Topics(**names)

    @cached_property
    def catalog(self) -> Catalog:
        """What the project's `adclick.toml` declares; it is read once.

        Raises:
            ParameterError: the file cannot be read.
            CatalogError: something in it cannot work.
        """
        return load_catalog(project_file())

    def pipeline(self, *, bounded: bool = False) -> Pipeline:
        """Everything that decides a result, parsed and checked.

        Raises:
            ParameterError: a value cannot be used; it names the flag, the value and the mend.
        """
        method = next((known for known in METHODS if known == self.method), None)
        if method is None:
            raise ParameterError("method", self.method, "There is no such rule.", f"Use one of {', '.join(METHODS)}.")
        spike, drop = self._thresholds()
        self._refuse_what_plain_sql_cannot()
        return Pipeline(
            window=_window(self.window),
            attribution=Duration.parse(self.attribution, "attribution"),
            clock_skew=Duration.parse(self.clock_skew, "clock-skew", allow_zero=True),
            early=self._early(bounded=bounded),
            dedup_window=Duration.parse(self.dedup_window, "dedup-window", allow_zero=True),
            dedup_key=_dedup_key(self.dedup_key),
            unique_ids=Duration.parse(self.unique_ids, "unique-ids", allow_zero=True),
            watermark_delay=Duration.parse(self.watermark_delay, "watermark-delay", allow_zero=True),
            idle_timeout=Duration.parse(self.idle_timeout, "idle-timeout"),
            partition_discovery=Duration.parse(self.partition_discovery, "partition-discovery"),
            max_ahead=Duration.parse(self.max_ahead, "max-ahead"),
            spike=spike,
            drop=drop,
            method=method,
            min_impressions=parse_count(self.min_impressions, "min-impressions"),
            min_z=parse_number(least_z(method) if self.min_z is None else self.min_z, "min-z", at_least=0),
            parallelism=parse_count(self.parallelism, "parallelism", at_least=1, at_most=32_768),
            bounded=bounded,
            live=self.live and not bounded,
            dead_letters=self.dead_letters and not self.portable,
            portable=self.portable,
            checkpoint_interval=Duration.parse(self.checkpoint_interval, "checkpoint-interval"),
            transaction_timeout=Duration.parse(self.transaction_timeout, "transaction-timeout"),
            bootstrap_servers=self.servers.addresses,
            topics=self.topics(),
            catalog=self.catalog,
        )

    def _refuse_what_plain_sql_cannot(self) -> None:
        """Plain SQL has no place for the state that these need."""
        if not self.portable:
            return
        for name in ("early", "dedup-window", "unique-ids"):
            value = getattr(self, name.replace("-", "_"))
            if Duration.parse(value, name, allow_zero=True).ms:
                raise ParameterError(name, value, "Plain SQL cannot do it.", f"Leave --portable or --{name} out.")
        if self.catalog != CATALOG:
            raise ParameterError(
                "portable",
                "true",
                "Plain SQL knows the built-in events, metrics and results only, and adclick.toml declares others.",
                "Leave --portable out.",
            )

    def _early(self, *, bounded: bool) -> Duration:
        early = Duration.parse(self.early, "early", allow_zero=True)
        if not early.ms or bounded:
            return Duration(0)
        if early >= Duration.parse(self.attribution, "attribution"):
            raise ParameterError(
                "early",
                self.early,
                "It is no shorter than --attribution.",
                "Give less, for example 15s, or 0s for none.",
            )
        if Duration.parse(self.dedup_window, "dedup-window", allow_zero=True).ms:
            raise ParameterError(
                "early",
                self.early,
                "Its rows would hold the duplicates that --dedup-window takes out of the final ones.",
                "Leave one of the two out.",
            )
        return early

    def _thresholds(self) -> tuple[float, float]:
        drop, spike = self.drop, self.spike
        if self.threshold is not None:
            threshold = parse_number(self.threshold, "threshold", above=0, below=1)
            drop = threshold if drop is None else drop
            spike = 1 / threshold if spike is None else spike
        return (
            parse_number(defaults.SPIKE if spike is None else spike, "spike", above=1),
            parse_number(defaults.DROP if drop is None else drop, "drop", above=0, below=1),
        )


def as_flags(pipeline: Pipeline) -> dict[str, Any]:
    """The settings, by name, that give this pipeline; the broker's address is left out."""
    found: dict[str, Any] = {f"topic_{name}": topic for name, topic in vars(pipeline.topics).items()}
    for name in pipeline.__dataclass_fields__:
        if name in Settings.model_fields and name != "bootstrap_servers":
            value = getattr(pipeline, name)
            found[name] = str(value) if isinstance(value, Duration) else value
    return found


def _dedup_key(text: str) -> DedupKey:
    key = next((known for known in DEDUP_KEYS if known == text), None)
    if key is None:
        raise ParameterError("dedup-key", text, "There is no such key.", f"Use {' or '.join(DEDUP_KEYS)}.")
    return key


def _window(text: str) -> Duration:
    window = Duration.parse(text, "window")
    if window.ms % 1000:
        raise ParameterError("window", text, "A window is whole seconds long.", "Give for example 30s, 1m or 1h.")
    return window


def project_file() -> Path | None:
    """The project's file, which may declare a catalog; None where there is none.

    Raises:
        ParameterError: whether it is there cannot be found out.
    """
    return PROJECT_FILE if _there(PROJECT_FILE, "config file") else None


def _file_sources(settings_cls: type[BaseSettings]) -> list[tuple[str, TomlConfigSettingsSource]]:
    candidates = [path for path in (PROJECT_FILE, user_file()) if path is not None and _there(path, "config file")]
    return [(str(path), _File(settings_cls, path)) for path in candidates]


def _there(path: Path, field: str) -> bool:
    """Whether a path leads to something.

    Raises:
        ParameterError: that cannot be found out: a folder on the way is closed, or is none.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        known = faults.of_os_error(error)
        raise ParameterError(field, str(path), known.why, known.mend) from error
    return True


def load(**flags: Any) -> Settings:
    """The settings of this call; flags that are None were not given.

    Raises:
        ParameterError: a value has the wrong type, or a name is unknown.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        _require_private_files()
        _require_listen_is_a_flag(given)
        loaded = Settings(**given)
        _require_folder(loaded.home, given)
        return _with_running_ports(loaded, given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        # A password under a mistyped name is one all the same.
        shown = MASK if name in SECRETS or unknown else first.get("input")
        meant = _nearest(name, *tables.TABLES) if unknown else None
        why = "There is no such setting" if unknown else first["msg"].removeprefix("Value error, ").rstrip(".")
        raise ParameterError(
            name.replace("_", "-"),
            shown,
            f"{why} (from {place(name, **given)}).",
            f"Did you mean {meant}?" if meant else "Correct the value; `adclick config show` lists the settings.",
        ) from None


def _require_folder(home: Path, given: dict[str, Any]) -> None:
    if _there(home, "home") and not home.is_dir():
        origin = place("home", **given)
        raise ParameterError("home", str(home), f"It is a file (from {origin}).", "Name a folder in ADCLICK_HOME.")


def _require_private_files() -> None:
    for path, source in _file_sources(Settings):
        if any(name in source() for name in SECRETS):
            private.require(Path(path), "config file")


def _require_listen_is_a_flag(given: dict[str, Any]) -> None:
    """A variable or a file that came with a folder must not open the machine: whoever runs `up` has to say so."""
    origin = _origin("listen", given)
    if origin not in ("flag", "default"):
        raise ParameterError(
            "listen",
            MASK,
            f"It is set in {origin}, and only a flag may open the cluster to other machines.",
            "Unset it there, and give `adclick up --listen ADDRESS`.",
        )


def ports_file(home: Path) -> Path:
    """Where `up` keeps the ports of the cluster that it started."""
    return home / "run" / "ports.json"


def running_ports(home: Path) -> dict[str, Any]:
    """What `ports_file` holds; empty while no cluster of this home is up."""
    try:
        found = json.loads(ports_file(home).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _with_running_ports(settings: Settings, given: dict[str, Any]) -> Settings:
    running = running_ports(settings.home)
    # Half a file, or one of another version, must not become a setting that nobody can use.
    known = [name for name in OF_A_CLUSTER if type(running.get(name)) is type(getattr(settings, name))]
    unset: dict[str, Any] = {name: running[name] for name in known}
    unset = {name: port for name, port in unset.items() if _origin(name, given) == "default"}
    return settings.model_copy(update=unset) if unset else settings


def _origin(name: str, given: dict[str, Any]) -> str:
    if name in given:
        return "flag"
    if f"ADCLICK_{name.upper()}" in {key.upper() for key in os.environ}:
        return f"ADCLICK_{name.upper()}"
    for path, source in _file_sources(Settings):
        if name in source():
            return path
    return "default"


def place(name: str, **given: Any) -> str:
    """Where a setting comes from: `flag`, `ADCLICK_…`, a file's path with the line, or `default`."""
    origin = _origin(name, given)
    if origin in files():
        line = line_of(Path(origin).read_text(encoding="utf-8-sig"), (name,))
        if line:
            return f"{origin}:{line}"
    return origin


def files() -> list[str]:
    """The config files that are there, the one that wins first."""
    return [path for path, _ in _file_sources(Settings)]


def _nearest(name: str, *others: str) -> str | None:
    known = (*Settings.model_fields, *others)
    return next(iter(difflib.get_close_matches(name.lower().replace("-", "_"), known, 1)), None)


def unknown_variables() -> list[tuple[str, str | None]]:
    """Variables `ADCLICK_…` that no setting has, which pass in silence, and the setting that is perhaps meant."""
    prefix = str(Settings.model_config["env_prefix"])
    found = []
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(prefix).lower()
        if variable.upper().startswith(prefix) and name not in Settings.model_fields:
            found.append((variable, _nearest(name)))
    return found


def sources(settings: Settings, **flags: Any) -> dict[str, tuple[Any, str]]:
    """Each setting's value and where it came from, as `place` tells it.

    Secrets are masked, those in web addresses, too.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    found = {}
    # How to log in stands at the end.
    for name in sorted(Settings.model_fields, key=LoginSettings.model_fields.__contains__):
        spec = Settings.model_fields[name]
        value, origin = getattr(settings, name), place(name, **given)
        if origin == "default" and not spec.default_factory and value != spec.default:
            origin = "the running cluster"
        if name in SECRETS and value is not None:
            value = MASK
        elif name.endswith("_url") and value:
            value = shown(value)
        found[name] = (value, origin)
    return found
