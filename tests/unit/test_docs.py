"""The docs name only what is there: topics and fields of the schema, commands and flags of the program."""

from __future__ import annotations

import inspect
import re
import runpy
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from adclick_cli import schema
from adclick_cli.commands import table
from adclick_cli.commands.examples import EXAMPLES
from adclick_cli.commands.program import app

ROOT = Path(__file__).parents[2]
GROUP: Any = typer.main.get_command(app)
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
    context = GROUP.make_context("adclick", [words[0]], resilient_parsing=True)
    command = GROUP.get_command(context, words[0])
    assert command is not None, f"{where}: {line}"
    command.make_context(words[0], words[1:], parent=context)


def _leaves(group: Any, names: Iterable[str]) -> Iterator[Any]:
    for name in names:
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield command
            yield from _leaves(command, command.list_commands(None))
        else:
            yield command


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_can_be_parsed(name: str) -> None:
    for line, _ in EXAMPLES[name]:
        test_a_documented_command_line_can_be_parsed(name, line.replace("adclick", "$ adclick", 1)[2:])


def test_every_command_has_examples_below_its_help() -> None:
    shown = list(_leaves(GROUP, (one.name for one in table.COMMANDS if not one.hidden)))
    assert {command.name for command in shown} == set(EXAMPLES), "adclick_cli/commands/examples.py"
    for command in shown:
        assert "Examples" in str(command.epilog), command.name


def test_the_reference_of_commands_is_the_programs_own(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "tools" / "make-commands"))["main"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == capsys.readouterr().out, "run `make commands`"


def test_every_decision_that_is_named_is_written_down() -> None:
    kept = {path.name[:4] for path in (ROOT / "docs" / "decisions").glob("*.md")}
    named: dict[str, str] = {}
    for folder, ending in (("adclick_cli", "py"), ("sql_templates", "j2"), ("tests", "py"), ("docs", "md")):
        for path in (ROOT / folder).rglob(f"*.{ending}"):
            text = path.read_text(encoding="utf-8")
            named |= dict.fromkeys(re.findall(r"decisions?[/ ]\[?([0-9]{4})\b", text), path.name)
    assert len(named) > 20
    assert {number: where for number, where in named.items() if number not in kept} == {}


@pytest.mark.parametrize("entry", table.COMMANDS, ids=lambda entry: entry.name)
def test_the_table_says_of_a_command_what_the_command_says_itself(entry: table.Entry) -> None:
    command = GROUP.get_command(None, entry.name)
    assert command.name == entry.name
    assert command.hidden is entry.hidden
    assert entry.panel in table.PANELS
    assert " ".join(inspect.cleandoc(command.help).split("\n\n")[0].split()) == entry.summary


def test_the_table_has_the_options_that_the_program_has() -> None:
    context = GROUP.make_context("adclick", ["doctor"], resilient_parsing=True)
    options = {frozenset(one.opts): one.help for one in GROUP.get_params(context)}
    assert options == {frozenset(names.split(", ")): meaning for names, meaning in table.OPTIONS}


def test_every_option_and_reason_of_the_format_is_in_its_page() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    folder = ROOT / "adclick_cli" / "_data" / "functions" / "adclick" / "events"
    options = re.findall(r'(?:key|verdict)\("([a-z-]+)"\)', (folder / "EventOptions.java").read_text(encoding="utf-8"))
    assert len(options) == 8
    assert [name for name in options if f"`{name}" not in page] == []
    reasons = re.findall(
        r'Reason\((?:field\.label \+ )?"([^"]+)"', (folder / "Reason.java").read_text(encoding="utf-8")
    )
    assert len(reasons) == 16
    assert [text for text in reasons if text.rstrip(" (") not in page] == []
