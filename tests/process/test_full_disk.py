"""A home on a file system that is really full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adclick_cli import app
from adclick_cli.doctor import examine, machine
from adclick_cli.runtime.local.layout import free_port

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("no_settings")]
MIB = 1_048_576


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a file system of 1 MiB, and it is full."""
    home = tmp_path / "tiny"
    home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home], capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    try:
        with (home / "filler").open("wb") as file, pytest.raises(OSError, match="No space left"):
            file.write(b"\0" * 2 * MIB)
        monkeypatch.setenv("ADCLICK_HOME", str(home))
        yield home
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def test_a_command_on_a_full_disk_says_so_first(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(free_port("127.0.0.1"))
    monkeypatch.setenv("ADCLICK_KAFKA_PORT", port)
    monkeypatch.setattr("sys.argv", ["adclick", "generate", "--count", "5"])
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"Error: the disk is full\n0 MiB are free under {tiny}.")


def test_doctor_on_a_full_disk_does_not_say_adclick_up(tiny: Path) -> None:
    found = examine.examine(lambda done, total: None)
    assert found.answer.what == f"No rows: the disk is full. 0 MiB are free under {tiny}."
    assert found.answer.mend.startswith("Make room on that disk")
    told = machine.disk(tiny)
    assert (told.state, told.what.startswith("The disk is full.")) == ("wrong", True)
    assert machine.disk(tiny, lambda home: 900 * MIB).state == "warning"
