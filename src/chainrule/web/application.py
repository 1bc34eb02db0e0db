"""The server's application: every route, made from the table of operations, the page's files, and the stream of events."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from .events import MOST_STREAMS, Hub
from .guard import Admission, Guard
from .openapi import document
from .operations import OPERATIONS, Context, Operation
from .page_files import PageFile, page_files
from .refusal import Refusal
from .request_body import decode

LOG = logging.getLogger("uvicorn.error")
"""uvicorn's log, which goes to standard error."""

NO_STORE = {"Cache-Control": "no-store"}
MOST_TOPICS = 64
TOPIC_NAME = re.compile(r"[\w:.-]{1,64}", re.ASCII)

HTTP_ERRORS = {404: "there is nothing at this address", 405: "this address does not take the request's method"}
REMEDY = "/openapi.json lists the addresses"


def application(context: Context, admission: Admission, *, on_start: Callable[[], None], on_end: Callable[[], None]) -> Guard:
    """Make the application.

    Parameters
    ----------
    context : Context
    admission : Admission
        Which requests are admitted.
    on_start, on_end : callable
        Called once before the first request and after the last.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        on_start()
        try:
            yield
        finally:
            await run_in_threadpool(on_end)

    paths = dict.fromkeys(operation.path for operation in OPERATIONS)
    routes = [_api_route(context, path, [each for each in OPERATIONS if each.path == path]) for path in paths]
    routes += [_file_route(path, file) for path, file in page_files().items()]
    routes += [
        Route("/openapi.json", _constant(msgspec.json.encode(document(OPERATIONS)), "application/json")),
        Route("/model.js", _javascript(context)),
        Route("/api/events", _events(context.hub)),
    ]
    handlers: dict[Any, Any] = {Refusal: _refused, ClientDisconnect: _client_left, HTTPException: _http_error, Exception: _failed}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Guard(app, admission)


def _api_route(context: Context, path: str, operations: Sequence[Operation]) -> Route:
    """Serve the operations of one path, each with a method of its own."""
    by_method = {operation.method: operation for operation in operations}

    async def endpoint(request: Request) -> Response:
        operation = by_method["GET" if request.method == "HEAD" else request.method]
        body = await request.body()  # read where the operation takes none too: a connection goes on after a whole body
        arguments = [] if operation.body is None else [decode(body, operation.body)]
        try:
            answer = await run_in_threadpool(operation.answer, context, *arguments, **request.path_params)
        except Refusal:
            raise
        except Exception as error:
            LOG.exception("a fault of the server in %s %s", operation.method, operation.path)
            raise Refusal(500, fault_message(error)) from None
        if answer is None:
            return Response(status_code=operation.status)
        return Response(msgspec.json.encode(answer), operation.status, NO_STORE, "application/json")

    return Route(path, endpoint, methods=list(by_method))


def _file_route(path: str, file: PageFile) -> Route:
    """Serve a file, which a browser keeps and asks for again only where it has changed."""
    headers = {"Cache-Control": "no-cache", "ETag": file.tag}

    async def endpoint(request: Request) -> Response:
        if file.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(file.contents, headers=headers, media_type=file.media_type)

    return Route(path, endpoint)


def _constant(body: bytes, media_type: str) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return Response(body, media_type=media_type)

    return endpoint


def _javascript(context: Context) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return Response(context.drawing.javascript, headers=NO_STORE, media_type="text/javascript")

    return endpoint


def _events(hub: Hub) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        names = list(dict.fromkeys(request.query_params.get("topics", "").split(",")))
        if len(names) > MOST_TOPICS or not all(TOPIC_NAME.fullmatch(name) for name in names):
            raise Refusal(400, topics_message(names))
        if hub.is_full:
            raise Refusal(
                429, f"{MOST_STREAMS} streams are open, and there may be no more; close a tab first", {"Retry-After": "5"}
            )
        if request.method == "HEAD":
            return Response(headers=NO_STORE, media_type="text/event-stream")
        return EventStream(hub, names)

    return endpoint


def topics_message(names: Sequence[str]) -> str:
    """Say what the topics must be, and what came instead."""
    wrong = next((name for name in names if not TOPIC_NAME.fullmatch(name)), None)
    found = f"there are {len(names)}" if wrong is None else f"one is {wrong[:40]!r}"
    return f"topics must be 1 to {MOST_TOPICS} names with commas between them, but {found}; send names as in ?topics=model,run:ID"


class EventStream(StreamingResponse):
    """The answer that carries some topics' events.

    It is counted before anything else can run: nothing is awaited between ``Hub.is_full`` in the endpoint and the count. The events
    themselves begin later, and of many requests that come at once each would find room.
    """

    def __init__(self, hub: Hub, names: Sequence[str]) -> None:
        super().__init__(hub.subscribe(names), headers=NO_STORE, media_type="text/event-stream")
        self._hub = hub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the reader leaves."""
        with self._hub.counting():
            await super().__call__(scope, receive, send)


async def _refused(_: Request, error: Refusal) -> Response:
    return error.response()


async def _http_error(_: Request, error: HTTPException) -> Response:
    text = f"{HTTP_ERRORS.get(error.status_code, error.detail)}; {REMEDY}"
    return Refusal(error.status_code, text, error.headers).response()


async def _failed(_: Request, error: Exception) -> Response:
    """Answer a request that met a fault outside of an operation; uvicorn logs the error itself."""
    return Refusal(500, fault_message(error)).response()


async def _client_left(_: Request, error: ClientDisconnect) -> Response:
    """End a request whose client left while it sent the body; nobody reads the answer."""
    return Response(status_code=400)


def fault_message(error: Exception) -> str:
    """Name a fault's kind, and nothing of what it holds."""
    return f"a fault of the server: {type(error).__name__}; its log has the details"
