"""Running the page's server in this process, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from importlib.util import find_spec
from typing import TYPE_CHECKING

from adclick_cli import submission
from adclick_cli.errors import AdclickError, ParameterError
from adclick_cli.runtime.process import require_free
from adclick_cli.settings import Settings

if TYPE_CHECKING:
    from adclick_cli.dashboard.feed import Nothing

GRACE_S = 5
"""How long open streams may take to end."""
PACKAGES = ("starlette", "uvicorn")


class MissingExtraError(AdclickError):
    """The packages of an extra are not installed."""


def require_packages() -> None:
    """Check that what the server needs is installed.

    Raises:
        MissingExtraError: it is not.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            "the dashboard's packages are not installed",
            f"Missing: {', '.join(missing)}.",
            "Run `pip install 'adclick[dashboard]'`.",
        )


def is_local(host: str) -> bool:
    """Whether only this machine reaches a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host:port`; port 0 takes a free one.

    Raises:
        ParameterError: there is no such address here.
        PortTakenError: somebody else listens there.
    """
    plain = host.strip("[]")
    try:
        family, kind, _, _, address = socket.getaddrinfo(plain, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ParameterError("host", host, str(error), "Give an address of this machine, or 0.0.0.0 for all.") from None
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(address)
        made.listen()
    except OSError as error:
        made.close()
        if family is socket.AF_INET:
            require_free(port, plain, "--port")
        raise ParameterError("host", host, str(error), "Give an address of this machine, or 0.0.0.0 for all.") from None
    return made


def serve(
    settings: Settings,
    listener: socket.socket,
    names: Sequence[str],
    windows: int,
    nothing: Nothing,
    ready: Callable[[], None],
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        settings: broker, topics and `ADCLICK_HOME`.
        listener: where to listen.
        names: host names that are answered beside the local ones.
        windows: how many windows are kept of each campaign.
        nothing: tells why there are no rows yet.
        ready: called once the server answers.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    require_packages()
    import uvicorn

    from adclick_cli.dashboard.feed import Feed
    from adclick_cli.dashboard.state import Source, State
    from adclick_cli.dashboard.web import make

    source = Source(settings.servers, "connecting", datetime.now(timezone.utc))
    state = State(source, windows)
    submitted = submission.current_pipeline(settings)
    catalog = submitted.catalog if submitted else settings.catalog
    feed = Feed(state, settings.topics(), settings.home, nothing, catalog)
    server: uvicorn.Server | None = None
    config = uvicorn.Config(
        make(state, names, ready, lambda: server is not None and server.should_exit),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = uvicorn.Server(config)
    feed.start()
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        feed.stop()
        listener.close()
