"""Answers the busiest requests at the connection: ASGI cost an order as much as all the rest.

`QuickProtocol` takes the requests of routes that read them themselves (`DirectRoute`), when such a
request came whole and plain, and gives it to the route's handler. What a request meets besides is
that of `Edge`, to the byte. Whatever else comes goes uvicorn's way.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog
from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from papertape.server.edge import (
    CLIENT_GONE,
    NOT_STORED,
    SAFETY,
    id_of_request,
    length_of,
)
from papertape.server.measures import Measures
from papertape.server.patience import PatientProtocol
from papertape.server.problems import Problem, Tell, unexpected
from papertape.server.shortcut import Short, ShortRoutes, answer
from papertape.server.stream.wire import StreamProtocol

_CREDENTIALS = frozenset({"authorization", "apca-api-key-id"})
_NOT_PLAIN = frozenset(
    {"transfer-encoding", "upgrade", "expect", "x-forwarded-for", "x-forwarded-proto"}
)
"""Headers that say more about how a request travels than is read here."""

_SAFE = b"".join(b"%s: %s\r\n" % header for header in SAFETY)
_LAST = b"%s: %s\r\n" % NOT_STORED

_FAILED = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n"
    + _SAFE
    + b"\r\n"
)

BODY_MAX = 16 * 1024
"""A larger body goes the long way, where who calls is asked before it is read."""


class Quick:
    """The busiest routes of an application, and where their requests are counted."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._routes: list[tuple[ShortRoutes, Tell]] = []
        self.streams: dict[str, ASGIApp] = {}
        """What answers at the paths of streams."""

    def add(self, router: APIRouter, tell: Tell) -> None:
        """Answer the direct routes that a router has now, and tell their problems in this way."""
        self._routes.append((ShortRoutes(router), tell))
        for route in router.routes:
            if isinstance(route, WebSocketRoute) and "{" not in route.path:
                self.streams[route.path] = _stream(route.endpoint)

    def find(self, method: str, path: str) -> "Answerer | None":
        """Who answers a request: the route that does so for all that come to it."""
        for routes, tell in self._routes:
            short = routes.find(method, path)
            if short is not None:
                return Answerer(short, tell) if short.is_direct else None
        return None

    async def answer(self, answerer: "Answerer", request: "QuickRequest") -> Response:
        """The reply, whatever happens."""
        structlog.contextvars.bind_contextvars(request_id=request.id)
        short, tell = answerer
        status = 500
        try:
            response = await self._answered(short, tell, request)
            status = response.status_code
        finally:
            self.count(short, request, status)
        return response

    async def _answered(self, short: Short, tell: Tell, request: "QuickRequest") -> Response:
        try:
            response = await answer(short, request)
            assert response is not None, "a direct route answers everything"
        except Problem as problem:
            response = tell(problem, request)
        except Exception as error:  # noqa: BLE001 - the last door: told as 500, logged whole
            response = tell(unexpected(request, error), request)
        return response

    def count(self, short: Short, request: "QuickRequest", status: int) -> None:
        """One request that was answered, or will never be."""
        seconds = time.perf_counter() - request.began
        self._measures.count_request(request.method, short.route.path, status, seconds)


def _stream(serve: Callable[[WebSocket], Awaitable[None]]) -> ASGIApp:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await serve(WebSocket(scope, receive, send))

    return stream


class Answerer(NamedTuple):
    """A route, and how its problems are told."""

    short: Short
    tell: Tell


class _Headers(Headers):
    """Headers that are asked for by name several times; of those that stand twice the first."""

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        super().__init__(raw=raw)
        self._first: dict[str, str] = {}
        for name, value in raw:
            self._first.setdefault(name.decode("latin-1"), value.decode("latin-1"))

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first

    @property
    def is_plain(self) -> bool:
        """Whether they say who asks and how much follows, and nothing else of the travel."""
        length = self._first.get("content-length", "0")
        return (
            length.isdecimal()
            and length_of(length) <= BODY_MAX
            and not _CREDENTIALS.isdisjoint(self._first)
            and _NOT_PLAIN.isdisjoint(self._first)
        )

    def get(self, key: str, default: Any = None) -> Any:
        return self._first.get(key.lower(), default)


class QuickRequest(Request):
    """A request that came whole."""

    def __init__(self, scope: dict[str, Any], headers: _Headers) -> None:
        super().__init__(scope)
        self._headers = headers
        self.began = time.perf_counter()
        self.id = id_of_request(headers)
        self.whole = bytearray()

    async def body(self) -> bytes:
        """All of it, at once."""
        return bytes(self.whole)


