"""The outermost layer of every HTTP request: its id, its size, its time, its safety headers.

Plain ASGI, since a request passes here before anything else and every microsecond is paid by all.
"""

import os
import re
import time
from collections.abc import Callable, Mapping

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from papertape.server.callers import shows_credentials
from papertape.server.measures import Measures
from papertape.server.problems import Problem, unexpected
from papertape.server.rates import Rates

BODY_BYTES_MAX = 1024 * 1024
_DIGITS_MAX = 12
API = "/api/"
MOUNT = "/api/v1/simulation"
"""Every route under `/api/v1` stands here too; the OpenAPI document names the short form only."""

CLIENT_GONE = 499
"""Counted, never sent: the client hung up before it had said everything."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_POLICY = (
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; "
    # The chart library writes style attributes; scripts come from our own files only.
    "style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFETY = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
]
NOT_STORED = (b"cache-control", b"no-store")

Dialects = Mapping[str, Callable[[Problem], Response]]
"""How problems are told behind a prefix, where not as problem details."""


class Edge:
    """Wraps the application. A fault that nobody caught becomes a problem reply here."""

    def __init__(
        self, app: ASGIApp, measures: Measures, rates: Rates, dialects: Dialects | None = None
    ) -> None:
        self._app = app
        self._dialects = dialects or {}
        self._rates = rates
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")  # the lifespan has none
        if path[-1:] == "/" or path.startswith(MOUNT):
            scope = {**scope, "path": _meant(path)}
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._dialects)
        started = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._answer(exchange)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            seconds = time.perf_counter() - started
            self._measures.count_request(
                _method(scope), _route(exchange.scope), exchange.status, seconds
            )

    async def _answer(self, exchange: "_Exchange") -> None:
        try:
            if not shows_credentials(exchange.scope):
                self._rates.take((exchange.scope["client"] or ("",))[0])
            exchange.check_announced_size()
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = CLIENT_GONE
        except Problem as problem:
            await exchange.reply(problem)
        except Exception as error:  # noqa: BLE001 - the last door: told as 500, logged whole
            await exchange.reply_unexpected(error)


class _Exchange:
    """One request and its reply on the wire."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, dialects: Dialects) -> None:
        # HEAD is GET whose body uvicorn, which keeps the scope of its own, does not send.
        self.scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        self.status = 500
        self._dialects = dialects
        self._receive = receive
        self._send = send
        self._headers = Headers(scope=scope)
        self._received_bytes = 0
        self._started = False
        self.request_id = id_of_request(self._headers)

    def check_announced_size(self) -> None:
        """Refuse an oversize body before a byte of it is read."""
        announced = self._headers.get("content-length", "0")
        if announced.isdecimal() and length_of(announced) > BODY_BYTES_MAX:
            raise _too_large()

    async def receive(self) -> Message:
        """A part of the body; counted, since a chunked body announces no size."""
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > BODY_BYTES_MAX:
            raise _too_large()
        return message

    async def send(self, message: Message) -> None:
        """A part of the reply, its head with the headers that all replies have."""
        if message["type"] == "http.response.start":
            self._started = True
            self.status = message["status"]
            more = [*SAFETY, (b"x-request-id", self.request_id.encode())]
            if self.scope["path"].startswith(("/api/", *self._dialects)):
                more.append(NOT_STORED)
            message["headers"] = [*message["headers"], *more]
        await self._send(message)

    async def reply(self, problem: Problem) -> None:
        """Answer with a problem, unless a reply has begun already."""
        if not self._started:
            response = self._told(problem)
            await response(self.scope, self._receive, self.send)

    async def reply_unexpected(self, error: Exception) -> None:
        """Log a fault and answer 500; a reply that has begun can only be broken off."""
        problem = unexpected(Request(self.scope), error)
        response = self._told(problem)
        if self._started:
            raise error
        await response(self.scope, self._receive, self.send)

    def _told(self, problem: Problem) -> Response:
        """The problem in the words of whoever is asked."""
        for prefix, tell in self._dialects.items():
            if self.scope["path"].startswith(prefix):
                return tell(problem)
        return problem.response(Request(self.scope))


def length_of(digits: str) -> int:
    """An announced length, cut where it is far too large; `int` refuses thousands of digits."""
    return int(digits.lstrip("0")[:_DIGITS_MAX] or "0")


def id_of_request(headers: Headers) -> str:
    """The id that the caller gave a request, or a new one where it cannot be kept."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(8).hex()


def _meant(path: str) -> str:
    """The path of the route: without the mount, and without a slash at its end."""
    if not path.startswith(API):
        return path
    if path.startswith(f"{MOUNT}/"):
        path = "/api/v1" + path[len(MOUNT) :]
    return path.removesuffix("/")


def _too_large() -> Problem:
    return Problem(
        413,
        "body_too_large",
        f"a body has at most {BODY_BYTES_MAX} bytes",
        more={"limit": str(BODY_BYTES_MAX)},
    )


def _route(scope: Scope) -> str:
    """The pattern of the route; one label for all that has none, so that labels are bounded."""
    return getattr(scope.get("route"), "path", "other")


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "other"
