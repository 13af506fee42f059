"""The program as a process: what it imports, how it ends."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli.commands import table
from adclick_cli.views import overview as view

pytestmark = pytest.mark.process

HEAVY = (
    "typer",
    "rich",
    "duckdb",
    "kafka",
    "confluent_kafka",
    "jinja2",
    "pyflink",
    "pydantic",
    "requests",
    "psutil",
    "pyarrow",
    "numpy",
    "starlette",
    "uvicorn",
)


def run(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "adclick_cli", *args], capture_output=True, text=True, timeout=60, cwd=cwd
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['adclick', '--help']\n"
        "from adclick_cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr.splitlines()[-1] == "[]"
    for panel in ("Cluster", "Pipeline", "Events", "Results", "Set-up"):
        assert panel in done.stdout


def test_a_commands_start_imports_no_other_command() -> None:
    code = (
        "import sys; sys.argv = ['adclick', 'status', '--help']\n"
        "from adclick_cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([name for name in sys.modules if name.startswith('adclick_cli.commands.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    found = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    shared = ("table", "overview", "program", "examples", "options")
    assert found == {f"adclick_cli.commands.{name}" for name in (*shared, "status")}


@pytest.mark.parametrize("args", [("--help",), ("-h",), (), ("--help", "submit")])
def test_the_quick_help_is_the_programs_help(args: tuple[str, ...]) -> None:
    done = run(*args)
    assert done.returncode == (0 if args else 2)
    assert done.stdout.split() == run("--help").stdout.split()
    for entry in table.COMMANDS:
        assert (f"│ {entry.name} " in done.stdout) is not entry.hidden


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("colours", [False, True])
def test_the_help_fits_its_width_and_loses_no_word(columns: int, colours: bool) -> None:
    about, meaning = "what it is for, " * 9, "what a command does, at some length, " * 7
    text = view.text("adclick", about, [("Panel", [("up", meaning), ("long-name", "short")])], columns, colours=colours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert (plain == text) is not colours
    frame = [line for line in plain.splitlines() if line and line[0] in "╭│╰"]
    assert {len(line) for line in frame} == {columns}
    assert max(len(line) for line in plain.splitlines()) <= max(
        columns, len(" Usage: adclick [OPTIONS] COMMAND [ARGS]...")
    )
    assert meaning.split() == re.sub("[│╭╮╰╯─]", " ", plain).split("up", 1)[1].split("long-name")[0].split()


def test_the_help_is_framed_in_ascii_where_there_is_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "adclick_cli", "--help"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert b"+- Cluster ---" in done.stdout


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--version",), 0),
        (("render", "--stage", "join"), 0),
        (("render", "--window", "1m; DROP TABLE x"), 2),
        (("render", "--window", "0"), 2),
        (("render", "--window=-5s"), 2),
        (("render", "--no-such-flag"), 2),
        (("watch", "nothing"), 2),
        (("test", "nothing.yaml"), 2),
        (("verify", "--bootstrap-servers", "127.0.0.1:1"), 1),
    ],
)
def test_exit_codes(args: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = run(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr


def test_shell_completion_knows_the_commands() -> None:
    env = os.environ | {"_ADCLICK_COMPLETE": "complete_bash", "COMP_WORDS": "adclick ver", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['adclick']; from adclick_cli.commands.program import app; app(prog_name='adclick')"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert "verify" in done.stdout


WITHOUT_A_NEXT_STEP = {"supervise", "metrics-relay", "heartbeat", "dashboard"}
"""They end by Ctrl-C alone."""


@pytest.mark.parametrize(
    "entry", [one for one in table.COMMANDS if one.name not in WITHOUT_A_NEXT_STEP], ids=lambda one: one.name
)
def test_a_command_ends_by_naming_the_next_one(entry: table.Entry) -> None:
    module, _, name = entry.place.partition(":")
    tree = ast.parse((Path(table.__file__).parent / f"{module}.py").read_text(encoding="utf-8"))
    functions = {one.name: ast.unparse(one) for one in tree.body if isinstance(one, ast.FunctionDef)}
    wanted = functions.get(name) or functions["show"]
    helpers = [text for helper, text in functions.items() if helper.startswith("_") and f"{helper}(" in wanted]
    assert any("console.next_step(" in text for text in (wanted, *helpers))
