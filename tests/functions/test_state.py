"""State that an earlier version wrote is read by this one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.builders.compiled import JAVA, compiler
from tests.functions.driver import Driver, Step
from tests.functions.model import Click, Impression, Rules

pytestmark = pytest.mark.process
STORED = Path(__file__).with_name("attribution-state-1.bin")
"""What format 1 wrote for `BEFORE` under `RULES`. It is never written anew: a later format gets a file of its own."""
RULES = Rules(
    window=60_000,
    attribution=600_000,
    skew=1_000,
    dedup=2_000,
    unique=30_000,
    early=5_000,
    dimensions=2,
    measures=1,
    keys=2,
)
BEFORE: list[Step] = [
    Impression(1_000, "i1", ("camp-1", None), ("u", "a"), (5,)),
    Impression(1_000, "i1", ("camp-1", "é"), ("u", "a"), (7,)),
    Impression(61_000, "i2", ("camp-2", "mobile"), ("u", "a"), (2**62,)),
    Impression(62_000, "i3", ("camp-2", "mobile"), (None, ""), (2**62,)),
    Impression(63_000, "i4", ("camp-2", "mobile"), ("v", "b"), (2**62,)),
    "f",
    Click(2_000, "c1", "i1"),
    Click(62_000, "c2", "i2"),
    Click(64_000, "c3", "i2"),
    Click(65_000, "c0", "comes-later"),
    "w 66000",
]
AFTER: list[Step] = [
    Impression(64_500, "comes-later", ("camp-2", "mobile"), ("w", "c"), (1,)),
    Click(65_999, "c4", "i2"),
    Click(2_000, "c1", "i1"),
]


def _java(compiled: Path, action: str, *files: Path) -> subprocess.CompletedProcess[str]:
    class_path = ":".join(map(str, [compiled, *compiler().class_path]))
    command: list[str | Path] = [JAVA, "-cp", class_path, "adclick.AttributionStateFile", action, *files]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def write(driver: Driver, compiled: Path, path: Path) -> None:
    """Write what this version makes of `BEFORE`: how the stored file was made."""
    state = path.with_suffix(".state")
    driver.run(RULES, [*BEFORE, f"out {state}"])
    done = _java(compiled, "write", state, path)
    assert done.returncode == 0, done.stderr


def test_stored_state_goes_on_as_if_nothing_had_been_between(driver: Driver, compiled: Path, tmp_path: Path) -> None:
    done = _java(compiled, "read", STORED, tmp_path / "state")
    assert done.returncode == 0, done.stderr
    rows = driver.run(RULES, [f"in {tmp_path / 'state'}", "w 66000", *AFTER])
    whole = driver.run(RULES, [*BEFORE, *AFTER])
    assert rows.errors == []
    assert rows.cells("final") == whole.cells("final")
    assert rows.cells("final") == {
        (0, ("camp-1", None)): (1, 1, 1, (5,)),
        (60_000, ("camp-2", "mobile")): (4, 2, 4, (3 * 2**62 + 1,)),
    }


def test_this_version_still_writes_what_it_wrote(driver: Driver, compiled: Path, tmp_path: Path) -> None:
    write(driver, compiled, tmp_path / "now.bin")
    assert len((tmp_path / "now.bin").read_bytes()) == len(STORED.read_bytes())


def test_state_of_a_later_version_is_refused(compiled: Path, tmp_path: Path) -> None:
    stored = bytearray(STORED.read_bytes())
    name = stored.index(b"adclick.AttributionStateSerializer$Snapshot")
    at = name + len(b"adclick.AttributionStateSerializer$Snapshot") + 4
    assert int.from_bytes(stored[at : at + 4], "big") == 1
    stored[at : at + 4] = (2).to_bytes(4, "big")
    (tmp_path / "later.bin").write_bytes(stored)
    done = _java(compiled, "read", tmp_path / "later.bin", tmp_path / "state")
    assert "the serializer refuses this state" in done.stderr
