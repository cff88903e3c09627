"""Answers the busiest requests at the connection: ASGI cost an order as much as all the rest.

`QuickProtocol` takes the requests of routes that read them themselves (`DirectRoute`), when such a
request came whole and plain, and gives it to the route's handler. What a request meets besides is
that of `Edge`, to the byte. Whatever else comes goes uvicorn's way.
"""

import time
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from papertape.server.edge import (
    BODY_BYTES_MAX,
    CLIENT_GONE,
    NOT_STORED,
    SAFETY,
    id_of_request,
)
from papertape.server.measures import Measures
from papertape.server.patience import PatientProtocol
from papertape.server.problems import Problem, unexpected
from papertape.server.shortcut import Short, ShortRoutes, answer

_CREDENTIALS = frozenset({"authorization", "apca-api-key-id"})
_NOT_PLAIN = frozenset(
    {"transfer-encoding", "upgrade", "expect", "x-forwarded-for", "x-forwarded-proto"}
)
"""Headers that say more about how a request travels than is read here."""

_END = b"".join(b"%s: %s\r\n" % header for header in (*SAFETY, NOT_STORED))


class Quick:
    """The busiest routes of an application, and where their requests are counted."""

    def __init__(self, routes: ShortRoutes, measures: Measures) -> None:
        self._routes = routes
        self._measures = measures

    def find(self, method: str, path: str) -> Short | None:
        """The route of a request, when it answers all that come to it."""
        short = self._routes.find(method, path)
        return short if short is not None and short.is_direct else None

    async def answer(self, short: Short, request: "QuickRequest") -> Response:
        """The reply, whatever happens."""
        structlog.contextvars.bind_contextvars(request_id=request.id)
        try:
            response = await answer(short, request)
            assert response is not None, "a direct route answers everything"
        except Problem as problem:
            response = problem.response(request)
        except Exception as error:  # noqa: BLE001 - the last door: told as 500, logged whole
            response = unexpected(request, error).response(request)
        self.count(short, request, response.status_code)
        return response

    def count(self, short: Short, request: "QuickRequest", status: int) -> None:
        """One request that was answered, or will never be."""
        seconds = time.perf_counter() - request.began
        self._measures.count_request(request.method, short.route.path, status, seconds)


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
            and int(length) <= BODY_BYTES_MAX
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
    """Made by `protocol_of`, for one application."""

    quick: Quick

    _short: Short | None = None
    """The quick route of the request that is coming in."""

    _request: QuickRequest

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody hears a reply any more; what was sent whole is done all the same."""
        if self._short is not None:
            self.quick.count(self._short, self._request, CLIENT_GONE)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """The head of a request: from here on it is known who answers."""
        self._short = self._recognized()
        if self._short is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body; its size was announced, and is within bounds."""
        if self._short is None:
            super().on_body(body)
        else:
            self._request.whole += body

    def on_message_complete(self) -> None:
        """The last byte of a request: now a quick one is answered."""
        short, self._short = self._short, None
        if short is not None:
            cycle = _Cycle(keep_alive=self.parser.should_keep_alive())
            self.cycle = cycle  # type: ignore[assignment]
            task = self.loop.create_task(self._answer(short, self._request, cycle))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
        super().on_message_complete()

    def _recognized(self) -> Short | None:
        """The quick route of the present request, when nothing about it is unusual."""
        if self.cycle is not None and not self.cycle.response_complete:
            return None  # another is being answered; uvicorn keeps the order
        path, _, query = self.url.partition(b"?")
        if not path.isascii() or self.parser.get_http_version() != "1.1":
            return None
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        method = self.parser.get_method().decode("ascii")
        short = self.quick.find(method, path.decode("ascii"))
        if short is None or self.root_path or b"#" in query:
            return None
        headers = _Headers(self.headers)
        if not headers.is_plain:
            return None
        scope["method"], scope["raw_path"] = method, path
        scope["path"], scope["query_string"] = path.decode("ascii"), query
        self._request = QuickRequest(scope, headers)
        return short

    async def _answer(self, short: Short, request: QuickRequest, cycle: _Cycle) -> None:
        response = await self.quick.answer(short, request)
        if self.flow.write_paused and not cycle.disconnected:
            await self.flow.drain()
        cycle.response_started = cycle.response_complete = True
        if not cycle.disconnected and not self.transport.is_closing():
            self.transport.write(self._written(response, request.id, cycle.keep_alive))
            if not cycle.keep_alive:
                self.transport.close()
        self.on_response_complete()

    def _written(self, response: Response, request_id: str, keep_alive: bool) -> bytes:
        """The reply as it goes over the wire."""
        lines = [STATUS_LINE[response.status_code]]
        for name, value in (*self.server_state.default_headers, *response.raw_headers):
            lines += (name, b": ", value, b"\r\n")
        lines += (_END, b"x-request-id: ", request_id.encode(), b"\r\n")
        lines += (b"\r\n" if keep_alive else b"connection: close\r\n\r\n", bytes(response.body))
        return b"".join(lines)


def protocol_of(app: FastAPI) -> type[PatientProtocol]:
    """The HTTP protocol for an application of `create_app`."""
    return type("ProtocolOfApplication", (QuickProtocol,), {"quick": app.state.quick})
