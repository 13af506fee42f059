"""The process's edges: what stdout, the terminal, signals and the machine can do ends in a message and an exit code."""

from __future__ import annotations

import ast
import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TextIO

import filelock
import kafka.errors
import psutil
import pytest
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from adclick_cli import entry, faults, schema, streams
from adclick_cli.commands import table
from adclick_cli.errors import AdclickError
from adclick_cli.views import console
from adclick_cli.views import watch as view
from tests.builders import edges
from tests.builders.program import run

pytestmark = pytest.mark.usefixtures("no_settings")
WRITERS = {
    "help": ("--help",),
    "help of a command": ("watch", "--help"),
    "version": ("--version",),
    "JSON": ("config", "show", "--output", "json"),
    "CSV": ("config", "show", "--output", "csv"),
    "table": ("config", "show", "--output", "table"),
    "text": ("render",),
}
ROOT = Path(entry.__file__).parent.parent


@pytest.mark.parametrize("arguments", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize(
    ("stream", "why"),
    [(edges.full, "No space left on device: some of the output is missing."), (edges.closed, "It is closed.")],
    ids=["full", "closed"],
)
def test_a_stdout_that_is_full_or_closed_is_said(
    arguments: tuple[str, ...], stream: Callable[[], AbstractContextManager[TextIO]], why: str
) -> None:
    with stream() as stdout:
        code, _, err = run(*arguments, stdout=stdout)
    assert (code, err.splitlines()[:2]) == (1, ["Error: stdout cannot be written", why])
    assert "Send" in err or "send" in err


@pytest.mark.parametrize("arguments", WRITERS.values(), ids=WRITERS)
def test_a_reader_that_has_seen_enough_is_no_failure(arguments: tuple[str, ...]) -> None:
    with edges.without_a_reader() as stdout:
        code, _, err = run(*arguments, stdout=stdout)
    assert (code, err.replace("Next: adclick doctor\n", "")) == (0, "")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_watch_ends_when_its_reader_has_seen_enough(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with edges.without_a_reader() as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(streams.ReaderLeft) as ended:
            view.stream(iter([[]] * 3), schema.CTR, form)
        assert ended.value.code == 0


def test_messages_that_nobody_can_read_end_no_work() -> None:
    number = os.open("/dev/full", os.O_WRONLY)
    with streams.stderr(number, "utf-8") as made:
        print("a message", file=made)
    os.close(number)


@pytest.mark.parametrize(
    ("arguments", "encoding"),
    [
        *(((one.name, "--help"), "ascii") for one in table.COMMANDS),
        *((("--help",), encoding) for encoding in ("ascii", "cp1252", "latin-1")),
        *((("watch", "--help"), encoding) for encoding in ("cp1252", "latin-1")),
    ],
)
def test_help_is_in_ascii_where_stdout_takes_no_unicode(arguments: tuple[str, ...], encoding: str) -> None:
    stdout = io.TextIOWrapper(buffer := io.BytesIO(), encoding, "strict", write_through=True)
    assert run(*arguments, stdout=stdout)[0] == 0
    assert "+-" in buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("name", ["Käse 50 % …", "\ud800", "广告"])
def test_json_keeps_every_name_whatever_stdout_takes(encoding: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding, streams.ERRORS, write_through=True))
    console.write_json({"name": name})
    assert json.loads(buffer.getvalue().decode(encoding)) == {"name": name}


@pytest.mark.parametrize("form", ["table", "csv"])
def test_two_names_stay_two_names_in_ascii(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, "ascii", streams.ERRORS, write_through=True))
    console.write_rows([{"name": "é"}, {"name": "è"}, {"name": "…"}], ["name"], form)
    words = buffer.getvalue().decode("ascii").split()
    assert [word for word in words if word in ("\\xe9", "\\xe8", "...")] == ["\\xe9", "\\xe8", "..."]


@pytest.mark.parametrize(("typed", "meant"), [("sumbit", "submit"), ("STATUS", "status"), ("wach", "watch")])
def test_a_misspelt_command_is_suggested(typed: str, meant: str) -> None:
    code, _, err = run(typed)
    assert code == 2
    assert f"There is no command '{typed}'. Did you mean '{meant}'?" in err


def test_a_misspelt_command_of_a_group_is_suggested() -> None:
    code, _, err = run("config", "shwo")
    assert code == 2
    assert "Did you mean 'show'?" in err


def test_a_command_like_no_other_names_the_list() -> None:
    assert "`adclick --help` lists them." in run("xyzzy")[2]


