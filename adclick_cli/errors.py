"""Every expected failure: what happened, why, and what to do next.

An `AdclickError` ends a command with a message and its exit code. Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_DIFFERENCES = 3


class AdclickError(Exception):
    """An expected failure, told in three parts.

    Args:
        what: what happened, one sentence without a full stop.
        why: the reason, as far as it is known; may span lines (Flink's own words, the tail of a log).
        mend: what the user can do next.
    """

    exit_code = EXIT_FAILURE

    def __init__(self, what: str, why: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.mend) if part)


class ParameterError(AdclickError):
    """A flag, setting or mapping has a value that cannot be used. The message names field, value and mend."""

    exit_code = EXIT_USAGE

    def __init__(self, field: str, value: object, why: str, mend: str) -> None:
        super().__init__(f"{field}: {value!r} cannot be used", why, mend)
        self.field = field
        self.value = value


class DownloadError(AdclickError):
    """A pinned file could not be fetched, or is not the file that was pinned."""


class CompileError(AdclickError):
    """The Java classes that adclick brings cannot be compiled."""


class RuntimeFailure(AdclickError):
    """A service could not be started, stopped or reached."""


class PortTakenError(RuntimeFailure):
    """A port that a service needs belongs to somebody else."""


class BrokerError(AdclickError):
    """The Kafka broker cannot be reached or refuses a request."""


class FlinkError(AdclickError):
    """Flink refused a statement, or its REST interface cannot be reached."""


class AlreadyRunningError(FlinkError):
    """Jobs or results of an earlier submission stand in the way; `--replace` removes them."""


class SavepointError(FlinkError):
    """A savepoint cannot be gone on from: another pipeline, rows written since, or state that Flink refuses."""


class InputFileError(AdclickError):
    """A file to replay cannot be read, or its columns do not fit the mapping."""
