"""What a machine, a file, a broker or a topic can do to a program, translated into typed errors at this one place.

Libraries are known by the names of their classes: nothing is imported here to tell that an error is one of theirs.
What is translated nowhere (a `TypeError`) is a bug and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from adclick_cli.errors import AdclickError, BrokerError, RuntimeFailure

MASK = "********"
_USERINFO = re.compile(r"(?<=://)[^/@\s]*@")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM)


def shown(text: str) -> str:
    """A text without the log-ins of the web addresses in it."""
    return _USERINFO.sub(f"{MASK}@", text)


@contextmanager
def typed() -> Iterator[None]:
    """Inside, an error that `translate` knows is raised as its translation.

    Raises:
        AdclickError: the translation; the error itself is its cause.
    """
    try:
        yield
    except AdclickError:
        raise
    except Exception as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error


def translate(error: BaseException) -> AdclickError | None:
    """The typed error for something that is no bug; None for a bug."""
    if isinstance(error, AdclickError):
        return error
    for kind in type(error).__mro__:
        known = _LIBRARIES.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}")
        if known is not None:
            return known(error)
    if isinstance(error, OSError):
        return of_os_error(error)
    if isinstance(error, UnicodeError):
        return AdclickError(
            "a text cannot be read or written",
            _said(error),
            "Look for a name, a setting or a file with bytes that are no UTF-8.",
        )
    if isinstance(error, MemoryError):
        return RuntimeFailure(
            "there is not enough memory", _said(error), "End other programs, or ask for less at a time."
        )
    if isinstance(error, ModuleNotFoundError):
        return RuntimeFailure(
            f"the Python package {error.name} is not installed", _said(error), "Install adclick again."
        )
    return None


def of_os_error(error: OSError) -> AdclickError:
    """An error of the operating system, with the file, its owner and what to do."""
    path = _path(error)
    if path is None:
        return _without_a_file(error)
    reason = f"{error.strerror or type(error).__name__}."
    if error.errno in _DENIED:
        why, mend = denied(path)
        return AdclickError(f"{path} cannot be used", f"{reason} {why}", mend)
    if error.errno in _FULL:
        return AdclickError(f"the disk is full: {path} cannot be written", reason, "Make room on that disk.")
    if error.errno == errno.EROFS:
        mend = "Name a place that you may write; ADCLICK_HOME names adclick's own folder."
        return AdclickError(f"{path} cannot be written", "It is on a read-only file system.", mend)
    if error.errno == errno.ENOENT:
        return AdclickError(f"there is no {path}", reason, "Correct the name, or make it.")
    return AdclickError(f"{path} cannot be used", reason, "Correct the name, or move away what is there.")


def denied(path: Path) -> tuple[str, str]:
    """Why this user may not use a file, and what to do: the file or folder that refuses, its owner and its mode."""
    culprit = _culprit(path)
    own = os.geteuid() if hasattr(os, "geteuid") else -1
    try:
        found = culprit.stat()
    except OSError:
        return f"{culprit} cannot be looked at.", "Run adclick as a user who may."
    about = (
        f"{culprit} belongs to {_user(found.st_uid)}, its mode is {stat.S_IMODE(found.st_mode):o};"
        f" adclick runs as {_user(own)}."
    )
    if found.st_uid == own:
        return about, f"Give yourself the right: `chmod u+rw{'x' if culprit.is_dir() else ''} {culprit}`."
    return (
        about,
        f"Run adclick as {_user(found.st_uid)}, or name another place, or run `chown {own} {culprit}` as root.",
    )


def _culprit(path: Path) -> Path:
    """The first folder on the way that cannot be passed; else the file itself, or the folder that it is not in yet."""
    at = path.absolute()
    for folder in reversed(at.parents):
        if not os.access(folder, os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            return folder
    while not at.exists() and at != at.parent:
        at = at.parent
    return at


def _user(number: int) -> str:
    try:
        import pwd

        return f"{pwd.getpwuid(number).pw_name} (uid {number})"
    except (ImportError, KeyError):
        return f"uid {number}"


def _path(error: OSError) -> Path | None:
    # The second name is the target of a `rename`.
    name = error.filename2 or error.filename
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    return Path(name) if isinstance(name, str) and name else None


def _without_a_file(error: OSError) -> AdclickError:
    if error.errno in _FULL:
        return AdclickError("the disk is full", _said(error), "Make room on the disks of ADCLICK_HOME and TMPDIR.")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return AdclickError("too many files are open", _said(error), "Raise the limit: `ulimit -n 4096`.")
    if error.errno in (errno.ENOMEM, errno.EAGAIN):
        return AdclickError("the system has no more resources", _said(error), "End other programs, and try again.")
    if isinstance(error, (ConnectionError, TimeoutError)) or type(error).__module__ in ("socket", "ssl"):
        return AdclickError(
            "a connection failed", _said(error), "`adclick doctor` says what answers and what does not."
        )
    return AdclickError("the system refused a request", _said(error), "`adclick doctor` looks at machine and set-up.")


def _said(error: BaseException) -> str:
    words = str(error).strip()
    return shown(f"{type(error).__name__}: {words}" if words else f"{type(error).__name__}.")


def _locked(error: BaseException) -> AdclickError:
    return RuntimeFailure(
        "another adclick is at work in this home",
        f"It holds {getattr(error, 'lock_file', 'a lock')}.",
        "Wait until it has ended, and run this again.",
    )


def _broker(error: BaseException) -> AdclickError:
    return BrokerError(
        "the broker refused a request or went away", _said(error), "Run `adclick status`, then `adclick doctor`."
    )


def _web(error: BaseException) -> AdclickError:
    return AdclickError("a web request failed", _said(error), "Run `adclick status`, then `adclick doctor`.")


def _process(error: BaseException) -> AdclickError:
    return RuntimeFailure("a process cannot be looked at or ended", _said(error), "Run `adclick status`.")


def _program(error: BaseException) -> AdclickError:
    return RuntimeFailure("a program that adclick started failed", _said(error), "Run `adclick doctor`.")


def _database(error: BaseException) -> AdclickError:
    mend = "Make room in memory and on the disk of TMPDIR, or give it less to read."
    return AdclickError("DuckDB cannot go on", _said(error), mend)


def _data(error: BaseException) -> AdclickError:
    return AdclickError("data cannot be read", _said(error), "Look for a file that was cut off or edited.")


_LIBRARIES: dict[str, Callable[[BaseException], AdclickError]] = {
    "filelock.Timeout": _locked,
    "kafka.KafkaError": _broker,
    "cimpl.KafkaException": _broker,
    "confluent_kafka.KafkaException": _broker,
    "requests.RequestException": _web,
    "urllib3.HTTPError": _web,
    "http.HTTPException": _web,
    "psutil.Error": _process,
    "subprocess.SubprocessError": _program,
    "py4j.Py4JNetworkError": _program,
    # A statement that DuckDB refuses (`ProgrammingError`) is a bug of adclick's; these are of the machine or the data.
    "_duckdb.OperationalError": _database,
    "_duckdb.PermissionException": _database,
    "_duckdb.DataError": _data,
    "_duckdb.InvalidInputException": _data,
    "duckdb.OperationalError": _database,
    "duckdb.DataError": _data,
    "duckdb.InvalidInputException": _data,
    "json.JSONDecodeError": _data,
    "zipfile.BadZipFile": _data,
    "gzip.BadGzipFile": _data,
    "zlib.error": _data,
    "builtins.EOFError": _data,
    "xml.ParseError": _data,
}
"""By the first part of the module's name and the class's own, also for the classes derived from it."""
