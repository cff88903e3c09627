"""Requests to an application of this process: HTTP as it sees it, without a socket between.

A general client spends more on a request than the application does; scenarios send a hundred each.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.types import ASGIApp, Message


@dataclass(slots=True)
class Reply:
    """What the application answered."""

    status_code: int = 0
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class InProcess:
    """A client of an application; paths are below `base`, and may have a query."""

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base

    async def get(self, path: str, **sent: Any) -> Reply:
        return await self.request("GET", path, **sent)

    async def post(self, path: str, **sent: Any) -> Reply:
        return await self.request("POST", path, **sent)

    async def patch(self, path: str, **sent: Any) -> Reply:
        return await self.request("PATCH", path, **sent)

    async def delete(self, path: str, **sent: Any) -> Reply:
        return await self.request("DELETE", path, **sent)

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send it; what the application raises is raised here."""
        body = b"" if json is None else _written(json)
        scope = _scope(method, self._base + path, params or {}, _headers(headers or {}, body))
        exchange = _Exchange(body)
        await self._app(scope, exchange.receive, exchange.send)
        assert exchange.is_over.is_set(), f"{method} {path} was not answered"
        return exchange.reply


class _Exchange:
    """One request and its reply."""

    def __init__(self, body: bytes) -> None:
        self._unread: bytes | None = body
        self.reply = Reply()
        self.is_over = asyncio.Event()

    async def receive(self) -> Message:
        if self._unread is None:
            await self.is_over.wait()
            return {"type": "http.disconnect"}
        body, self._unread = self._unread, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.reply.status_code = message["status"]
            return
        self.reply.body += message.get("body", b"")
        if not message.get("more_body", False):
            self.is_over.set()


def _written(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _headers(given: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    headers = {"host": "papertape", "accept": "*/*"} | dict(given)
    if body:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _scope(
    method: str, path: str, params: Mapping[str, Any], headers: list[tuple[bytes, bytes]]
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": (urlencode(params) or query).encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 123),
        "server": ("papertape", None),
    }
