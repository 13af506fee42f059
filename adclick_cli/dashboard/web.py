"""The web application: the page's files, the state as JSON, and a stream of it (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import mimetypes
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from adclick_cli.dashboard import snapshot
from adclick_cli.dashboard.guard import Guard
from adclick_cli.dashboard.state import State
from adclick_cli.dashboard.view import View

STATIC = Path(__file__).parent / "static"
UPDATE_S = 1.0
"""Least time between two pictures on a stream."""
HEARTBEAT_S = 5.0
RETRY_MS = 2_000

# A system may say otherwise, and a browser that is told not to guess then refuses the script.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/css", ".css")


def _nothing() -> None:
    pass


def _never() -> bool:
    return False


def make(
    state: State,
    names: Iterable[str] = (),
    on_start: Callable[[], None] = _nothing,
    ending: Callable[[], bool] = _never,
) -> Starlette:
    """The application.

    Args:
        state: what it shows.
        names: host names that are answered beside the local ones.
        on_start: called once the server answers.
        ending: whether the server is about to end: streams end then, too.
    """

    def view(request: Request) -> View:
        query = request.query_params
        return View.parse({name: query.getlist(name) for name in query}, state.kept)

    async def picture(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(snapshot.take, state, view(request), _now()))

    async def events(request: Request) -> Response:
        return StreamingResponse(_stream(state, view(request), ending), media_type="text/event-stream")

    async def health(_: Request) -> Response:
        return JSONResponse({"broker": state.source.state})

    return Starlette(
        routes=[
            Route("/api/snapshot", picture),
            Route("/api/events", events),
            Route("/healthz", health),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        middleware=[Middleware(Guard, names=tuple(names))],
        lifespan=_lifespan(on_start),
    )


def _lifespan(on_start: Callable[[], None]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        on_start()
        yield

    return lifespan


async def _stream(state: State, view: View, ending: Callable[[], bool]) -> AsyncIterator[str]:
    """A picture at once, after each change, and now and then without one: time moves on, and silence means a fault."""
    yield f"retry: {RETRY_MS}\n\n"
    seen, drawn, told = -1, (), 0.0
    while not ending():
        if state.version != seen or time.monotonic() - told > HEARTBEAT_S:
            picture = await run_in_threadpool(snapshot.take, state, view, _now(), drawn)
            seen, drawn = picture["version"], tuple(curve["name"] for curve in picture["curves"])
            told = time.monotonic()
            yield _event("picture", picture)
        await asyncio.sleep(UPDATE_S)


def _event(name: str, plain: dict[str, Any]) -> str:
    # JSON escapes line ends, so no text in it can end the event.
    return f"event: {name}\ndata: {json.dumps(plain, separators=(',', ':'), allow_nan=False)}\n\n"


def _now() -> datetime:
    return datetime.now(timezone.utc)