class _NobodyWaits:
    """Stands where uvicorn's cycle has an event; a request that came whole waits for nothing."""

    def set(self) -> None:
        """Nothing to wake."""


class _Cycle:
    """One request and its reply, as uvicorn's protocol sees it."""

    __slots__ = (
        "disconnected",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
    )

    message_event = _NobodyWaits()

    def __init__(self, *, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.more_body = True
        self.disconnected = self.response_started = self.response_complete = False


class QuickProtocol(PatientProtocol):
    """Made by `protocols_of`, for one application."""

    quick: Quick

    _answerer: Answerer | None = None
    """The quick route of the request that is coming in."""

    _request: QuickRequest
    _is_last = False
    """Whether the server ends, so that the request which is coming in is the last one."""

    def shutdown(self) -> None:
        """The server ends: what is coming in, or is being answered, is still answered."""
        if self._answerer is None:
            super().shutdown()
        else:
            self._is_last = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody hears a reply any more; what was sent whole is done all the same."""
        if self._answerer is not None:
            self.quick.count(self._answerer.short, self._request, CLIENT_GONE)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """The head of a request: from here on it is known who answers."""
        self._answerer = self._recognized()
        if self._answerer is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body; its size was announced, and is within bounds."""
        if self._answerer is None:
            super().on_body(body)
        else:
            self._request.whole += body

    def on_message_complete(self) -> None:
        """The last byte of a request: now a quick one is answered."""
        answerer, self._answerer = self._answerer, None
        if answerer is not None:
            cycle = _Cycle(keep_alive=self.parser.should_keep_alive() and not self._is_last)
            self.cycle = cycle  # type: ignore[assignment]
            task = self.loop.create_task(self._answer(answerer, self._request, cycle))
            del self._request  # a connection that waits keeps no body
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        super().on_message_complete()

    def _recognized(self) -> Answerer | None:
        """The quick route of the present request, when nothing about it is unusual."""
        if self.cycle is not None and not self.cycle.response_complete:
            return None  # another is being answered; uvicorn keeps the order
        path, _, query = self.url.partition(b"?")
        if (
            b"%" in path
            or b"#" in self.url
            or not path.isascii()
            or self.parser.get_http_version() != "1.1"
        ):
            return None
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        method = self.parser.get_method().decode("ascii")
        answerer = self.quick.find(method, path.decode("ascii"))
        if answerer is None or self.root_path:
            return None
        headers = _Headers(self.headers)
        if not headers.is_plain:
            return None
        scope["method"], scope["raw_path"] = method, path
        scope["path"], scope["query_string"] = path.decode("ascii"), query
        if answerer.short.route.wrong_with(scope) is not None:
            return None  # the router tells what
        self._request = QuickRequest(scope, headers)
        return answerer

    async def _answer(self, answerer: Answerer, request: QuickRequest, cycle: _Cycle) -> None:
        try:
            response = await self.quick.answer(answerer, request)
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
            written = self._written(response, request.id, cycle.keep_alive)
        except BaseException:  # the server ends before the answer came, or a fault in telling it
            self._send(cycle, _FAILED, is_last=True)
            raise
        self._send(cycle, written, is_last=not cycle.keep_alive)
        self.on_response_complete()

    def _send(self, cycle: _Cycle, reply: bytes, *, is_last: bool) -> None:
        cycle.response_started = cycle.response_complete = True
        if not cycle.disconnected and not self.transport.is_closing():
            self.transport.write(reply)
            if is_last:
                self.transport.close()

    def _written(self, response: Response, request_id: str, keep_alive: bool) -> bytes:
        """The reply as it goes over the wire."""
        lines = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers):
            lines += (name, b": ", value, b"\r\n")
        lines += (_SAFE, b"x-request-id: ", request_id.encode(), b"\r\n", _LAST)
        lines += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", bytes(response.body))
        return b"".join(lines)


def protocols_of(app: FastAPI) -> tuple[type[PatientProtocol], type[StreamProtocol]]:
    """The protocols of HTTP and of streams for an application of `create_app`."""
    quick: Quick = app.state.quick
    return (
        type("HttpOfApplication", (QuickProtocol,), {"quick": quick}),
        type("StreamsOfApplication", (StreamProtocol,), {"streams": quick.streams}),
    )
