"""A home is adclick's own folder: nothing else is changed or deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from adclick_cli import settings
from adclick_cli.errors import ParameterError, RuntimeFailure
from adclick_cli.runtime import memory
from adclick_cli.runtime.choose import choose


def _somebody_elses(folder: Path) -> Path:
    (folder / "logs").mkdir()
    (folder / "logs" / "mine.log").write_text("keep me")
    (folder / "thesis.txt").write_text("keep me")
    return folder


def test_an_empty_home_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADCLICK_HOME", "")
    with pytest.raises(ParameterError, match="home"):
        settings.load()


@pytest.mark.parametrize("runtime", ["local"])
def test_down_v_deletes_nothing_in_a_folder_that_is_not_its_own(tmp_path: Path, runtime: str) -> None:
    home = _somebody_elses(tmp_path)
    with pytest.raises(RuntimeFailure, match="thesis"):
        choose(settings.load(home=home, runtime=runtime)).down(delete_data=True, report=print)
    with pytest.raises(RuntimeFailure, match="ADCLICK_HOME"):
        memory.delete_home(home)
    assert (home / "logs" / "mine.log").read_text() == (home / "thesis.txt").read_text() == "keep me"


def test_up_does_not_move_into_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    home = _somebody_elses(tmp_path)
    before = (home / "thesis.txt").stat().st_mode
    with pytest.raises(RuntimeFailure, match="thesis"):
        choose(settings.load(home=home, runtime="local")).up(print)
    assert {path.name for path in home.iterdir()} == {"logs", "thesis.txt"}
    assert (home / "thesis.txt").stat().st_mode == before


def test_a_home_of_its_own_is_emptied_but_for_the_jars(tmp_path: Path) -> None:
    for name in memory.OWN:
        (tmp_path / name).mkdir()
    memory.delete_home(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [memory.JARS]


def test_up_goes_on_in_its_own_home_whatever_else_lies_there(tmp_path: Path) -> None:
    home = _somebody_elses(tmp_path)
    used = settings.load(home=home, runtime="local")
    with pytest.raises(RuntimeFailure, match="thesis"):
        memory.move_in(used)
    with memory.remembering(used, "local"):
        pass
    memory.move_in(used)
    with pytest.raises(RuntimeFailure, match="thesis"):
        memory.delete_home(home)
