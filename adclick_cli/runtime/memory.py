"""What a home remembers of its cluster: the ports while it is up, the runtime as long as its data are there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adclick_cli import faults
from adclick_cli.errors import AdclickError, ParameterError, RuntimeFailure
from adclick_cli.settings import OF_A_CLUSTER, Settings, ports_file, running_ports

JARS = "jars"
OWN = frozenset(
    {
        JARS,
        "checkpoints",
        "delivered",
        "demo",
        "flink",
        "kafka",
        "last_verify.json",
        "logs",
        "recovery",
        "run",
        "runtime",
        "savepoints",
        "secrets",
        "submission.json",
        "up.lock",
        "zookeeper",
    }
)
"""All that adclick puts into a home. A folder with anything else in it is not adclick's to change or to delete."""


def _runtime_file(home: Path) -> Path:
    return home / "runtime"


@contextmanager
def remembering(settings: Settings, runtime: str) -> Iterator[None]:
    """Keep the ports and the runtime of the cluster that comes up inside; if it does not, all is as it was before."""
    ports = {name: getattr(settings, name) for name in OF_A_CLUSTER}
    written = {ports_file(settings.home): json.dumps(ports), _runtime_file(settings.home): runtime + "\n"}
    before = {path: path.read_text(encoding="utf-8") if path.exists() else None for path in written}
    _write(written)
    try:
        yield
    except BaseException:
        _write(before)
        raise


def _write(texts: Mapping[Path, str | None]) -> None:
    for path, text in texts.items():
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(text, encoding="utf-8")


def remembered(settings: Settings) -> str | None:
    """The runtime of this home's cluster or of the data that it left, if any."""
    file = _runtime_file(settings.home)
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        mend = "Write local or compose into it, or delete it."
        raise AdclickError(f"{file} cannot be read", f"It is no UTF-8 text: {error}.", mend) from error


def listening(settings: Settings) -> str | None:
    """Where this home's cluster listens, if it is up."""
    return running_ports(settings.home).get("listen")


def measured(settings: Settings) -> bool | None:
    """Whether this home's cluster gives its metrics, if it is up."""
    return running_ports(settings.home).get("metrics")


def forget_ports(settings: Settings) -> None:
    """The cluster is down: its ports are free."""
    ports_file(settings.home).unlink(missing_ok=True)


def require_own(home: Path) -> None:
    """Check that a home is adclick's own, or is not there yet.

    Raises:
        RuntimeFailure: it holds something that adclick did not put there.
    """
    foreign = sorted({path.name for path in home.iterdir()} - OWN) if home.is_dir() else []
    if foreign:
        raise RuntimeFailure(
            f"the folder {home} is not adclick's own",
            f"It holds {foreign[0]}" + (f" and {len(foreign) - 1} more." if len(foreign) > 1 else "."),
            "Name a folder of its own in ADCLICK_HOME, or take out what is not adclick's.",
        )


def move_in(settings: Settings) -> None:
    """Check that `up` may use a home: one used before, whatever lies there by now, or adclick's own.

    Raises:
        RuntimeFailure: it was never adclick's, and holds something that adclick did not put there.
    """
    if remembered(settings) is None:
        require_own(settings.home)


def require_usable(settings: Settings) -> None:
    """Check all that `up` needs of settings and home before it starts anything; the home is there afterwards.

    Raises:
        ParameterError: two services would share a port, or nothing can be written into the home.
        RuntimeFailure: the home is not adclick's own.
    """
    settings.require_own_ports()
    move_in(settings)
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A read-only mount and a full disk show only when something is written.
        with tempfile.TemporaryFile(dir=settings.home) as file:
            file.write(b"adclick")
    except OSError as error:
        known = faults.of_os_error(error)
        why = f"{known.what}. {known.why}"
        mend = f"{known.mend.rstrip('.')}; or name another folder in ADCLICK_HOME."
        raise ParameterError("home", str(settings.home), why, mend) from error


def delete_home(home: Path) -> None:
    """Delete all that lies in a home but the jars.

    Raises:
        RuntimeFailure: it holds something that adclick did not put there; nothing is deleted.
    """
    if not home.is_dir():
        return
    require_own(home)
    for path in home.iterdir():
        if path.name != JARS:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
