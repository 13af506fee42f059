"""The docs name only what is there: topics and fields of the schema, commands and flags of the program."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from adclick_cli import schema
from adclick_cli.app import app
from adclick_cli.commands import config
from adclick_cli.commands.examples import EXAMPLES

ROOT = Path(__file__).parents[2]
LINES = [
    (path.name, line[2:])
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    for block in re.findall(r"```console\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ adclick")
]


def test_the_schema_table_is_the_schema() -> None:
    table = (ROOT / "docs" / "schemas.md").read_text(encoding="utf-8")
    for record in schema.ALL:
        assert f"| `{record.default_topic}` | {', '.join(record.field_names)} |" in table


@pytest.mark.parametrize(("where", "line"), LINES)
def test_a_documented_command_line_can_be_parsed(where: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    group = typer.main.get_command(app)
    context = group.make_context("adclick", [words[0]], resilient_parsing=True)
    command = group.get_command(context, words[0])  # type: ignore[attr-defined]
    assert command is not None, f"{where}: {line}"
    command.make_context(words[0], words[1:], parent=context)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_parsed(name: str) -> None:
    for line, _ in EXAMPLES[name]:
        test_a_documented_command_line_can_be_parsed(name, line.replace("adclick", "$ adclick", 1)[2:])


def test_every_command_has_examples_below_its_help() -> None:
    shown = [info for info in (*app.registered_commands, *config.app.registered_commands) if not info.hidden]
    assert {info.name for info in shown} == set(EXAMPLES), "adclick_cli/commands/examples.py"
    for info in shown:
        assert "Examples" in str(info.epilog), info.name


def test_the_reference_of_commands_is_the_programs_own() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "make-commands"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == made.stdout, "run `make commands`"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "commands" / "index.html").exists()


def test_every_command_has_help_and_a_panel() -> None:
    from adclick_cli import app as module

    panels = {module.CLUSTER, module.PIPELINE, module.EVENTS, module.RESULTS, module.SETUP}
    for info in app.registered_commands:
        assert info.rich_help_panel in panels, info.name
        assert info.callback is not None
        assert info.callback.__doc__, info.name
