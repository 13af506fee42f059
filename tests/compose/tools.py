"""A Docker engine and Compose on a machine that has neither, from Debian's packages and Go's module proxy.

Nothing is installed: packages are unpacked below a cache folder, and what is there already is used again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock

COMPOSE_VERSION = "v5.1.2"
COMPOSE_MODULE = f"github.com/docker/compose/{COMPOSE_VERSION.split('.')[0]}/cmd"
PACKAGES = (
    *("docker.io", "containerd", "runc", "mmdebstrap", "iptables"),
    *("libip4tc2", "libip6tc2", "libxtables12", "libnfnetlink0", "libnetfilter-conntrack3", "libnftnl11", "libmnl0"),
)
SUITE = "bookworm"
BASE_PACKAGES = ("passwd", "wget", "gettext-base", "procps", "hostname")
"""What the official images' own bases have beyond a Debian's essential packages, as far as it is used."""
TIMEOUT_S = 600


class Unavailable(Exception):
    """This machine cannot have an engine; the message says what is missing."""


def run(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        Unavailable: it cannot be run, or failed; with the end of what it said.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{' '.join(words[:3])}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(words[:3])} failed: {(done.stdout + done.stderr).strip()[-800:]}")
    return done.stdout


@dataclass(frozen=True)
class Tools:
    """Where everything is.

    Attributes:
        root: the packages' files, as under `/`.
        config: a `DOCKER_CONFIG` with Compose among its plugins.
        base: a small Debian, as a tar archive.
        cache: the folder that holds it all, kept between runs.
    """

    root: Path
    config: Path
    base: Path
    cache: Path

    @property
    def env(self) -> dict[str, str]:
        """Variables under which the unpacked programs find each other."""
        return _environment(self.root)


def _environment(root: Path) -> dict[str, str]:
    library = root / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
    folders = [str(root / "usr" / name) for name in ("sbin", "bin")]
    return {
        "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]),
        "LD_LIBRARY_PATH": str(library),
        "XTABLES_LIBDIR": str(library / "xtables"),
    }


def cache_folder() -> Path:
    """Where downloads and builds are kept between runs."""
    named = os.environ.get("ADCLICK_TEST_CACHE")
    folder = Path(named) if named else Path(platformdirs.user_cache_dir("adclick-tests", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def require_machine() -> None:
    """Check what no package brings.

    Raises:
        Unavailable: one of it is missing.
    """
    if os.uname().sysname != "Linux" or os.geteuid() != 0:
        raise Unavailable("the test's own Docker engine needs root on Linux")
    for program in ("apt-get", "dpkg", "unshare", "nsenter", "perl"):
        if shutil.which(program) is None:
            raise Unavailable(f"the test's own Docker engine needs {program}")


def unpack_packages(cache: Path) -> Path:
    """Unpack the engine's packages into a folder of the cache.

    Raises:
        Unavailable: they cannot be had.
    """
    root = cache / "root"
    if (root / "done").exists():
        return root
    debs = cache / "debs"
    shutil.rmtree(root, ignore_errors=True)
    shutil.rmtree(debs, ignore_errors=True)
    for folder in (root, debs):
        folder.mkdir(parents=True)
    try:
        run(["apt-get", "download", *PACKAGES], cwd=debs)
    except Unavailable:
        run(["apt-get", "update"])
        run(["apt-get", "download", *PACKAGES], cwd=debs)
    for deb in sorted(debs.glob("*.deb")):
        run(["dpkg", "-x", deb, root])
    for name in ("iptables", "ip6tables"):
        # Debian's alternatives system would make this link.
        (root / "usr" / "sbin" / name).symlink_to("xtables-nft-multi")
    shutil.rmtree(debs)
    (root / "done").touch()
    return root


def compose_config(cache: Path) -> Path:
    """A `DOCKER_CONFIG` that has Compose: built from its Go module.

    Raises:
        Unavailable: there is no Go, or the module cannot be had.
    """
    config = cache / f"docker-config-{COMPOSE_VERSION}"
    plugin = config / "cli-plugins" / "docker-compose"
    if plugin.exists():
        return config
    build = cache / "build-compose"
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir(parents=True)
    plugin.parent.mkdir(parents=True, exist_ok=True)
    # `go install` refuses a module whose go.mod replaces others; as a tool of a throw-away module it may be built.
    (build / "go.mod").write_text("module throwaway\n", encoding="utf-8")
    env = {"GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    run(["go", "get", "-tool", f"{COMPOSE_MODULE}@{COMPOSE_VERSION}"], cwd=build, env=env)
    version = f"-X github.com/docker/compose/{COMPOSE_VERSION.split('.')[0]}/internal.Version={COMPOSE_VERSION}"
    env["GOFLAGS"] = "-mod=readonly"
    run(["go", "build", "-trimpath", f"-ldflags=-s -w {version}", "-o", "built", COMPOSE_MODULE], cwd=build, env=env)
    (build / "built").replace(plugin)
    shutil.rmtree(build)
    return config


def base_archive(cache: Path, root: Path) -> Path:
    """A small Debian that images are made on, as a tar archive.

    Raises:
        Unavailable: its packages cannot be had.
    """
    archive = cache / f"{SUITE}-{'-'.join(BASE_PACKAGES)}.tar"
    if not archive.exists():
        part = cache / "base.part.tar"
        program = root / "usr" / "bin" / "mmdebstrap"
        include = f"--include={','.join(BASE_PACKAGES)}"
        run([program, "--variant=essential", include, SUITE, part], env=_environment(root))
        part.replace(archive)
    return archive


def prepare() -> Tools:
    """Everything but the images: what one processor compiles and what comes over the network, at the same time.

    Raises:
        Unavailable: this machine cannot have it; says why.
    """
    require_machine()
    cache = cache_folder()
    with FileLock(cache / "tools.lock"), ThreadPoolExecutor(1) as pool:
        compose = pool.submit(compose_config, cache)
        root = unpack_packages(cache)
        base = base_archive(cache, root)
        return Tools(root, compose.result(), base, cache)