def test_the_first_lines_import_built_in_modules_alone() -> None:
    """Whatever else was imported before the handler stands would be a moment in which Ctrl-C is a traceback."""
    tree = ast.parse(Path(entry.__file__).read_text(encoding="utf-8"))
    first = [name.name for one in tree.body if isinstance(one, ast.Import) for name in one.names]
    assert first == ["_signal", "os"]
    assert not [one for one in tree.body if isinstance(one, ast.ImportFrom)]
    assert 'adclick = "adclick_cli.entry:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


FILE = st.sampled_from([None, "/nowhere/file", "adclick.toml", b"/\xff"])
NUMBERS = st.sampled_from(sorted(errno.errorcode))
ERRORS = st.one_of(
    st.builds(lambda number, file: OSError(number, os.strerror(number), file), NUMBERS, FILE),
    st.sampled_from(
        [
            OSError(),
            OSError("no number"),
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range(128)"),
            MemoryError(),
            ModuleNotFoundError("No module named 'x'", name="x"),
            EOFError(),
            json.JSONDecodeError("Expecting value", "", 0),
            subprocess.TimeoutExpired(["docker"], 5),
            subprocess.CalledProcessError(1, ["docker"]),
            kafka.errors.KafkaTimeoutError("60 s"),
            kafka.errors.KafkaConnectionError("refused"),
            requests.ConnectionError("http://user:password@host/ is away"),
            requests.exceptions.JSONDecodeError("Expecting value", "", 0),
            psutil.AccessDenied(1),
            psutil.NoSuchProcess(1),
            filelock.Timeout("up.lock"),
        ]
    ),
)
ARGUMENTS = {"watch": ("ctr",), "replay": ("log.csv",), "config": ("show",)}
FIRST_CALLS = {"test": "adclick_cli.casebook.reading.find", "doctor": "adclick_cli.doctor.examine.examine"}
"""What a command asks of the core first, where that is not `settings.load`."""


def _call(command: str, error: BaseException) -> tuple[int, str, str]:
    def fails(*_: object, **__: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FIRST_CALLS.get(command, "adclick_cli.settings.load"), fails)
        return run(command, *ARGUMENTS.get(command, ()))


@pytest.mark.parametrize("command", [one.name for one in table.COMMANDS])
@given(error=ERRORS)
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_no_traceback_reaches_a_person(command: str, error: BaseException) -> None:
    """Whatever machine, files and clients do at a command's edge ends in one typed error (fuzzed)."""
    code, out, err = _call(command, error)
    assert (code, out) == (1, "")
    assert err.startswith("Error: ")
    assert len(err.splitlines()) >= 2
    assert "password" not in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [one.name for one in table.COMMANDS])
def test_a_bug_keeps_its_traceback(command: str) -> None:
    with pytest.raises(TypeError, match="a bug"):
        _call(command, TypeError("a bug"))


def test_a_broken_pipe_of_something_else_than_stdout_is_no_quiet_end() -> None:
    code, _, err = _call("status", BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert code == 1
    assert "a connection failed" in err


@pytest.mark.parametrize(
    ("number", "what", "mend"),
    [
        (errno.ENOSPC, "the disk is full: {} cannot be written", "Make room on that disk."),
        (errno.EROFS, "{} cannot be written", "ADCLICK_HOME"),
        (errno.ENOENT, "there is no {}", "Correct the name, or make it."),
        (errno.EISDIR, "{} cannot be used", "move away what is there"),
    ],
)
def test_an_error_names_the_file_and_what_to_do(number: int, what: str, mend: str, tmp_path: Path) -> None:
    known = faults.translate(OSError(number, os.strerror(number), str(tmp_path)))
    assert known is not None
    assert known.what == what.format(tmp_path)
    assert mend in known.mend


def test_a_refused_file_is_told_with_its_owner_its_mode_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o400)
    known = faults.translate(PermissionError(errno.EACCES, "Permission denied", str(file)))
    assert known is not None
    assert f"{file} belongs to" in known.why
    assert f"uid {os.geteuid()}" in known.why
    assert "its mode is 400" in known.why
    assert known.mend == f"Give yourself the right: `chmod u+rw {file}`."


def test_a_file_of_somebody_else_is_told_with_its_owner_and_what_to_do() -> None:
    known = faults.translate(PermissionError(errno.EACCES, "Permission denied", "/proc/1/mem"))
    assert known is not None
    if os.geteuid():
        assert "Run adclick as root (uid 0)" in known.mend


@pytest.mark.parametrize(
    "error",
    [TypeError("x"), KeyError("x"), AssertionError(), ValueError("x"), RecursionError(), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
def test_what_only_a_bug_can_do_is_not_translated(error: Exception) -> None:
    assert faults.translate(error) is None


def test_a_typed_error_stays_as_it_is() -> None:
    error = AdclickError("what", "why", "mend")
    assert faults.translate(error) is error
