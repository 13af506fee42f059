"""tools/install: uv where it can be had and knows the index, else pip; each with every hash checked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stand-ins that write down how they were called: the real ones would fetch 600 MB.
PYTHON = """#!/bin/sh
echo "python $*" >>"$CALLS"
case "$*" in
*"config list"*) echo "$PIP_CONFIG" ;;
*--only-binary*) for last in "$@"; do :; done; cat "$last" >>"$PIN"; [ "$UV" != lacking ] ;;
esac
"""
UV = """#!/bin/sh
echo "uv $*" >>"$CALLS"
[ "$UV" != failing ]
"""
WITH_UV = "uv pip install"
WITH_PIP = "python -m pip install --quiet --require-hashes --no-deps -r requirements.lock"


def _installed(folder: Path, **changes: str) -> tuple[list[str], str]:
    """The calls that were made, and the requirement by which uv was fetched."""
    (folder / "bin").mkdir()
    for name, text in (("python", PYTHON), ("uv", UV)):
        (folder / "bin" / name).write_text(text, encoding="utf-8")
        (folder / "bin" / name).chmod(0o755)
    calls, pin = folder / "calls", folder / "pin"
    pin.touch()
    without = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "ADCLICK_", "PIP_"))}
    env = without | {"CALLS": str(calls), "PIN": str(pin), "UV": "sound", "PIP_CONFIG": ""} | changes
    script = ROOT / "tools" / "install"
    subprocess.run([script, folder, "requirements.lock"], cwd=ROOT, env=env, check=True, capture_output=True)
    return calls.read_text(encoding="utf-8").splitlines(), pin.read_text(encoding="utf-8")


def test_uv_is_fetched_by_its_hashes_and_installs_the_lock_file(tmp_path: Path) -> None:
    calls, pin = _installed(tmp_path)
    assert [call for call in calls if call.startswith(WITH_UV) and "--require-hashes" in call]
    assert WITH_PIP not in calls
    assert calls[-1].endswith("--no-deps --no-build-isolation --editable .")
    first, *hashes = pin.splitlines()
    assert first.startswith("uv==")
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)


@pytest.mark.parametrize(
    ("changes", "with_uv"),
    [
        pytest.param({"UV": "lacking"}, False, id="no wheel of uv"),
        pytest.param({"UV": "failing"}, True, id="uv fails"),
        pytest.param(
            {"PIP_CONFIG": "global.index-url='https://mirror.test/'"}, False, id="pip has an index of its own"
        ),
        pytest.param({"PIP_CONFIG": ":env:.proxy='http://proxy.test'"}, False, id="pip has a proxy"),
        pytest.param({"ADCLICK_INSTALLER": "pip"}, False, id="asked for"),
    ],
)
def test_pip_alone_installs_the_lock_file_where_uv_cannot(
    tmp_path: Path, changes: dict[str, str], with_uv: bool
) -> None:
    calls, _ = _installed(tmp_path, **changes)
    assert any(call.startswith(WITH_UV) for call in calls) is with_uv
    assert calls[-2] == WITH_PIP
    assert calls[-1].endswith("--editable .")


def test_an_index_that_uv_was_given_too_is_uvs(tmp_path: Path) -> None:
    index = "https://mirror.test/"
    calls, _ = _installed(tmp_path, PIP_CONFIG=f"global.index-url='{index}'", UV_DEFAULT_INDEX=index)
    assert any(call.startswith(WITH_UV) for call in calls)
    assert WITH_PIP not in calls
