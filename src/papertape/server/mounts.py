"""Applications inside of ours, behind a prefix of their own. Their paths stay whole.

Starlette's `Mount` cuts the prefix off, and then neither figures nor documents know a route's path.
"""

from collections.abc import Callable
from functools import cached_property

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send


class PrefixRoute(BaseRoute):
    """Hands all that lies behind some prefixes to an application that the first to come makes."""

    def __init__(self, prefixes: tuple[str, ...], make: Callable[[], ASGIApp]) -> None:
        self._prefixes = tuple(f"{prefix}/" for prefix in prefixes)
        self._make = make

    @cached_property
    def _app(self) -> ASGIApp:
        return self._make()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Requests and WebSockets alike."""
        is_ours = scope["type"] in {"http", "websocket"} and scope["path"].startswith(
            self._prefixes
        )
        return (Match.FULL if is_ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the other application answer."""
        await self._app(scope, receive, send)

    def url_path_for(self, name: str, /, **_: object) -> URLPath:
        """Names of routes behind it are not known here."""
        raise NoMatchFound(name, {})
