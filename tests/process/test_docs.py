"""The documentation as its readers use it: the site is built, a recipe is followed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from adclick_cli import security, settings
from adclick_cli.runtime.compose.runtime import ComposeRuntime
from adclick_cli.security import Security
from adclick_cli.sql import options, render
from tests.cluster.secure_broker import make_certificates

pytestmark = pytest.mark.process
ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs" / "security.md"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "commands" / "index.html").exists()


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", SECURITY.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.usefixtures("no_settings")
def test_the_recipe_of_the_docs_logs_in_and_renders_what_they_show(tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    make_certificates(certificates)
    (recipe,) = _blocks("toml")
    Path("adclick.toml").write_text(recipe)
    Path("ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    making, _ = next(block for block in _blocks("sh") if "umask" in block).splitlines()
    subprocess.run(["bash", "-c", making], input="s3cret word\n", text=True, check=True)
    loaded = settings.load()
    assert loaded.servers.security == Security(
        "SASL_SSL", "SCRAM-SHA-512", "ada", "s3cret word", ca_file=Path("ca.pem").absolute()
    )
    login = security.java(loaded.servers.security, ComposeRuntime(loaded, lambda *_: None).secrets_path)
    script = render.script(loaded.pipeline(), options.kafka(loaded.pipeline(), login))
    (shown,) = _blocks("sql")
    for line in shown.splitlines():
        assert f"\n{line}\n" in script
