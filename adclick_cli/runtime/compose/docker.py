"""Docker's command line: whether an engine and Compose answer, running it, and what its complaints mean."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from adclick_cli.errors import AdclickError, PortTakenError, RuntimeFailure
from adclick_cli.runtime.process import inherited

PROBE_TIMEOUT_S = 5.0
TAIL_LINES = 15
LOCAL_INSTEAD = "Or use --runtime local: it needs nothing but Python."

_REFUSES = re.compile(r"permission denied.*docker", re.IGNORECASE)
_ABSENT = re.compile(
    r"cannot connect to the docker daemon|failed to connect to the docker api|error during connect", re.IGNORECASE
)
_PORT = re.compile(r":(\d+)\b[^\n]*(?:already allocated|already in use)", re.IGNORECASE)
_IMAGE_TROUBLE = re.compile(
    r"no such image|pull access denied|manifest (?:for \S+ not found|unknown)|failed to resolve reference"
    r"|error pulling|toomanyrequests|no matching manifest|https?://\S+/v2/",
    re.IGNORECASE,
)
_IMAGE = re.compile(
    r"(?:no such image: |denied for |manifest for |reference \"|\bimage )([\w.-]+(?:[/:][\w./:@-]+)+)", re.IGNORECASE
)
_MOUNT = re.compile(r"bind source path does not exist: (\S+)")


def why_no_engine() -> str:
    """Why no Docker engine can be used from here; an empty text where one answers."""
    if shutil.which("docker") is None:
        return "There is no docker command."
    try:
        done = _run(["docker", "version", "--format", "{{.Server.Version}}"], {}, PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"The Docker engine does not answer within {PROBE_TIMEOUT_S:.0f} s."
    return "" if done.returncode == 0 and done.stdout.strip() else _last_line(done.stderr)


def why_no_compose() -> str:
    """Why `docker compose` cannot be used; an empty text where it can."""
    try:
        done = _run(["docker", "compose", "version", "--short"], {}, PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"docker compose does not answer within {PROBE_TIMEOUT_S:.0f} s."
    if done.returncode == 0:
        return ""
    return f"docker compose: {_last_line(done.stderr)}"


def require() -> None:
    """Check that engine and Compose answer.

    Raises:
        RuntimeFailure: one does not; with the mend.
    """
    reason = why_no_engine()
    if reason:
        raise complaint(reason) or RuntimeFailure(
            "no Docker engine answers", reason, f"Start or install Docker. {LOCAL_INSTEAD}"
        )
    reason = why_no_compose()
    if reason:
        raise RuntimeFailure(
            "Docker has no Compose v2",
            reason,
            f"Install Docker's compose plugin (the old docker-compose 1.x does not do). {LOCAL_INSTEAD}",
        )


def run(command: Sequence[str], env: Mapping[str, str], given: str = "") -> str:
    """Run one command of Docker, `given` on its standard input, and return its standard output.

    Raises:
        AdclickError: it failed; Docker's complaint, translated where its kind is known.
    """
    done = _run(command, env, None, given)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise complaint(said) or RuntimeFailure(
            f"{' '.join(command[:2])} failed with exit code {done.returncode}",
            "\n".join(said.splitlines()[-TAIL_LINES:]),
            "Look at `adclick status` and `adclick logs`.",
        )
    return done.stdout


def complaint(said: str, ports: Mapping[str, int] | None = None) -> AdclickError | None:
    """The error that a complaint of Docker stands for; None where its kind is not known.

    Args:
        said: what Docker printed.
        ports: published ports by flag, to name the flag of one that is taken.
    """
    line = _telling_line(said)
    if _REFUSES.search(said):
        mend = f"Add yourself to the group that may use it (often `docker`), and log in anew. {LOCAL_INSTEAD}"
        return RuntimeFailure("the Docker engine refuses you", line, mend)
    if _ABSENT.search(said):
        return RuntimeFailure("no Docker engine answers", line, f"Start Docker. {LOCAL_INSTEAD}")
    taken = _PORT.search(said)
    if taken:
        return _port_taken(int(taken.group(1)), line, ports or {})
    mount = _MOUNT.search(said)
    if mount:
        mend = "The engine must see this machine's files; set ADCLICK_JAR_CACHE to a folder that it shares."
        return RuntimeFailure(f"a file that the containers need is missing: {mount.group(1)}", line, mend)
    if _IMAGE_TROUBLE.search(said):
        image = _IMAGE.search(said)
        mend = "Look at the network, or name an image that you have in ADCLICK_KAFKA_IMAGE or ADCLICK_FLINK_IMAGE."
        what = f"the image {image.group(1)} cannot be pulled" if image else "an image cannot be pulled"
        return RuntimeFailure(what, line, f"{mend} {LOCAL_INSTEAD}")
    return None


def _port_taken(port: int, line: str, ports: Mapping[str, int]) -> PortTakenError:
    flag = next((flag for flag, own in ports.items() if own == port), "--kafka-port or --ui-port")
    return PortTakenError(f"port {port} is taken", line, f"End that program, or choose another port with {flag}.")


def _telling_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|denied|cannot|failed|no such", line, re.IGNORECASE)]
    return (telling or lines or [""])[-1]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["It says nothing."])[-1]


def _run(
    command: Sequence[str], env: Mapping[str, str], timeout_s: float | None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=inherited(env),
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_s,
        check=False,
    )
